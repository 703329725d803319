/** Work after an answer ends in time for the platform, which ends the instance when the function's time is over. */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { BACKGROUND_MS, inBackground, timeLeft, withRequest } from '../../lib/request-context.ts'
import { findFunctions } from '../../dev/build/bundle-functions.ts'

const request = { requestId: 'r', function: 'notify' }

test('it is not cut short by the time of its request, and has a limit that begins with the request', () => {
  withRequest(request, 100, () => {
    expect(timeLeft()).toBeLessThanOrEqual(100)
    const left = inBackground(timeLeft)
    expect(left).toBeGreaterThan(BACKGROUND_MS - 1_000)
    expect(left).toBeLessThanOrEqual(BACKGROUND_MS)
  })
})

test('work that it starts itself gets no extra time', async () => {
  await withRequest(request, 100, () =>
    inBackground(async () => {
      const before = timeLeft()
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(inBackground(timeLeft)).toBeLessThan(before)
    }),
  )
})

test('a request with a longer limit gives its background work the same limit', () => {
  withRequest(request, 2 * BACKGROUND_MS, () =>
    expect(inBackground(timeLeft)).toBeGreaterThan(BACKGROUND_MS),
  )
})

/** What may follow the last call: the record of its outcome, by a database that answers in five seconds or not at all. */
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
