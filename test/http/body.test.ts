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

/** A body in chunks without a declared length. `read.chunks` counts the chunks that were read. */
function chunked(sizes: readonly number[], headers: Record<string, string> = {}) {
  const read = { chunks: 0 }
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const size = sizes[read.chunks]
        read.chunks += 1
        if (size === undefined) controller.close()
        else controller.enqueue(new Uint8Array(size).fill(0x20))
      },
    },
    { highWaterMark: 0 },
  )
  return {
    read,
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

  test('declared as too large is refused before a byte is read', async () => {
    const { read, request } = chunked([10, 10], { 'content-length': '65537' })
    expect([await sizeOf(request), read.chunks]).toEqual(['body_too_large', 0])
  })

  test('in chunks may be 64 KiB', async () => {
    expect(await sizeOf(chunked([65_535, 1]).request)).toBe(65_536)
  })

  test('in chunks may not exceed 64 KiB by one byte', async () => {
    expect(await sizeOf(chunked([65_535, 1, 1]).request)).toBe('body_too_large')
  })

  test('in endless chunks is read only up to the limit', async () => {
    const { read, request } = chunked(Array.from({ length: 1_000 }, () => 32_768))
    expect([await sizeOf(request), read.chunks]).toEqual(['body_too_large', 3])
  })

  test('is counted even if a smaller one was declared', async () => {
    expect(await sizeOf(chunked([65_536, 1], { 'content-length': '10' }).request)).toBe(
      'body_too_large',
    )
  })

  test.each(['', 'many', '-1'])('is counted if the declared one is invalid: %j', async (length) => {
    expect(await sizeOf(chunked([65_536, 1], { 'content-length': length }).request)).toBe(
      'body_too_large',
    )
  })

  test('of a request without a body is 0', async () => {
    expect(await sizeOf(new Request('https://shop.example/'))).toBe(0)
  })
})

describe('the bytes of a body', () => {
  test('are exactly those received, because the signature covers them', async () => {
    const bytes = Uint8Array.from([0xef, 0xbb, 0xbf, 0x0d, 0x0a, 0x00, 0xff])
    expect(await readBytes(post(bytes))).toEqual({ ok: true, value: Buffer.from(bytes) })
  })
})

describe('a body is read', () => {
  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'APPLICATION/JSON ;charset=UTF-8',
  ])('as JSON if its type is %s', async (type) => {
    expect(await readFields(post('{"outTradeNo":"茶123456"}', type))).toEqual({
      ok: true,
      value: { outTradeNo: '茶123456' },
    })
  })

  test('as a form if its type says so', async () => {
    expect(await readFields(post('outTradeNo=123456&body=%E8%8C%B6+1', FORM))).toEqual({
      ok: true,
      value: { outTradeNo: '123456', body: '茶 1' },
    })
  })

  test('as a form in which an amount is a number and an order number is text', async () => {
    expect(await readFields(post('totalFee=101&outTradeNo=123456', FORM))).toEqual({
      ok: true,
      value: { totalFee: 101, outTradeNo: '123456' },
    })
  })

  test('as a form in which items are JSON', async () => {
    const items = encodeURIComponent('[{"sku":"latte","quantity":1}]')
    expect(await readFields(post(`items=${items}`, FORM))).toEqual({
      ok: true,
      value: { items: [{ sku: 'latte', quantity: 1 }] },
    })
  })

  test.each(['1.5', '1e3', '-1', '', ' 1', '007', '+7', '7.0', '0', '2147483648', '1'.repeat(16)])(
    'as a form in which %j stays text and is not an amount',
    async (fee) => {
      expect(await readFields(post(`totalFee=${encodeURIComponent(fee)}`, FORM))).toEqual({
        ok: true,
        value: { totalFee: fee },
      })
    },
  )

  test.each(['outTradeNo=123456&body={"a":1}', 'body=[tea]'])(
    'as a form in which a value may look like JSON: %s',
    async (text) => {
      expect((await readFields(post(text, FORM))).ok).toBe(true)
    },
  )

  test('after a byte order mark', async () => {
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
  ])('if it is neither JSON nor a form but %s', async (type) => {
    expect(await readFields(post('{"a":1}', type))).toEqual({
      ok: false,
      error: { reason: 'unsupported_media_type' },
    })
  })

  test.each(['', ' ', '{', "{'a':1}", '{"a":1}}', '{"a":NaN}', 'undefined', '<xml></xml>'])(
    'if it is not JSON: %j',
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

  test('if it is not UTF-8', async () => {
    const bytes = Uint8Array.from([0x7b, 0x22, 0xd6, 0xd0, 0x22, 0x3a, 0x31, 0x7d])
    expect(await readFields(post(bytes, JSON_TYPE))).toMatchObject({
      ok: false,
      error: { field: 'request body', fault: 'is not well-formed JSON' },
    })
  })

  test.each(['items', 'products'])(
    'if the %s of a form are not JSON, and the field is named',
    async (field) => {
      expect(await readFields(post(`${field}=latte`, FORM))).toEqual({
        ok: false,
        error: { reason: 'invalid_request', field, fault: 'is not well-formed JSON' },
      })
    },
  )

  test('if it is a form that is not UTF-8', async () => {
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
  ])('if it is JSON sent as a form, and the error names the missing header: %s', async (text) => {
    expect(await readFields(post(text, FORM))).toEqual({
      ok: false,
      error: {
        reason: 'invalid_request',
        field: 'request body',
        fault: 'looks like JSON sent as a form: add the header content-type: application/json',
      },
    })
  })

  test('if the sender stops in the middle of it', async () => {
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
  ])('if JSON repeats a key: %.60s', async (text, field) => {
    expect(await readFields(post(text, JSON_TYPE))).toEqual({
      ok: false,
      error: { reason: 'invalid_request', field, expected: 'to be given once' },
    })
  })

  test('if the items of a form repeat a key', async () => {
    const items = encodeURIComponent('[{"sku":"a","quantity":1,"quantity":9}]')
    expect(await readFields(post(`items=${items}`, FORM))).toEqual({
      ok: false,
      error: { reason: 'invalid_request', field: 'items.0.quantity', expected: 'to be given once' },
    })
  })

  test('if it is too large', async () => {
    expect(await readFields(post(`"${'x'.repeat(65_535)}"`, JSON_TYPE))).toEqual({
      ok: false,
      error: { reason: 'body_too_large' },
    })
  })
})
