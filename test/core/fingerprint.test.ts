import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fingerprint } from '../../lib/core/fingerprint.ts'

describe('the fingerprint of a request', () => {
  test('is a SHA-256 hash in lower-case hex, and stays the same between releases', () => {
    expect(fingerprint([])).toBe('4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945')
  })

  test.each([
    ['the order of its parts', ['a', 'b'], ['b', 'a']],
    ['the borders between parts', ['ab', 'c'], ['a', 'bc']],
    ['a number and the same digits as text', [1], ['1']],
    ['null and an empty text', [null], ['']],
    ['null and the text "null"', [null], ['null']],
    ['a nested list and its parts', [['a'], 'b'], ['a', 'b']],
    ['an attach and no attach', ['o', [['latte', 1]], null], ['o', [['latte', 1]], 'table 7']],
    ['one and two of an item', [[['latte', 1]]], [[['latte', 2]]]],
    ['é as one character and as two', ['\u00E9'], ['e\u0301']],
  ])('distinguishes %s', (_, one, other) => {
    expect(fingerprint(one)).not.toBe(fingerprint(other))
  })

  test('is equal for equal requests only', () => {
    const part = fc.oneof(
      fc.string({ maxLength: 3 }),
      fc.integer({ min: 0, max: 3 }),
      fc.constant(null),
    )
    const request = fc.array(fc.oneof(part, fc.array(part, { maxLength: 2 })), { maxLength: 3 })
    fc.assert(
      fc.property(request, request, (one, other) => {
        expect(fingerprint(one) === fingerprint(other)).toBe(isDeepStrictEqual(one, other))
      }),
    )
  })
})
