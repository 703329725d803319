/** Rules that all functions share: methods, content types, sizes, parameters and headers. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { paymentMessage, TOO_LARGE } from '../support/messages/messages.ts'
import { openShop, type Answer, type Shop } from '../support/shop.ts'

const PAYER = 'oPayer0000000000000000000001'
const OUR_NUMBER = 'shop_order_0001'

let shop: Shop
let token: string
beforeAll(async () => {
  shop = await openShop()
  token = await shop.logIn(PAYER)
})
afterAll(() => shop.close())

const allowed: Readonly<Record<string, string>> = {
  '/api/close': 'POST',
  '/api/console/complaints': 'GET, POST',
  '/api/console/events': 'GET, POST',
  '/api/console/incidents': 'GET, POST',
  '/api/console/orders': 'GET',
  '/api/console/overview': 'GET',
  '/api/console/search': 'POST',
  '/api/console/shipments': 'GET',
  '/api/console/takings': 'GET',
  '/api/cron': 'GET',
  '/api/health': 'GET',
  '/api/login': 'GET, POST',
  '/api/notify': 'GET, POST',
  '/api/orders': 'GET, POST',
  '/api/prepay': 'POST',
  '/api/products': 'GET, PUT',
  '/api/query': 'GET',
  '/api/refund': 'GET, POST',
  '/api/shipping': 'GET, POST',
}
const paths = Object.keys(allowed)
const jsonPaths = [
  ['POST', '/api/login'],
  ['POST', '/api/orders'],
  ['POST', '/api/prepay'],
  ['POST', '/api/close'],
  ['PUT', '/api/products'],
] as const
const tokenFor = (path: string) => (path === '/api/products' ? shop.merchantKey : token)

function expectProblem(answer: Answer, status: number, code: string): void {
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.json).toMatchObject({
    type: `urn:wechat-pay-functions:problem:${code}`,
    status,
    code,
  })
  expect([
    typeof answer.json['title'],
    typeof answer.json['detail'],
    typeof answer.json['requestId'],
  ]).toEqual(['string', 'string', 'string'])
  expect(answer.status).toBe(status)
}

test('these checks leave no function out', () => {
  const functions = paths.map((path) => path.split('/').slice(0, 3).join('/'))
  expect(functions).toEqual(expect.arrayContaining([...shop.world.functions]))
})

test.each(paths)('%s answers every other method 405 and names the right ones', async (path) => {
  const right = allowed[path] ?? ''
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(
    (name) => !right.split(', ').includes(name),
  )) {
    const answer = await shop.call(method, path, { token: shop.merchantKey })
    expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, right])
    expectProblem(answer, 405, 'method_not_allowed')
  }
})

test.each(paths)('no answer of %s may be cached', async (path) => {
  for (const method of (allowed[path] ?? '').split(', ')) {
    for (const key of [undefined, shop.merchantKey, shop.cronSecret]) {
      const { headers } = await shop.call(method, path, { token: key })
      expect(headers.get('cache-control')).toBe('no-store')
    }
  }
})

test('a refusal carries its own request id, the same in body and header', async () => {
  const [one, other] = [await shop.call('GET', '/api/query'), await shop.call('GET', '/api/query')]
  expect(one.json['requestId']).toBe(one.headers.get('x-request-id'))
  expect(other.json['requestId']).not.toBe(one.json['requestId'])
})

const json = { 'content-type': 'application/json' }
test.each(jsonPaths)('%s %s accepts a body of 64 KiB and not a byte more', async (method, path) => {
  const atLimit = await shop.call(method, path, {
    token: tokenFor(path),
    headers: json,
    body: '{}'.padEnd(65_536),
  })
  expectProblem(atLimit, 400, 'invalid_request')
  expectProblem(
    await shop.call(method, path, {
      token: tokenFor(path),
      headers: json,
      body: '{}'.padEnd(65_537),
    }),
    413,
    'body_too_large',
  )
})

test('a body without a content-length is read no further than the limit', async () => {
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      sent += 16_384
      controller.enqueue(new Uint8Array(16_384).fill(32))
      if (sent >= 16_777_216) controller.close()
    },
  })
  const options = { method: 'POST', headers: json, body, duplex: 'half' } as const
  expect((await fetch(`${shop.world.url}/api/login`, options)).status).toBe(413)
  expect(sent).toBeLessThan(16_777_216)
})

test('a notification larger than 64 KiB is refused', async () => {
  const { headers } = paymentMessage(shop, OUR_NUMBER)
  expect(await shop.notify({ body: 'x'.repeat(65_537), headers })).toMatchObject(TOO_LARGE)
})

test.each(jsonPaths)(
  '%s %s refuses plain text, XML, files and a body without a content type',
  async (method, path) => {
    for (const type of [
      'text/plain',
      'text/xml',
      'multipart/form-data; boundary=x',
      'application/jsonp',
    ]) {
      const answer = await shop.call(method, path, {
        token: tokenFor(path),
        headers: { 'content-type': type },
        body: '{}',
      })
      expectProblem(answer, 415, 'unsupported_media_type')
    }
    const unnamed = await shop.call(method, path, {
      token: tokenFor(path),
      body: new TextEncoder().encode('{}'),
    })
    expectProblem(unnamed, 415, 'unsupported_media_type')
  },
)

test.each(jsonPaths)(
  '%s %s refuses a body that is null or not JSON, and says so',
  async (method, path) => {
    for (const body of ['', '{', 'code=1', '{"a":1}{"b":2}', 'null', '"text"', '5']) {
      const answer = await shop.call(method, path, { token: tokenFor(path), headers: json, body })
      expectProblem(answer, 400, 'invalid_request')
      expect(answer.json['detail']).toMatch(/^request body: /)
    }
  },
)

test('JSON that curl -d sends as a form is refused, and the answer names the header to add', async () => {
  for (const [method, path] of jsonPaths) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await shop.call(method, path, {
      token: tokenFor(path),
      headers,
      body: '{"code":"0a1b","outTradeNo":"A-123456"}',
    })
    expectProblem(answer, 400, 'invalid_request')
    expect(answer.json['detail']).toBe(
      'request body: looks like JSON sent as a form: add the header content-type: application/json',
    )
  }
})

test('a body with the deepest possible nesting is refused like any other invalid body', async () => {
  for (const body of [
    `${'['.repeat(32_768)}${']'.repeat(32_768)}`,
    `{"items":${'[{"sku":'.repeat(6_000)}1${'}]'.repeat(6_000)}}`,
  ])
    expectProblem(
      await shop.call('POST', '/api/orders', { token, headers: json, body }),
      400,
      'invalid_request',
    )
})

test('a key given twice is refused by name, because another parser might take the first value', async () => {
  const body = '{"openid":"oDemo","totalFee":1,"body":"拿铁","total\\u0046ee":2800}'
  const answer = await shop.call('POST', '/api/orders', {
    token: shop.merchantKey,
    headers: json,
    body,
  })
  expectProblem(answer, 400, 'invalid_request')
  expect(answer.json['detail']).toBe('totalFee: expected to be given once')
})

test('an amount in a form must be plain digits', async () => {
  for (const totalFee of ['007', '+7', '7.0', '1e3', ' 7']) {
    const answer = await form('/api/orders', shop.merchantKey, {
      openid: PAYER,
      totalFee,
      body: '拿铁',
    })
    expectProblem(answer, 400, 'invalid_request')
    expect(answer.json['detail']).toMatch(/^totalFee: expected a /)
  }
})

const invalidBodies: readonly (readonly [
  field: string,
  method: string,
  path: string,
  body: unknown,
])[] = [
  ['code', 'POST', '/api/login', []],
  ['code', 'POST', '/api/login', {}],
  ['code', 'POST', '/api/login', { code: 5 }],
  ['code', 'POST', '/api/login', { code: '' }],
  ['nickname', 'POST', '/api/login', { code: 'x', nickname: {} }],
  ['iv', 'POST', '/api/login', { code: 'x', iv: null }],
  ['phoneCode', 'POST', '/api/login', { phoneCode: 5 }],
  ['nickname', 'POST', '/api/login', { phoneCode: 'x', nickname: 'x' }],
  ['outTradeNo', 'POST', '/api/prepay', []],
  ['outTradeNo', 'POST', '/api/prepay', { outTradeNo: 123_456 }],
  ['outTradeNo', 'POST', '/api/prepay', { outTradeNo: 'a b c d e f' }],
  ['outTradeNo', 'POST', '/api/close', [OUR_NUMBER]],
  ['outTradeNo', 'POST', '/api/close', { outTradeNo: null }],
  ['items', 'POST', '/api/orders', []],
  ['items', 'POST', '/api/orders', { items: 'latte' }],
  ['items.0', 'POST', '/api/orders', { items: ['latte'] }],
  ['items.0.sku', 'POST', '/api/orders', { items: [{ sku: 5, quantity: 1 }] }],
  ['products', 'PUT', '/api/products', []],
  ['products', 'PUT', '/api/products', { products: {} }],
  [
    'products.0.price',
    'PUT',
    '/api/products',
    { products: [{ sku: 'tea', name: 'tea', price: '5' }] },
  ],
  [
    'products.0.active',
    'PUT',
    '/api/products',
    { products: [{ sku: 'tea', name: 'tea', price: 5, active: 'no' }] },
  ],
]
test.each(invalidBodies)(
  'an invalid %s at %s %s is refused by name: %j',
  async (field, method, path, body) => {
    const answer = await shop.call(method, path, { token: tokenFor(path), body })
    expectProblem(answer, 400, 'invalid_request')
    expect(answer.json['detail']).toMatch(
      new RegExp(`^${field.replaceAll('.', '\\.')}: (?:expected |is missing$)`),
    )
  },
)

/** A valid call of each method, apart from its query, and whether it ignores unknown parameters. */
const wellFormed: Readonly<
  Record<string, { token?: () => string; body?: () => unknown; ignores?: true }>
> = {
  'POST /api/close': { token: () => token, body: () => ({ outTradeNo: OUR_NUMBER }) },
  'GET /api/console/complaints': { token: () => shop.merchantKey },
  'POST /api/console/complaints': {
    token: () => shop.merchantKey,
    body: () => ({ complaintId: '1', action: 'finish' }),
  },
  'GET /api/console/events': { token: () => shop.merchantKey },
  'POST /api/console/events': {
    token: () => shop.merchantKey,
    body: () => ({ id: `evt_${'0'.repeat(32)}` }),
  },
  'GET /api/console/incidents': { token: () => shop.merchantKey },
  'POST /api/console/incidents': {
    token: () => shop.merchantKey,
    body: () => ({ id: 1, note: 'ok' }),
  },
  'GET /api/console/orders': { token: () => shop.merchantKey },
  'GET /api/console/overview': { token: () => shop.merchantKey },
  'POST /api/console/search': { token: () => shop.merchantKey, body: () => ({ text: 'x' }) },
  'GET /api/console/shipments': { token: () => shop.merchantKey },
  'GET /api/console/takings': { token: () => shop.merchantKey },
  'GET /api/cron': { token: () => shop.cronSecret, ignores: true },
  'GET /api/health': { ignores: true },
  'POST /api/login': { body: () => ({ code: shop.wechat.issueCode() }) },
  'GET /api/notify': { ignores: true },
  'POST /api/notify': { body: () => '<xml></xml>', ignores: true },
  'GET /api/orders': { token: () => token },
  'POST /api/orders': {
    token: () => token,
    body: () => ({ items: [{ sku: 'latte', quantity: 1 }] }),
  },
  'POST /api/prepay': { token: () => token, body: () => ({ outTradeNo: OUR_NUMBER }) },
  'GET /api/products': {},
  'PUT /api/products': {
    token: () => shop.merchantKey,
    body: () => ({ products: [{ sku: 'tea', name: 'tea', price: 5 }] }),
  },
  'GET /api/login': { token: () => token },
  'GET /api/query': { token: () => token },
  'GET /api/refund': { token: () => token },
  'POST /api/refund': {
    token: () => shop.merchantKey,
    body: () => ({ outTradeNo: OUR_NUMBER, outRefundNo: 'R1', refundFee: 1 }),
  },
  'GET /api/shipping': { token: () => token },
  'POST /api/shipping': {
    token: () => shop.merchantKey,
    body: () => ({
      outTradeNo: OUR_NUMBER,
      logisticsType: 'virtual',
      items: [{ itemDesc: 'tea' }],
    }),
  },
}
const askWith = (call: string, query: string, more: Record<string, string> = {}) => {
  const [method = '', path = ''] = call.split(' ')
  const { token: tokenOf, body } = wellFormed[call] ?? {}
  // The query parameters that these functions require.
  const needed =
    {
      '/api/console/orders': `outTradeNo=${OUR_NUMBER}&`,
      '/api/query': `outTradeNo=${OUR_NUMBER}&`,
      '/api/refund': method === 'GET' ? 'outRefundNo=R1&' : '',
      '/api/shipping': method === 'GET' ? `outTradeNo=${OUR_NUMBER}&` : '',
    }[path] ?? ''
  return shop.call(method, `${path}?${needed}${query}`, {
    token: tokenOf?.(),
    body: body?.(),
    headers: more,
  })
}

test('these query checks leave no method out', () => {
  const all = Object.entries(allowed).flatMap(([path, methods]) =>
    methods.split(', ').map((method) => `${method} ${path}`),
  )
  expect(Object.keys(wellFormed).toSorted()).toEqual(all.toSorted())
})

test.each(Object.keys(wellFormed).filter((call) => wellFormed[call]?.ignores !== true))(
  '%s refuses a parameter that it does not know, and names it',
  async (call) => {
    for (const name of ['totalFee', 'openId', 'constructor', '__proto__', 'n']) {
      const answer = await askWith(call, `${name}=1`)
      expectProblem(answer, 400, 'invalid_request')
      expect(answer.json['detail']).toBe(`${name}: expected this parameter to be left out`)
    }
  },
)

test.each(Object.keys(wellFormed).filter((call) => wellFormed[call]?.ignores === true))(
  '%s ignores unknown parameters, because its address is configured outside of this shop',
  async (call) => {
    const plain = await askWith(call, '')
    const answer = await askWith(call, 'totalFee=1&totalFee=2')
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      plain.status,
      plain.headers.get('content-type'),
    ])
    expect(answer.text).not.toContain('totalFee')
  },
)

test.each(Object.keys(wellFormed))('%s ignores the parameters of Vercel itself', async (call) => {
  const answer = await askWith(
    call,
    'x-vercel-protection-bypass=s&x-vercel-set-bypass-cookie=true&_vercel_share=s&dpl=dpl_1',
  )
  expect(answer.json['code']).not.toBe('invalid_request')
})

test('a caller without permission is refused for that reason first, whatever the query says', async () => {
  const unknown = '?totalFee=1'
  expectProblem(await shop.call('GET', `/api/orders${unknown}`), 401, 'not_signed_in')
  expectProblem(
    await shop.call('POST', `/api/refund${unknown}`, { token, body: {} }),
    403,
    'wrong_token',
  )
  expectProblem(
    await shop.call('DELETE', `/api/orders${unknown}`, { token }),
    405,
    'method_not_allowed',
  )
})

test.each(['/api/prepay', '/api/close'])(
  'POST %s refuses a field that it does not know, and names it',
  async (path) => {
    const answer = await shop.call('POST', path, {
      token,
      body: { outTradeNo: OUR_NUMBER, totalFee: 1 },
    })
    expectProblem(answer, 400, 'invalid_request')
    expect(answer.json['detail']).toBe('totalFee: expected this field to be left out')
  },
)

test.each(['/api/products', '/api/orders', '/api/health'])(
  'HEAD of %s answers as GET does, without the body',
  async (path) => {
    expect(await shop.call('HEAD', path, { token })).toMatchObject({ status: 200, text: '' })
  },
)

const form = (path: string, key: string | undefined, fields: Record<string, string>) =>
  shop.call('POST', path, {
    token: key,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  })

test('a parcel of several and a search can be sent as forms, with numbers, true and false', async () => {
  const { outTradeNo } = await shop.sell()
  const items = JSON.stringify([{ itemDesc: '拿铁', trackingNo: 'A1', expressCompany: 'ZTO' }])
  const parcel = { outTradeNo, logisticsType: 'express', items }
  const shipped = await form('/api/shipping', shop.merchantKey, {
    ...parcel,
    isAllDelivered: 'false',
  })
  expect([shipped.status, shipped.json['shippingState']]).toEqual([200, 'UPLOADED'])
  const found = await form('/api/console/search', shop.merchantKey, {
    text: outTradeNo,
    limit: '5',
  })
  expect(found.status).toBe(200)
  const wrong = await form('/api/shipping', shop.merchantKey, { ...parcel, isAllDelivered: 'no' })
  expect([wrong.status, wrong.json['detail']]).toEqual([
    400,
    'isAllDelivered: expected true or false',
  ])
})

test('login, a merchant’s order, prepay and close can be sent as forms', async () => {
  expect(
    (
      await form('/api/login', undefined, {
        code: shop.wechat.issueCode(),
        nickname: '小明 & 小红',
      })
    ).status,
  ).toBe(200)
  const order = await form('/api/orders', shop.merchantKey, {
    openid: PAYER,
    totalFee: '2800',
    body: '拿铁 & 曲奇',
    outTradeNo: OUR_NUMBER,
  })
  expect([order.status, order.json['totalFee'], order.json['body']]).toEqual([
    201,
    2800,
    '拿铁 & 曲奇',
  ])
  expect((await form('/api/prepay', token, { outTradeNo: OUR_NUMBER })).status).toBe(200)
  expect((await form('/api/close', token, { outTradeNo: OUR_NUMBER })).json['tradeState']).toBe(
    'CLOSED',
  )
})
