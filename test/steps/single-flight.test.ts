import { beforeEach, expect, test } from 'vitest'
import { err, ok, type Result } from '../../lib/core/result.ts'
import type { Cache, Clock, Deps, Found, Shared } from '../../lib/ports.ts'
import { singleFlight } from '../../lib/steps/single-flight.ts'
import { only } from '../support/only.ts'

const LOCK = { name: 'lock', token: 'ours' }

let calls: string[]
let works: (() => Promise<unknown>)[]
let pauses: number[]
beforeEach(() => {
  calls = []
  works = []
  pauses = []
})

/** Runs with these results of the looks; the last one repeats. */
async function run(
  looks: readonly Found<string>[],
  made: Result<string, 'refused'> | Error = ok('new'),
  timeLeft = Infinity,
) {
  const left = [...looks]
  const look = () => (left.length > 1 ? left.shift() : left[0]) ?? 'down'
  const shared: Shared<string> = {
    find: async () => look(),
    keep: async (id, value, lifeMs) => void calls.push(`keep ${id} ${value} ${lifeMs}`),
    forget: async (id, value) => void calls.push(`forget ${id} ${value}`),
  }
  const deps = only<Deps>({
    cache: only<Cache>({ release: async ({ token }) => void calls.push(`release ${token}`) }),
    clock: only<Clock>({
      timeLeft: () => timeLeft,
      sleep: async (ms) => void pauses.push(ms),
    }),
    waitUntil: (work) => void works.push(work),
  })
  const flying = singleFlight<string, 'refused'>(deps, shared, {
    id: 'latte',
    found: look(),
    isReusable: (kept) => kept !== 'too old',
    make: async () => {
      calls.push('make')
      if (made instanceof Error) throw made
      return made.ok ? ok({ value: made.value, lifeMs: 1_000 }) : made
    },
  })
  await flying.catch(() => undefined)
  for (const work of works) await work()
  return flying
}

test('a kept value is returned without a call', async () => {
  expect(await run([{ kept: 'old' }])).toEqual(ok('old'))
  expect(calls).toEqual([])
})

test('the holder of the lock makes the value and keeps it in place of the lock', async () => {
  expect(await run([{ lock: LOCK }])).toEqual(ok('new'))
  expect(calls).toEqual(['make', 'keep latte new 1000'])
})

test('a failure is not kept, and the lock is released', async () => {
  expect(await run([{ lock: LOCK }], err('refused'))).toEqual(err('refused'))
  expect(calls).toEqual(['make', 'release ours'])
})

test('the others wait with growing pauses for the value of the holder', async () => {
  expect(await run(['busy', 'busy', 'busy', 'busy', 'busy', { kept: 'theirs' }])).toEqual(
    ok('theirs'),
  )
  expect(pauses).toEqual([50, 100, 200, 400, 400])
  expect(calls).toEqual([])
})

test('if the holder does not finish in four seconds, a waiting run makes the value without the lock', async () => {
  expect(await run(['busy'])).toEqual(ok('new'))
  const waited = pauses.reduce((sum, pause) => sum + pause, 0)
  expect([waited >= 4_000, waited < 4_500]).toEqual([true, true])
  expect(calls).toEqual(['make', 'keep latte new 1000'])
})

test('a run with little time left does not wait', async () => {
  expect(await run(['busy'], ok('new'), 2_000)).toEqual(ok('new'))
  expect(pauses).toEqual([])
})

test('without Redis each run makes the value', async () => {
  expect(await run(['down'])).toEqual(ok('new'))
  expect(calls).toEqual(['make', 'keep latte new 1000'])
})

test('a kept value that is not reusable is removed, and a new one is made under the lock', async () => {
  expect(await run([{ kept: 'too old' }, { lock: LOCK }])).toEqual(ok('new'))
  expect(calls).toEqual(['forget latte too old', 'make', 'keep latte new 1000'])
})

test('a kept value that cannot be removed does not stop the run', async () => {
  expect(await run([{ kept: 'too old' }])).toEqual(ok('new'))
  expect(calls).toEqual(['forget latte too old', 'make', 'keep latte new 1000'])
})

test('an error while the value is made releases the lock', async () => {
  await expect(run([{ lock: LOCK }], new Error('no settings'))).rejects.toThrow('no settings')
  expect(calls).toEqual(['make', 'release ours'])
})
