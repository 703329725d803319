import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newOutTradeNo, parseOpenid, parseOutTradeNo } from '../../lib/core/ids.ts'

describe('an order number', () => {
  test.each(['123456', 'A-b_C|d*9', '20250102030405000000000000000001'])('%j is valid', (text) => {
    expect(parseOutTradeNo(text)).toEqual({ ok: true, value: text })
  })

  test.each([
    ['of 5 characters', '12345'],
    ['of 33 characters', '1'.repeat(33)],
    ['without characters', ''],
    ['with a space', '123 456'],
    ['with a line feed at its end', '123456\n'],
    ['with an @, which only older manuals allow', '123456@'],
    ['with a quote', "123456'"],
    ['with Chinese', '订单123456'],
    ['with full-width digits', '１２３４５６'],
    ['with a path', '../123456'],
  ])('%s is invalid', (_, text) => {
    expect(parseOutTradeNo(text)).toEqual({ ok: false, error: 'not_an_order_number' })
  })

  test('that we generate contains the Beijing time and 72 random bits', () => {
    const random = Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 255])
    expect(newOutTradeNo(new Date('2025-01-01T19:04:05Z'), random)).toBe(
      '2025010203040500010203040506' + '07ff',
    )
  })

  test('that we generate always has 32 characters that WeChat accepts', () => {
    const at = fc.date({
      min: new Date('2000-01-01T00:00:00Z'),
      max: new Date('2999-12-31T00:00:00Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(at, fc.uint8Array({ minLength: 9, maxLength: 16 }), (now, random) => {
        const made = newOutTradeNo(now, random)
        expect([parseOutTradeNo(made).ok, made.length]).toEqual([true, 32])
      }),
    )
  })
})

describe('an openid', () => {
  test.each(['oDemo000000000000000000User1', 'o-_9', 'o'.repeat(128)])('%j is valid', (text) => {
    expect(parseOpenid(text)).toEqual({ ok: true, value: text })
  })

  test.each(['', 'o'.repeat(129), 'o demo', 'o\n', "o'", 'o<b>', '用户'])(
    '%j is invalid',
    (text) => {
      expect(parseOpenid(text)).toEqual({ ok: false, error: 'not_an_openid' })
    },
  )
})
