import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_FEN, parseFen, toFen } from '../../lib/core/money.ts'

const refused = { ok: false, error: 'not_fen' }

describe('a price', () => {
  test.each([1, 101, 2_147_483_647])('of %i fen is a price', (fen) => {
    expect(toFen(fen)).toEqual({ ok: true, value: fen })
  })

  test.each([0, -0, -1, 0.5, 1.5, 1.1 * 100, 2_147_483_648, 1e15, NaN, Infinity, -Infinity])(
    'of %d fen is none',
    (fen) => {
      expect(toFen(fen)).toEqual(refused)
    },
  )

  test('goes up to 21,474,836.47 yuan', () => {
    expect(MAX_FEN).toBe(2_147_483_647)
  })
})

describe("WeChat's word for an amount", () => {
  test.each([
    ['1', 1],
    ['101', 101],
    ['2147483647', 2_147_483_647],
  ])('%j is read', (text, fen) => {
    expect(parseFen(text)).toEqual({ ok: true, value: fen })
  })

  test.each([
    '',
    '0',
    '00',
    '007',
    '-1',
    '+1',
    '1.0',
    '1.01',
    '1e3',
    '0x10',
    ' 1',
    '1 ',
    '1\n',
    '1,000',
    '１',
    '٣',
    'NaN',
    '2147483648',
    '99999999999',
  ])('%j is refused rather than guessed at', (text) => {
    expect(parseFen(text)).toEqual(refused)
  })

  test('is read back for every amount there is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_FEN }), (fen) => {
        expect(parseFen(String(fen))).toEqual({ ok: true, value: fen })
      }),
    )
  })

  test('is refused for anything that is not written as we would write it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        const read = parseFen(text)
        expect(read.ok ? String(read.value) : text).toBe(text)
      }),
    )
  })
})
