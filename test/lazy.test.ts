import { expect, test, vi } from 'vitest'
import { lazy } from '../lib/lazy.ts'

test('a part is made when it is first used, and only once', () => {
  const make = vi.fn<() => object>(() => ({}))
  const parts = lazy({ used: make, unused: make })
  expect(make).not.toHaveBeenCalled()
  expect(parts.used).toBe(parts.used)
  expect(make).toHaveBeenCalledOnce()
})

test('a part that is null is made only once, too', () => {
  const make = vi.fn<() => null>(() => null)
  const parts = lazy({ part: make })
  expect([parts.part, parts.part]).toEqual([null, null])
  expect(make).toHaveBeenCalledOnce()
})

test('a part that could not be made is tried again', () => {
  const make = vi
    .fn<() => string>(() => 'made')
    .mockImplementationOnce(() => {
      throw new Error('not configured')
    })
  const parts = lazy({ part: make })
  expect(() => parts.part).toThrow('not configured')
  expect(parts.part).toBe('made')
})

test('a setting is read again at every use', () => {
  let name = 'tea'
  const parts = lazy({}, { name: () => name })
  expect(parts.name).toBe('tea')
  name = 'coffee'
  expect(parts.name).toBe('coffee')
})

test('a copy has every part and every setting', () => {
  const parts = lazy({ one: () => 1, two: () => 2 }, { three: () => 3 })
  expect(parts.one).toBe(1)
  expect({ ...parts }).toEqual({ one: 1, two: 2, three: 3 })
})
