import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseYuan } from '../../lib/wechat/yuan.ts'

test.each([
  ['0.01', 1],
  ['0.29', 29],
  ['1.1', 110],
  ['19.90', 1990],
  ['28', 2800],
  ['28.00', 2800],
  ['21474836.47', 2_147_483_647],
])('%s yuan are %d fen', (text, fen) => {
  expect(parseYuan(text)).toEqual({ ok: true, value: fen })
})

test.each([
  '',
  '0',
  '0.00',
  '-1.00',
  '+1.00',
  '1e3',
  '28.001',
  '.5',
  '5.',
  '028.00',
  ' 28.00',
  '28.00 ',
  '1,000.00',
  '２８',
  '0x1c',
  'NaN',
  '21474836.48',
  '99999999999',
])('%j is refused', (text) => {
  expect(parseYuan(text)).toEqual({ ok: false, error: 'not_fen' })
})

test('every amount in yuan is read back exactly', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_147_483_647 }), (fen) => {
      const digits = String(fen).padStart(3, '0')
      expect(parseYuan(`${digits.slice(0, -2)}.${digits.slice(-2)}`)).toEqual({
        ok: true,
        value: fen,
      })
    }),
  )
})
