import type * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { readKnownQuery, readQuery } from '../../lib/http/read-request.ts'
import { cronRequest, listRequest, queryRequest, refundQuery } from '../../lib/http/requests.ts'

const named = (schema: v.GenericSchema, query: string): unknown => {
  const read = readQuery(new Request(`https://shop.example/api/query?${query}`), schema)
  if (read.ok) return read.value
  return read.error.reason === 'invalid_request' ? read.error.field : read.error.reason
}

describe('asking for an order', () => {
  test.each([
    ['outTradeNo=123456', { outTradeNo: '123456' }],
    [
      'transactionId=4200002500202501020000000001',
      { transactionId: '4200002500202501020000000001' },
    ],
    ['x-vercel-protection-bypass=secret&outTradeNo=123456', { outTradeNo: '123456' }],
  ])('by ?%s', (query, asked) => {
    expect(named(queryRequest, query)).toEqual(asked)
  })

  test.each([
    ['by nothing', '', 'query string'],
    ['by both numbers at once', 'outTradeNo=123456&transactionId=42', 'query string'],
    ['by a short order number', 'outTradeNo=12345', 'outTradeNo'],
    ['by an empty order number', 'outTradeNo=', 'outTradeNo'],
    ['by an empty payment number', 'transactionId=', 'transactionId'],
    ['by a payment number too long', `transactionId=${'4'.repeat(33)}`, 'transactionId'],
    ['by a payment number with a line feed', 'transactionId=42%0A', 'transactionId'],
    ['through __proto__', '__proto__=123456', '__proto__'],
    ['and for something more', 'outTradeNo=123456&v=2', 'v'],
    ['twice', 'outTradeNo=123456&outTradeNo=654321', 'outTradeNo'],
  ])('%s is refused', (_, query, field) => {
    expect(named(queryRequest, query)).toBe(field)
  })
})

test('a parameter that is missing is named as missing', () => {
  expect(readQuery(new Request('https://shop.example/api/refund'), refundQuery)).toEqual({
    ok: false,
    error: { reason: 'invalid_request', field: 'outRefundNo', fault: 'is missing' },
  })
})

describe('asking for a list', () => {
  test.each([
    ['', { limit: 20 }],
    ['limit=1', { limit: 1 }],
    [
      'limit=100&tradeState=SUCCESS&cursor=MjAyNTAxMDI',
      { limit: 100, tradeState: ['SUCCESS'], cursor: '20250102' },
    ],
  ])('by ?%s', (query, asked) => {
    expect(named(listRequest, query)).toEqual(asked)
  })

  test.each([
    ['of none', 'limit=0', 'limit'],
    ['of 101', 'limit=101', 'limit'],
    ['of minus one', 'limit=-1', 'limit'],
    ['of ten in powers of ten', 'limit=1e1', 'limit'],
    ['of ten with a zero in front', 'limit=010', 'limit'],
    ['of ten with a sign', 'limit=%2B10', 'limit'],
    ['of ten with a blank', 'limit=%2010', 'limit'],
    ['of ten with a fraction', 'limit=10.0', 'limit'],
    ['of one payer, by a payer', 'openid=oSomebody', 'openid'],
    ['by a misspelled state', 'tradestate=SUCCESS', 'tradestate'],
    ['by a page', 'page=2&limit=10', 'page'],
    ['of nothing', 'limit=', 'limit'],
    ['in a state there is not', 'tradeState=PAID', 'tradeState'],
    ['in a state in small letters', 'tradeState=success', 'tradeState'],
    ['from a cursor that names no order', 'cursor=abc', 'cursor'],
    ['from a cursor too long', `cursor=${'x'.repeat(65)}`, 'cursor'],
  ])('%s is refused', (_, query, field) => {
    expect(named(listRequest, query)).toBe(field)
  })
})

describe('a parameter that no schema names', () => {
  test.each(['constructor', 'toString', '__proto__', '__vercel', 'x-vercel', '_vercel_share[]'])(
    'is refused by its name: %s',
    (name) => {
      expect(named(refundQuery, `outRefundNo=R1&${encodeURIComponent(name)}=1`)).toBe(name)
    },
  )

  test('is named without its value, and its name is cut', () => {
    const read = readQuery(
      new Request(`https://shop.example/api/refund?outRefundNo=R1&${'n'.repeat(200)}=value`),
      refundQuery,
    )
    expect(read).toEqual({
      ok: false,
      error: {
        reason: 'invalid_request',
        field: 'n'.repeat(128),
        expected: 'this parameter to be left out',
      },
    })
  })

  test.each(['x-vercel-protection-bypass', 'x-vercel-set-bypass-cookie', '_vercel_share', 'dpl'])(
    'is no parameter of the function when it is meant for Vercel, once or twice: %s',
    (name) => {
      expect(named(refundQuery, `${name}=1&outRefundNo=R1&${name}=2`)).toEqual({
        outRefundNo: 'R1',
      })
    },
  )
})

describe('a URL that other systems write', () => {
  const day = (query: string) =>
    readKnownQuery(new Request(`https://shop.example/api/cron?${query}`), cronRequest)

  test.each([
    ['', {}],
    ['utm=1&utm=2', {}],
    ['toString=1', {}],
    ['bill=2026-11-20&utm=1', { bill: '2026-11-20' }],
  ])('may add what it likes: ?%s', (query, asked) => {
    expect(day(query)).toEqual({ ok: true, value: asked })
  })

  test.each(['bill=20261120', 'bill=2026-11-20&bill=2026-11-21', 'bill='])(
    'is refused for an invalid value of a known parameter: ?%s',
    (query) => {
      expect(day(query)).toMatchObject({
        ok: false,
        error: { reason: 'invalid_request', field: 'bill' },
      })
    },
  )
})
