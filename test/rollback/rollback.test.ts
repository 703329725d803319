/**
 * The functions of 0.1.0 work on the tables of the current version, so a deployment may be rolled
 * back to it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { earlierFunctions } from './earlier.ts'

async function runProgram(name: string): Promise<void> {
  const child = spawn(
    process.execPath,
    [resolve(import.meta.dirname, '../support', name), earlierFunctions],
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
