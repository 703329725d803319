import type * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { listRequest, queryRequest, readQuery } from '../../lib/http/requests.ts'

const named = (schema: v.GenericSchema, query: string): unknown => {
  const read = readQuery(new Request(`https://shop.example/api/query?${query}`), schema)
  if (read.ok) return read.value
  return read.error.reason === 'invalid_request' ? read.error.field : read.error.reason
}

describe('asking for an order', () => {
  test.each([
    ['outTradeNo=123456', { outTradeNo: '123456' }],
    ['transactionId=4200002500202501020000000001', { transactionId: '4200002500202501020000000001' }],
    ['outTradeNo=123456&v=2', { outTradeNo: '123456' }],
  ])('by ?%s', (query, asked) => {
    expect(named(queryRequest, query)).toEqual(asked)
  })

  test.each([
    ['by nothing', '', 'query'],
    ['by both numbers at once', 'outTradeNo=123456&transactionId=42', 'query'],
    ['by a short order number', 'outTradeNo=12345', 'outTradeNo'],
    ['by an empty order number', 'outTradeNo=', 'outTradeNo'],
    ['by an empty payment number', 'transactionId=', 'transactionId'],
    ['by a payment number too long', `transactionId=${'4'.repeat(33)}`, 'transactionId'],
    ['by a payment number with a line feed', 'transactionId=42%0A', 'transactionId'],
    ['through __proto__', '__proto__=123456', 'query'],
  ])('%s is refused', (_, query, field) => {
    expect(named(queryRequest, query)).toBe(field)
  })
})

describe('asking for a list', () => {
  test.each([
    ['', { limit: 20 }],
    ['limit=1', { limit: 1 }],
    ['limit=100&tradeState=SUCCESS&cursor=abc', { limit: 100, tradeState: 'SUCCESS', cursor: 'abc' }],
  ])('by ?%s', (query, asked) => {
    expect(named(listRequest, query)).toEqual(asked)
  })

  test.each([
    ['of none', 'limit=0', 'limit'],
    ['of 101', 'limit=101', 'limit'],
    ['of minus one', 'limit=-1', 'limit'],
    ['of ten in powers of ten', 'limit=1e1', 'limit'],
    ['of nothing', 'limit=', 'limit'],
    ['in a state there is not', 'tradeState=PAID', 'tradeState'],
    ['in a state in small letters', 'tradeState=success', 'tradeState'],
    ['from a cursor too long', `cursor=${'x'.repeat(65)}`, 'cursor'],
  ])('%s is refused', (_, query, field) => {
    expect(named(listRequest, query)).toBe(field)
  })
})
