import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_FEN, parseFen, toFen } from '../../lib/core/money.ts'

const refused = { ok: false, error: 'not_fen' }

describe('an amount', () => {
  test.each([1, 101, 2_147_483_647])('of %i fen is valid', (fen) => {
    expect(toFen(fen)).toEqual({ ok: true, value: fen })
  })

  test.each([0, -0, -1, 0.5, 1.5, 1.1 * 100, 2_147_483_648, 1e15, NaN, Infinity, -Infinity])(
    'of %d fen is invalid',
    (fen) => {
      expect(toFen(fen)).toEqual(refused)
    },
  )

  test('is at most 21,474,836.47 yuan', () => {
    expect(MAX_FEN).toBe(2_147_483_647)
  })
})

describe('the text of an amount', () => {
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
  ])('%j is refused', (text) => {
    expect(parseFen(text)).toEqual(refused)
  })

  test('is read correctly for every amount', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_FEN }), (fen) => {
        expect(parseFen(String(fen))).toEqual({ ok: true, value: fen })
      }),
    )
  })

  test('is accepted only in the form in which we write it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        const read = parseFen(text)
        expect(read.ok ? String(read.value) : text).toBe(text)
      }),
    )
  })
})
