import type * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { consolePart } from '../../lib/http/console-part.ts'
import { listRequest, merchantListRequest } from '../../lib/http/list-request.ts'
import { readKnownQuery, readNoQuery, readQuery } from '../../lib/http/read-request.ts'
import { cronRequest, orderRequest, queryRequest, refundQuery } from '../../lib/http/requests.ts'

const readOrField = (schema: v.GenericSchema, query: string): unknown => {
  const read = readQuery(new Request(`https://shop.example/api/query?${query}`), schema)
  if (read.ok) return read.value
  return read.error.reason === 'invalid_request' ? read.error.field : read.error.reason
}

describe('a query for an order', () => {
  test.each([
    ['outTradeNo=123456', { outTradeNo: '123456' }],
    [
      'transactionId=4200002500202501020000000001',
      { transactionId: '4200002500202501020000000001' },
    ],
    ['x-vercel-protection-bypass=secret&outTradeNo=123456', { outTradeNo: '123456' }],
  ])('?%s is accepted', (query, expected) => {
    expect(readOrField(queryRequest, query)).toEqual(expected)
  })

  test.each([
    ['without a number', '', 'query string'],
    ['with both numbers', 'outTradeNo=123456&transactionId=42', 'query string'],
    ['with a short order number', 'outTradeNo=12345', 'outTradeNo'],
    ['with an empty order number', 'outTradeNo=', 'outTradeNo'],
    ['with an empty payment number', 'transactionId=', 'transactionId'],
    ['with a payment number that is too long', `transactionId=${'4'.repeat(33)}`, 'transactionId'],
    ['with a line feed in the payment number', 'transactionId=42%0A', 'transactionId'],
    ['with __proto__', '__proto__=123456', '__proto__'],
    ['with an unknown parameter', 'outTradeNo=123456&v=2', 'v'],
    ['with a repeated parameter', 'outTradeNo=123456&outTradeNo=654321', 'outTradeNo'],
  ])('%s is refused', (_, query, field) => {
    expect(readOrField(queryRequest, query)).toBe(field)
  })
})

test('a missing parameter is named as missing', () => {
  expect(readQuery(new Request('https://shop.example/api/refund'), orderRequest)).toEqual({
    ok: false,
    error: { reason: 'invalid_request', field: 'outTradeNo', fault: 'is missing' },
  })
})

test.each(['', '?outRefundNo=R1&outTradeNo=T00001'])(
  'a query for refunds names one of two numbers, and %j does not',
  (query) => {
    expect(readQuery(new Request(`https://shop.example/api/refund${query}`), refundQuery)).toEqual({
      ok: false,
      error: {
        reason: 'invalid_request',
        field: 'query string',
        expected: 'either outRefundNo or outTradeNo',
      },
    })
  },
)

describe('a query for a list', () => {
  test.each([
    ['', { limit: 20, list: '' }],
    ['limit=1', { limit: 1, list: '' }],
    ['cursor=MjAyNTAxMDI', { limit: 20, cursor: { last: '20250102', list: '' }, list: '' }],
    [
      'limit=100&tradeState=SUCCESS&cursor=MjAyNTAxMDJAYjY2MDM4ZDM',
      {
        limit: 100,
        tradeState: ['SUCCESS'],
        cursor: { last: '20250102', list: 'b66038d3' },
        list: 'b66038d3',
      },
    ],
  ])('?%s is accepted', (query, expected) => {
    expect(readOrField(listRequest, query)).toEqual(expected)
  })

  test.each([
    ['with a limit of 0', 'limit=0', 'limit'],
    ['with a limit of 101', 'limit=101', 'limit'],
    ['with a limit of -1', 'limit=-1', 'limit'],
    ['with an exponent in the limit', 'limit=1e1', 'limit'],
    ['with a leading zero in the limit', 'limit=010', 'limit'],
    ['with a sign in the limit', 'limit=%2B10', 'limit'],
    ['with a space in the limit', 'limit=%2010', 'limit'],
    ['with a fraction in the limit', 'limit=10.0', 'limit'],
    ['with an openid', 'openid=oSomebody', 'openid'],
    ['with a misspelled parameter', 'tradestate=SUCCESS', 'tradestate'],
    ['with a page number', 'page=2&limit=10', 'page'],
    ['with an empty limit', 'limit=', 'limit'],
    ['with an unknown state', 'tradeState=PAID', 'tradeState'],
    ['with a state in lower case', 'tradeState=success', 'tradeState'],
    ['with a cursor that names no order', 'cursor=abc', 'cursor'],
    ['with a cursor of a list of all states', 'tradeState=SUCCESS&cursor=MjAyNTAxMDI', 'cursor'],
    ['with a cursor that is too long', `cursor=${'x'.repeat(65)}`, 'cursor'],
  ])('%s is refused', (_, query, field) => {
    expect(readOrField(listRequest, query)).toBe(field)
  })
})

describe('the merchant’s query for a list', () => {
  test.each([
    '2026-11-20T08:00:00%2B08:00',
    '2026-11-20T08:00:00 08:00',
    '2026-11-20T08:00:00+08:00',
    '2026-11-20T00:00:00Z',
  ])('reads createdFrom=%s as one time, with the + of its offset encoded or not', (createdFrom) => {
    expect(readOrField(merchantListRequest, `createdFrom=${createdFrom}`)).toMatchObject({
      createdFrom: new Date('2026-11-20T00:00:00Z'),
    })
  })

  test.each([
    ['a day without a time', 'createdFrom=2026-11-20', 'createdFrom'],
    ['a time without an offset', 'createdTo=2026-11-20T00:00:00', 'createdTo'],
    ['a time with a space before it', 'createdFrom=%202026-11-20T00:00:00Z', 'createdFrom'],
    [
      'a period of no length',
      'createdFrom=2026-11-20T00:00:00Z&createdTo=2026-11-20T00:00:00Z',
      'createdTo',
    ],
    [
      'a period that ends before it begins',
      'createdFrom=2026-11-20T00:00:00Z&createdTo=2026-11-20T07:59:59%2B08:00',
      'createdTo',
    ],
    ['an invalid openid', 'openid=o b', 'openid'],
  ])('is refused with %s', (_, query, field) => {
    expect(readOrField(merchantListRequest, query)).toBe(field)
  })
})

describe('an unknown parameter', () => {
  test.each(['constructor', 'toString', '__proto__', '__vercel', 'x-vercel', '_vercel_share[]'])(
    'is refused and named: %s',
    (name) => {
      expect(readOrField(refundQuery, `outRefundNo=R1&${encodeURIComponent(name)}=1`)).toBe(name)
    },
  )

  test('is named without its value, and a long name is cut', () => {
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
    'is ignored if it is Vercel’s, even if it is repeated: %s',
    (name) => {
      expect(readOrField(refundQuery, `${name}=1&outRefundNo=R1&${name}=2`)).toEqual({
        outRefundNo: 'R1',
      })
    },
  )
})

describe('a URL written by another system', () => {
  const day = (query: string) =>
    readKnownQuery(new Request(`https://shop.example/api/cron?${query}`), cronRequest)

  test.each([
    ['', {}],
    ['utm=1&utm=2', {}],
    ['toString=1', {}],
    ['bill=2026-11-20&utm=1', { bill: '2026-11-20' }],
  ])('may have unknown parameters: ?%s', (query, expected) => {
    expect(day(query)).toEqual({ ok: true, value: expected })
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

describe('the part of the console', () => {
  test.each([
    '/incidents',
    '/incidents?part=incidents',
    '/incidents?part=incidents&part=incidents',
    '?part=incidents',
  ])('%s names one part, as Vercel may pass it', (path) => {
    const request = new Request(`https://shop.example/api/console${path}`)
    expect([consolePart(request), readNoQuery(request).ok]).toEqual(['incidents', true])
  })

  test.each([
    '/incidents?part=overview',
    '/incidents?part=',
    '/incidents?part=overview&part=incidents',
    '/incidents?part=incidents&part=overview',
    '?part=incidents&part=overview',
  ])('%s names two parts, and is refused', (path) => {
    const request = new Request(`https://shop.example/api/console${path}`)
    expect([consolePart(request), readNoQuery(request)]).toMatchObject([
      'incidents',
      { ok: false, error: { reason: 'invalid_request', field: 'part' } },
    ])
  })
})
