import type * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { readIdempotencyKey } from '../../lib/http/idempotency-key.ts'
import { readRequest } from '../../lib/http/read-request.ts'
import {
  basketRequest,
  loginRequest,
  orderRequest,
  pricedRequest,
  productsRequest,
  refundRequest,
} from '../../lib/http/requests.ts'
import { shippingRequest } from '../../lib/http/shipping-requests.ts'

const ask = (schema: v.GenericSchema, body: string) =>
  readRequest(
    new Request('https://shop.example/api/orders', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    }),
    schema,
  )
/** Returns the field that a 400 names, or the value that was read. */
const named = async (schema: v.GenericSchema, body: string): Promise<unknown> => {
  const read = await ask(schema, body)
  if (read.ok) return read.value
  return read.error.reason === 'invalid_request' ? read.error.field : read.error.reason
}
const basket = (item: string) => `{"items":[${item}]}`
const priced = (more: string) => `{"openid":"oDemo","totalFee":101,"body":"茶"${more}}`

describe('a basket', () => {
  test('contains items and their quantities', async () => {
    expect(
      await named(basketRequest, '{"items":[{"sku":"latte","quantity":2}],"attach":"table 7"}'),
    ).toEqual({
      items: [{ sku: 'latte', quantity: 2 }],
      attach: 'table 7',
      prepay: false,
    })
  })

  test.each(['0', '-1', '1.5', '1e15', '"2"', '10000', 'null', 'true', '[2]', '{}', '1e400'])(
    'with a quantity of %s is refused',
    async (quantity) => {
      expect(await named(basketRequest, basket(`{"sku":"latte","quantity":${quantity}}`))).toBe(
        'items.0.quantity',
      )
    },
  )

  test.each(['1', '9999', '2.0'])('with a quantity of %s is accepted', async (quantity) => {
    expect((await ask(basketRequest, basket(`{"sku":"latte","quantity":${quantity}}`))).ok).toBe(
      true,
    )
  })

  test.each([
    ['in an item', basket('{"sku":"latte","quantity":1,"price":1}'), 'items.0.price'],
    [
      'in the second item',
      basket('{"sku":"a","quantity":1},{"sku":"b","quantity":1,"totalFee":1}'),
      'items.1.totalFee',
    ],
    ['next to the items', '{"items":[{"sku":"latte","quantity":1}],"totalFee":1}', 'totalFee'],
    [
      'in WeChat’s own spelling',
      '{"items":[{"sku":"latte","quantity":1}],"total_fee":1}',
      'total_fee',
    ],
    ['in a discount', '{"items":[{"sku":"latte","quantity":1}],"discount":99}', 'discount'],
  ])('that contains a price %s is refused, and the field is named', async (_, body, field) => {
    expect(await named(basketRequest, body)).toBe(field)
  })

  test('that names a payer is refused', async () => {
    expect(
      await named(basketRequest, '{"items":[{"sku":"latte","quantity":1}],"openid":"oDemo2"}'),
    ).toBe('openid')
  })

  test.each([
    ['an empty list of items', '{"items":[]}', 'items'],
    ['no items', '{}', 'items'],
    [
      '101 items',
      basket(Array.from({ length: 101 }, (_, at) => `{"sku":"s${at}","quantity":1}`).join()),
      'items',
    ],
    ['the same item twice', basket('{"sku":"a","quantity":1},{"sku":"a","quantity":9}'), 'items'],
    ['an object as the list', '{"items":{"0":{"sku":"a","quantity":1},"length":1}}', 'items'],
    ['a list as an item', basket('["latte",1]'), 'items.0.sku'],
    ['text as an item', basket('"latte"'), 'items.0'],
    ['an item without a sku', basket('{"quantity":1}'), 'items.0.sku'],
    ['an item without a quantity', basket('{"sku":"latte"}'), 'items.0.quantity'],
    ['a list as a sku', basket('{"sku":["latte"],"quantity":1}'), 'items.0.sku'],
    ['a sku that is SQL', basket(`{"sku":"'; --","quantity":1}`), 'items.0.sku'],
    ['an attach that is not text', '{"items":[{"sku":"a","quantity":1}],"attach":{}}', 'attach'],
  ])('with %s is refused', async (_, body, field) => {
    expect(await named(basketRequest, body)).toBe(field)
  })
})

describe('__proto__ in a request', () => {
  test.each([
    [
      'a basket',
      basketRequest,
      '{"items":[{"sku":"a","quantity":1}],"__proto__":{"attach":"x"}}',
      '__proto__',
    ],
    [
      'an item',
      basketRequest,
      basket('{"sku":"a","quantity":1,"__proto__":{"price":1}}'),
      'items.0.__proto__',
    ],
    [
      "a merchant's order",
      pricedRequest,
      priced(',"__proto__":{"outTradeNo":"123456"}'),
      '__proto__',
    ],
  ])('is an unknown field of %s', async (_, schema, body, field) => {
    expect(await named(schema, body)).toBe(field)
  })

  test.each([
    ['an order number', orderRequest, '{"__proto__":{"outTradeNo":"123456"}}', 'outTradeNo'],
    ['a login code', loginRequest, '{"__proto__":{"code":"c"}}', 'code'],
    ['items', basketRequest, '{"__proto__":{"items":[{"sku":"a","quantity":1}]}}', 'items'],
  ])('does not replace %s', async (_, schema, body, field) => {
    expect(await named(schema, body)).toBe(field)
  })

  test('changes no prototype', async () => {
    await ask(
      loginRequest,
      '{"code":"c","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    )
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})

describe("a merchant's order", () => {
  test('has a price, a payer, a number and an expiry', async () => {
    expect(
      await named(
        pricedRequest,
        priced(',"outTradeNo":"123456","timeExpire":"2025-01-02T05:04:05+08:00"'),
      ),
    ).toEqual({
      openid: 'oDemo',
      totalFee: 101,
      body: { sent: '茶', shown: '茶' },
      outTradeNo: '123456',
      timeExpire: new Date('2025-01-01T21:04:05Z'),
      prepay: false,
    })
  })

  test.each(['0', '-1', '1.01', '1e15', '"101"', '2147483648', 'null', '[101]'])(
    'of %s fen is refused',
    async (fen) => {
      expect(await named(pricedRequest, `{"openid":"oDemo","totalFee":${fen},"body":"茶"}`)).toBe(
        'totalFee',
      )
    },
  )

  test.each([
    ['no description', '{"openid":"oDemo","totalFee":101,"body":""}', 'body'],
    ['an invalid openid', `{"openid":"o'","totalFee":101,"body":"茶"}`, 'openid'],
    ['an order number of 5 characters', priced(',"outTradeNo":"12345"'), 'outTradeNo'],
    ['an order number that is a number', priced(',"outTradeNo":123456'), 'outTradeNo'],
    ['an expiry without an offset', priced(',"timeExpire":"2025-01-02T05:04:05"'), 'timeExpire'],
    [
      'an expiry on the 30th of February',
      priced(',"timeExpire":"2025-02-30T05:04:05+08:00"'),
      'timeExpire',
    ],
    ['an unknown field', priced(',"refundFee":1'), 'refundFee'],
  ])('with %s is refused', async (_, body, field) => {
    expect(await named(pricedRequest, body)).toBe(field)
  })
})

describe('products', () => {
  const product = (more: string) =>
    `{"products":[{"sku":"latte","name":"拿铁","price":2800${more}}]}`

  test('are on sale by default', async () => {
    expect(await named(productsRequest, product(''))).toEqual({
      products: [{ sku: 'latte', name: '拿铁', price: 2800, active: true }],
    })
  })

  test.each([
    [
      'with a price of 0',
      '{"products":[{"sku":"latte","name":"拿铁","price":0}]}',
      'products.0.price',
    ],
    [
      'with a fraction of a fen',
      '{"products":[{"sku":"latte","name":"拿铁","price":0.5}]}',
      'products.0.price',
    ],
    ['without a name', '{"products":[{"sku":"latte","name":"","price":1}]}', 'products.0.name'],
    ['with an invalid active', product(',"active":"no"'), 'products.0.active'],
    ['with an unknown field', product(',"stock":1'), 'products.0.stock'],
  ])('%s are refused', async (_, body, field) => {
    expect(await named(productsRequest, body)).toBe(field)
  })
})

describe('a body that is not an object', () => {
  test.each(['null', '"123456"', '123456', 'true'])(
    'is refused under a name that no field has: %s',
    async (body) => {
      for (const schema of [orderRequest, pricedRequest])
        expect(await ask(schema, body)).toEqual({
          ok: false,
          error: { reason: 'invalid_request', field: 'request body', expected: 'an object' },
        })
    },
  )

  test.each(['[]', '["123456"]', '[{"outTradeNo":"123456"}]'])(
    'is refused if it is a list: %s',
    async (body) => {
      expect((await ask(orderRequest, body)).ok).toBe(false)
    },
  )
})

describe('the error for an amount names the mistake:', () => {
  const WHOLE = 'a whole number of fen, not a fraction'
  const QUOTED = 'a number, without quotation marks'
  const expectedOf = async (type: string, body: string) => {
    const headers = { 'content-type': type }
    const read = await readRequest(
      new Request('https://shop.example/', { method: 'POST', body, headers }),
      pricedRequest,
    )
    return read.ok || read.error.reason !== 'invalid_request' ? read : read.error
  }

  test.each([
    ['7.5', WHOLE],
    ['0.1', WHOLE],
    ['-0.5', WHOLE],
    ['0', 'at least 1 fen'],
    ['-1', 'at least 1 fen'],
    ['2147483648', 'at most 2147483647 fen'],
    ['1e400', 'at most 2147483647 fen'],
    ['"7"', QUOTED],
    ['"2147483647"', QUOTED],
    ['"007"', 'a number without leading zeros'],
    ['"7.5"', WHOLE],
    ['"7 yuan"', 'a whole number of fen, in digits only'],
    ['""', 'a whole number of fen, in digits only'],
    ['null', 'a whole number of fen, from 1 to 2147483647'],
    ['[7]', 'a whole number of fen, from 1 to 2147483647'],
    ['true', 'a whole number of fen, from 1 to 2147483647'],
  ])('JSON %s: expected %s', async (fee, expected) => {
    expect(
      await expectedOf('application/json', `{"openid":"oDemo","totalFee":${fee},"body":"茶"}`),
    ).toEqual({
      reason: 'invalid_request',
      field: 'totalFee',
      expected,
    })
  })

  test.each([
    ['007', 'a number without leading zeros'],
    ['007.5', WHOLE],
    ['7.5', WHOLE],
    ['7.0', WHOLE],
    ['0', 'at least 1 fen'],
    ['00', 'at least 1 fen'],
    ['-7', 'at least 1 fen'],
    ['2147483648', 'at most 2147483647 fen'],
    ['9'.repeat(400), 'at most 2147483647 fen'],
    ['+7', 'a whole number of fen, in digits only'],
    ['1e3', 'a whole number of fen, in digits only'],
    [' 7', 'a whole number of fen, in digits only'],
    ['7 yuan', 'a whole number of fen, in digits only'],
    ['', 'a whole number of fen, in digits only'],
  ])('form %j: expected %s', async (fee, expected) => {
    const body = new URLSearchParams({ openid: 'oDemo', totalFee: fee, body: '茶' }).toString()
    expect(await expectedOf('application/x-www-form-urlencoded', body)).toEqual({
      reason: 'invalid_request',
      field: 'totalFee',
      expected,
    })
  })

  test.each([
    [
      'products.0.price',
      productsRequest,
      '{"products":[{"sku":"latte","name":"拿铁","price":"7"}]}',
      QUOTED,
    ],
    [
      'products.0.price',
      productsRequest,
      '{"products":[{"sku":"latte","name":"拿铁","price":28.5}]}',
      WHOLE,
    ],
    [
      'refundFee',
      refundRequest,
      '{"outTradeNo":"123456","outRefundNo":"R1","refundFee":"7"}',
      QUOTED,
    ],
    [
      'items.0.quantity',
      basketRequest,
      basket('{"sku":"latte","quantity":"2"}'),
      'a whole number, without quotation marks',
    ],
    [
      'items.0.quantity',
      basketRequest,
      basket('{"sku":"latte","quantity":true}'),
      'a whole number',
    ],
    [
      'products.0.active',
      productsRequest,
      '{"products":[{"sku":"latte","name":"拿铁","price":7,"active":"true"}]}',
      'true or false, without quotation marks',
    ],
  ] as const)('%s in every request', async (field, schema, body, expected) => {
    expect(await ask(schema, body)).toEqual({
      ok: false,
      error: { reason: 'invalid_request', field, expected },
    })
  })
})

describe('a missing field', () => {
  test.each([
    ['code', loginRequest, '{}'],
    ['items', basketRequest, '{}'],
    ['items.0.sku', basketRequest, basket('{"quantity":1}')],
    ['items.0.quantity', basketRequest, basket('{"sku":"latte"}')],
    ['outTradeNo', orderRequest, '{}'],
    ['openid', pricedRequest, '{}'],
    ['totalFee', pricedRequest, '{"openid":"oDemo","body":"茶"}'],
    ['body', pricedRequest, '{"openid":"oDemo","totalFee":1}'],
    ['products', productsRequest, '{}'],
    ['products.0.price', productsRequest, '{"products":[{"sku":"latte","name":"拿铁"}]}'],
    ['outRefundNo', refundRequest, '{"outTradeNo":"123456"}'],
    ['logisticsType', shippingRequest, '{"outTradeNo":"123456","items":[{"itemDesc":"茶"}]}'],
  ] as const)('is reported as missing: %s', async (field, schema, body) => {
    expect(await ask(schema, body)).toEqual({
      ok: false,
      error: { reason: 'invalid_request', field, fault: 'is missing' },
    })
  })

  test('has another error than a field of the wrong type', async () => {
    expect(await ask(loginRequest, '{"code":null}')).toEqual({
      ok: false,
      error: { reason: 'invalid_request', field: 'code', expected: 'text' },
    })
  })
})

describe('an Idempotency-Key', () => {
  const keyOf = (key: string) =>
    readIdempotencyKey(
      new Request('https://shop.example/', { headers: { 'idempotency-key': key } }),
    )

  test.each(['a', 'b0f1-42/+=', 'k'.repeat(255)])('%j is valid', (key) => {
    expect(keyOf(key)).toEqual({ ok: true, value: key })
  })

  test('is optional', () => {
    expect(readIdempotencyKey(new Request('https://shop.example/'))).toEqual({
      ok: true,
      value: null,
    })
  })

  test.each(['', 'a b', 'k'.repeat(256), 'clé'])('%j is refused, and named', (key) => {
    expect(keyOf(key)).toMatchObject({
      ok: false,
      error: { reason: 'invalid_request', field: 'Idempotency-Key' },
    })
  })
})
