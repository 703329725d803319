/**
 * Background work must end before the platform stops the instance, which it does at the function's
 * maximum duration.
 */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { BACKGROUND_MS, inBackground, timeLeft, withRequest } from '../../lib/request-context.ts'
import { findFunctions } from '../../dev/build/bundle-functions.ts'

const request = { requestId: 'r', function: 'notify' }

test('background work may outlast the deadline of its request, up to a limit counted from the request', async () => {
  await withRequest(request, 100, async () => {
    expect(timeLeft()).toBeLessThanOrEqual(100)
    const left = inBackground(timeLeft)
    expect(left).toBeGreaterThan(BACKGROUND_MS - 1_000)
    expect(left).toBeLessThanOrEqual(BACKGROUND_MS)
  })
})

test('background work started by background work gets no extra time', async () => {
  await withRequest(request, 100, () =>
    inBackground(async () => {
      const before = timeLeft()
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(inBackground(timeLeft)).toBeLessThan(before)
    }),
  )
})

test('a request with a longer limit gives its background work the same limit', async () => {
  await withRequest(request, 2 * BACKGROUND_MS, async () =>
    expect(inBackground(timeLeft)).toBeGreaterThan(BACKGROUND_MS),
  )
})

/** Time to record the outcome of the last call. A statement takes at most five seconds. */
const RECORDING_MS = 10_000

test('vercel.json gives every function that delivers events more time than its background work takes', () => {
  const settings = v.object({
    functions: v.record(v.string(), v.object({ maxDuration: v.number() })),
  })
  const text = readFileSync(new URL('../../vercel.json', import.meta.url), 'utf8')
  const { functions } = v.parse(v.pipe(v.string(), v.parseJson(), settings), text)
  for (const name of findFunctions().filter(
    (source) => !['api/health.ts', 'api/products.ts'].includes(source),
  ))
    expect(functions[name]?.maxDuration, name).toBeGreaterThanOrEqual(
      (BACKGROUND_MS + RECORDING_MS) / 1_000,
    )
})
