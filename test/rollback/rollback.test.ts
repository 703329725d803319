/**
 * The functions of 0.1.0 work on the tables of the current version, so a deployment may be rolled
 * back to it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleRelease } from '../../dev/build/earlier-release.ts'
import { readVariable } from '../../dev/program/environment.ts'

/** The sources of 0.1.0 with their packages, from `npm run test:rollback`. */
const sources = readVariable(process.env, 'EARLIER_RELEASE')

let directory: string
beforeAll(async () => {
  if (sources === undefined) throw new Error('Start these tests with npm run test:rollback.')
  directory = await mkdtemp(join(tmpdir(), 'rollback-'))
  await bundleRelease(sources, directory)
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function runProgram(name: string): Promise<void> {
  const child = spawn(
    process.execPath,
    [resolve(import.meta.dirname, '../support', name), directory],
    {
      // Node on Windows does not start without it.
      env: { SystemRoot: process.env['SystemRoot'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const ended = once(child, 'close')
  const output = await Promise.all([text(child.stdout), text(child.stderr)])
  expect(await ended, output.join('\n')).toEqual([0, null])
}

const MINUTE_MS = 60_000

describe('rolled back to 0.1.0', () => {
  test(
    'a payment, its refund, its shipment and the bill of its day go through',
    () => runProgram('rollback-payment.ts'),
    MINUTE_MS,
  )

  test(
    'an order that one version placed is repeated, prepaid, paid, shipped and refunded by the other',
    () => runProgram('rollback-orders.ts'),
    MINUTE_MS,
  )
})
