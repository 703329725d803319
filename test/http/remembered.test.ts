import { expect, test } from 'vitest'
import { createMemory } from '../../lib/http/remembered.ts'

function setUp() {
  const clock = { at: 1_000 }
  const remember = createMemory<string>(() => new Date(clock.at))
  const asked: string[] = []
  const ask = (value: string, lifeMs = 5_000) =>
    remember(async () => {
      asked.push(value)
      return { value, until: clock.at + lifeMs }
    })
  return { clock, remember, asked, ask }
}

test('an answer is reused until it expires', async () => {
  const { clock, asked, ask } = setUp()
  expect(await ask('first')).toBe('first')
  clock.at += 4_999
  expect(await ask('second')).toBe('first')
  clock.at += 1
  expect(await ask('third')).toBe('third')
  expect(asked).toEqual(['first', 'third'])
})

test('five hundred concurrent calls share one question', async () => {
  const { asked, ask } = setUp()
  const answers = await Promise.all(Array.from({ length: 500 }, (_, call) => ask(`call ${call}`)))
  expect([new Set(answers), asked]).toEqual([new Set(['call 0']), ['call 0']])
})

test('a failed call is repeated, and its failure reaches all callers that shared it', async () => {
  const { remember, ask } = setUp()
  const failing = () => remember(() => Promise.reject(new Error('no')))
  expect((await Promise.allSettled([failing(), failing()])).map(({ status }) => status)).toEqual([
    'rejected',
    'rejected',
  ])
  expect(await ask('after it')).toBe('after it')
})

test('an answer that expired before it arrived is not reused', async () => {
  const { ask } = setUp()
  expect(await ask('late', 0)).toBe('late')
  expect(await ask('next')).toBe('next')
})

test('a clock that was set back keeps no answer alive', async () => {
  const { clock, ask } = setUp()
  await ask('first')
  clock.at -= 3_600_000
  expect(await ask('second')).toBe('second')
})
