import { describe, expect, test } from 'vitest'
import { readBytes, readFields } from '../../lib/http/body.ts'

const JSON_TYPE = 'application/json'
const FORM = 'application/x-www-form-urlencoded'

const post = (
  body: string | Uint8Array<ArrayBuffer>,
  type?: string,
  headers: Record<string, string> = {},
) =>
  new Request('https://shop.example/api/orders', {
    method: 'POST',
    body: typeof body === 'string' ? Buffer.from(body, 'utf8') : body,
    headers: { ...headers, ...(type === undefined ? {} : { 'content-type': type }) },
  })

/** A body in pieces, without a length in front; counts the pieces that were asked for. */
function chunked(sizes: readonly number[], headers: Record<string, string> = {}) {
  const asked = { pieces: 0 }
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const size = sizes[asked.pieces]
        asked.pieces += 1
        if (size === undefined) controller.close()
        else controller.enqueue(new Uint8Array(size).fill(0x20))
      },
    },
    { highWaterMark: 0 },
  )
  return {
    asked,
    request: new Request('https://shop.example/api/notify', {
      method: 'POST',
      body,
      headers,
      duplex: 'half',
    }),
  }
}

const sizeOf = async (request: Request) => {
  const read = await readBytes(request)
  return read.ok ? read.value.byteLength : read.error.reason
}

describe('the size of a body', () => {
  test.each([
    [0, 0],
    [65_536, 65_536],
    [65_537, 'body_too_large'],
  ])('of %i bytes: %s', async (size, expected) => {
    expect(await sizeOf(post(new Uint8Array(size)))).toBe(expected)
  })

  test('announced as too large is refused before a byte is read', async () => {
    const { asked, request } = chunked([10, 10], { 'content-length': '65537' })
    expect([await sizeOf(request), asked.pieces]).toEqual(['body_too_large', 0])
  })

  test('in pieces may be all of 64 KiB', async () => {
    expect(await sizeOf(chunked([65_535, 1]).request)).toBe(65_536)
  })

  test('in pieces may not be one byte more', async () => {
    expect(await sizeOf(chunked([65_535, 1, 1]).request)).toBe('body_too_large')
  })

  test('in endless pieces is read no further than it may go', async () => {
    const { asked, request } = chunked(Array.from({ length: 1_000 }, () => 32_768))
    expect([await sizeOf(request), asked.pieces]).toEqual(['body_too_large', 3])
  })

  test('is counted, whatever smaller one was announced', async () => {
    expect(await sizeOf(chunked([65_536, 1], { 'content-length': '10' }).request)).toBe(
      'body_too_large',
    )
  })

  test.each(['', 'many', '-1'])(
    'is counted when what was announced is no size: %j',
    async (length) => {
      expect(await sizeOf(chunked([65_536, 1], { 'content-length': length }).request)).toBe(
        'body_too_large',
      )
    },
  )

  test('without a body is none', async () => {
    expect(await sizeOf(new Request('https://shop.example/'))).toBe(0)
  })
})

describe('the bytes of a body', () => {
  test('are those received, byte for byte, for they were signed', async () => {
    const bytes = Uint8Array.from([0xef, 0xbb, 0xbf, 0x0d, 0x0a, 0x00, 0xff])
    expect(await readBytes(post(bytes))).toEqual({ ok: true, value: Buffer.from(bytes) })
  })
})

describe('a body is read', () => {
  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'APPLICATION/JSON ;charset=UTF-8',
  ])('as JSON when it is %s', async (type) => {
    expect(await readFields(post('{"outTradeNo":"茶123456"}', type))).toEqual({
      ok: true,
      value: { outTradeNo: '茶123456' },
    })
  })

  test('as a form when it is one', async () => {
    expect(await readFields(post('outTradeNo=123456&body=%E8%8C%B6+1', FORM))).toEqual({
      ok: true,
      value: { outTradeNo: '123456', body: '茶 1' },
    })
  })

  test('as a form, where an amount is a number and an order number is not', async () => {
    expect(await readFields(post('totalFee=101&outTradeNo=123456', FORM))).toEqual({
      ok: true,
      value: { totalFee: 101, outTradeNo: '123456' },
    })
  })

  test('as a form, where items come as JSON', async () => {
    const items = encodeURIComponent('[{"sku":"latte","quantity":1}]')
    expect(await readFields(post(`items=${items}`, FORM))).toEqual({
      ok: true,
      value: { items: [{ sku: 'latte', quantity: 1 }] },
    })
  })

  test.each(['1.5', '1e3', '-1', '', ' 1', '007', '+7', '7.0', '0', '2147483648', '1'.repeat(16)])(
    'as a form, where %j stays text and so is no amount',
    async (fee) => {
      expect(await readFields(post(`totalFee=${encodeURIComponent(fee)}`, FORM))).toEqual({
        ok: true,
        value: { totalFee: fee },
      })
    },
  )

  test.each(['outTradeNo=123456&body={"a":1}', 'body=[tea]'])(
    'as a form, where a value may look like JSON: %s',
    async (text) => {
      expect((await readFields(post(text, FORM))).ok).toBe(true)
    },
  )

  test('with a byte order mark in front', async () => {
    expect(await readFields(post('\uFEFF{"a":1}', JSON_TYPE))).toEqual({
      ok: true,
      value: { a: 1 },
    })
  })
})

describe('a body is refused', () => {
  test.each([
    undefined,
    '',
    'text/plain',
    'text/xml',
    'application/jsonp',
    'multipart/form-data; boundary=x',
  ])('when it is neither JSON nor a form but %s', async (type) => {
    expect(await readFields(post('{"a":1}', type))).toEqual({
      ok: false,
      error: { reason: 'unsupported_media_type' },
    })
  })

  test.each(['', ' ', '{', "{'a':1}", '{"a":1}}', '{"a":NaN}', 'undefined', '<xml></xml>'])(
    'when it is no JSON: %j',
    async (text) => {
      expect(await readFields(post(text, JSON_TYPE))).toEqual({
        ok: false,
        error: {
          reason: 'invalid_request',
          field: 'request body',
          fault: 'is not well-formed JSON',
        },
      })
    },
  )

  test('when it is no UTF-8', async () => {
    const bytes = Uint8Array.from([0x7b, 0x22, 0xd6, 0xd0, 0x22, 0x3a, 0x31, 0x7d])
    expect(await readFields(post(bytes, JSON_TYPE))).toMatchObject({
      ok: false,
      error: { field: 'request body', fault: 'is not well-formed JSON' },
    })
  })

  test.each(['items', 'products'])(
    'when the %s of a form are not JSON, by that name',
    async (field) => {
      expect(await readFields(post(`${field}=latte`, FORM))).toEqual({
        ok: false,
        error: { reason: 'invalid_request', field, fault: 'is not well-formed JSON' },
      })
    },
  )

  test('when a form is not UTF-8', async () => {
    expect(await readFields(post(Uint8Array.from([0x61, 0x3d, 0xd6]), FORM))).toEqual({
      ok: false,
      error: {
        reason: 'invalid_request',
        field: 'request body',
        fault: 'is not a well-formed form',
      },
    })
  })

  test.each([
    '{"code":"0a1b"}',
    ' {"attach":"a=1&b=2","items":[]}',
    '[{"outTradeNo":"123456"}]',
    '{"a":"&&"}',
    '{',
    '{a=1&{a=2',
    '%7B%22code%22%3A%220a1b%22%7D',
  ])('when it is JSON sent as a form, with the header to add: %s', async (text) => {
    expect(await readFields(post(text, FORM))).toEqual({
      ok: false,
      error: {
        reason: 'invalid_request',
        field: 'request body',
        fault: 'looks like JSON sent as a form: add the header content-type: application/json',
      },
    })
  })

  test('when the sender stops in the middle of it', async () => {
    const stopping = new ReadableStream({
      pull: (controller) => controller.error(new Error('gone')),
    })
    const request = new Request('https://shop.example/', {
      method: 'POST',
      body: stopping,
      headers: { 'content-type': FORM },
      duplex: 'half',
    })
    expect(await readFields(request)).toMatchObject({
      error: { field: 'request body', fault: 'did not arrive completely, or not in time' },
    })
  })

  test.each([
    ['{"totalFee":1,"totalFee":2800}', 'totalFee'],
    ['{"totalFee":1,"total\\u0046ee":2800}', 'totalFee'],
    [
      '{"items":[{"sku":"a","quantity":1},{"sku":"b","quantity":1,"quantity":9}]}',
      'items.1.quantity',
    ],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
    [`${'{"a":'.repeat(9_000)}{"b":1,"b":2}${'}'.repeat(9_000)}`, 'a.'.repeat(64)],
  ])('when a key is there twice in JSON: %.60s', async (text, field) => {
    expect(await readFields(post(text, JSON_TYPE))).toEqual({
      ok: false,
      error: { reason: 'invalid_request', field, expected: 'to be given once' },
    })
  })

  test('when a key is there twice in the items of a form', async () => {
    const items = encodeURIComponent('[{"sku":"a","quantity":1,"quantity":9}]')
    expect(await readFields(post(`items=${items}`, FORM))).toEqual({
      ok: false,
      error: { reason: 'invalid_request', field: 'items.0.quantity', expected: 'to be given once' },
    })
  })

  test('when it is too large, whatever is in it', async () => {
    expect(await readFields(post(`"${'x'.repeat(65_535)}"`, JSON_TYPE))).toEqual({
      ok: false,
      error: { reason: 'body_too_large' },
    })
  })
})
