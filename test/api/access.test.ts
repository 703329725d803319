/** Which token each call needs, and what no answer may contain. */
import { createHmac } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { inProtocol } from '../support/mode.ts'
import { openShop, type Answer, type CallOptions, type Shop } from '../support/shop.ts'

let shop: Shop
let token: string
beforeAll(async () => {
  shop = await openShop()
})
beforeEach(async () => {
  token = await shop.logIn()
})
afterEach(() => {
  vi.unstubAllEnvs()
  shop.world.faults.database.up()
  shop.wechat.clearFaults()
})
afterAll(() => shop.close())

function expectRefused(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.json['code']]).toEqual([status, code])
}

test.each([
  'POST /api/orders',
  'GET /api/orders',
  'POST /api/prepay',
  'POST /api/close',
  'GET /api/query',
  'GET /api/cron',
  'PUT /api/products',
])('%s refuses a call without a token', async (call) => {
  const [method = '', path = ''] = call.split(' ')
  const answer = await shop.call(method, path)
  expectRefused(answer, 401, 'not_signed_in')
  expect(answer.headers.get('www-authenticate')).toBe('Bearer')
})

const USER = 'a token of /api/login'
const MERCHANT = 'the merchant key (MERCHANT_API_KEY)'
const CRON = 'the cron secret (CRON_SECRET)'
const needs: Readonly<Record<string, string>> = {
  'GET /api/cron': CRON,
  'GET /api/orders': `${USER} or ${MERCHANT}`,
  'POST /api/orders': `${USER} or ${MERCHANT}`,
  'POST /api/prepay': `${USER} or ${MERCHANT}`,
  'POST /api/close': `${USER} or ${MERCHANT}`,
  'GET /api/query': `${USER} or ${MERCHANT}`,
  'GET /api/refund': `${USER} or ${MERCHANT}`,
  'POST /api/refund': MERCHANT,
  'GET /api/shipping': `${USER} or ${MERCHANT}`,
  'POST /api/shipping': MERCHANT,
  'PUT /api/products': MERCHANT,
}
test.each(Object.entries(needs))(
  '%s names the token it needs (%s) when the token is missing or of another kind',
  async (call, needed) => {
    const [method = '', path = ''] = call.split(' ')
    const withoutToken = await shop.call(method, path)
    expectRefused(withoutToken, 401, 'not_signed_in')
    expect(withoutToken.json['detail']).toBe(
      `Send the header Authorization: Bearer with ${needed}.`,
    )
    const withWrongToken = await shop.call(method, path, {
      token: needed === CRON ? shop.merchantKey : shop.cronSecret,
    })
    expectRefused(withWrongToken, 403, 'wrong_token')
    expect(withWrongToken.json['detail']).toBe(`The token is valid, but this call needs ${needed}.`)
  },
)

test('a malformed secret stops only the callers who use it', async () => {
  const { env } = shop.world
  const merchantCall = () => shop.call('GET', '/api/orders', { token: shop.merchantKey })
  const cronCall = () => shop.call('GET', '/api/cron', { token: shop.cronSecret })
  vi.stubEnv('CRON_SECRET', `${env['CRON_SECRET']} `)
  expect((await merchantCall()).status).toBe(200)
  expectRefused(await cronCall(), 503, 'not_configured')
  vi.unstubAllEnvs()
  vi.stubEnv('MERCHANT_API_KEY', 'short')
  expectRefused(await merchantCall(), 503, 'not_configured')
  expect((await cronCall()).status).toBe(200)
})

test.each(['CRON_SECRET', 'MERCHANT_API_KEY'])(
  'a payer whose token is no longer valid logs in again, although %s is malformed',
  async (name) => {
    vi.stubEnv(name, 'short ')
    expect((await shop.call('GET', '/api/orders', { token })).status).toBe(200)
    const answer = await shop.call('GET', '/api/orders', { token: `${token}x` })
    expectRefused(answer, 401, 'not_signed_in')
  },
)

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const signedBy = (secret: string, text: string): string =>
  `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
const part = (index: number): string => token.split('.')[index] ?? ''
const invalidAuthorizations: readonly (readonly [string, () => string])[] = [
  ['a malformed token', () => 'Bearer abc'],
  ['an empty token', () => 'Bearer '],
  ['a header that is empty', () => ''],
  ['a token without its scheme', () => token],
  ['another scheme', () => `Basic ${token}`],
  ['two tokens', () => `Bearer ${token} ${token}`],
  [
    'a token signed with another secret',
    () => `Bearer ${signedBy('another-secret-of-more-than-32-bytes', `${part(0)}.${part(1)}`)}`,
  ],
  [
    'a token with the algorithm "none"',
    () => `Bearer ${encode({ alg: 'none', typ: 'JWT' })}.${part(1)}.`,
  ],
  ['a token without its signature', () => `Bearer ${part(0)}.${part(1)}.`],
  [
    'a token whose user was changed',
    () => `Bearer ${part(0)}.${encode({ sub: 'oOther', exp: 9_999_999_999 })}.${part(2)}`,
  ],
  ['a merchant key with one more character', () => `Bearer ${shop.merchantKey}x`],
]
test.each(invalidAuthorizations)('%s is refused with 401', async (_name, authorization) => {
  expectRefused(
    await shop.call('GET', '/api/orders', { headers: { authorization: authorization() } }),
    401,
    'not_signed_in',
  )
})

test('the same claims signed with the shop’s own secret are accepted', async () => {
  const own = signedBy(shop.world.env['SESSION_SECRET'] ?? '', `${part(0)}.${part(1)}`)
  expect((await shop.call('GET', '/api/orders', { token: own })).status).toBe(200)
})

test('a token is valid for one day and not a second longer', async () => {
  shop.advance(86_399_000)
  expect((await shop.call('GET', '/api/orders', { token })).status).toBe(200)
  shop.advance(1_000)
  expectRefused(await shop.call('GET', '/api/orders', { token }), 401, 'not_signed_in')
})

const wrongKinds: readonly (readonly [string, string, string, () => string])[] = [
  ['the merchant', 'GET', '/api/cron', () => shop.merchantKey],
  ['a payer', 'GET', '/api/cron', () => token],
  ['a payer', 'PUT', '/api/products', () => token],
  ['cron', 'PUT', '/api/products', () => shop.cronSecret],
  ['cron', 'GET', '/api/query', () => shop.cronSecret],
  ['cron', 'GET', '/api/orders', () => shop.cronSecret],
  ['cron', 'POST', '/api/orders', () => shop.cronSecret],
  ['cron', 'POST', '/api/prepay', () => shop.cronSecret],
  ['cron', 'POST', '/api/close', () => shop.cronSecret],
]
test.each(wrongKinds)('%s is refused when it calls %s %s', async (_who, method, path, key) => {
  expectRefused(await shop.call(method, path, { token: key() }), 403, 'wrong_token')
})

test.each(['/api/prepay', '/api/close', '/api/query'])(
  '%s answers another user’s order as if it did not exist',
  async (path) => {
    const outTradeNo = await shop.placeOrder(token)
    const stranger = await shop.logIn()
    const ask = (number: string) =>
      path === '/api/query'
        ? shop.call('GET', `${path}?outTradeNo=${number}`, { token: stranger })
        : shop.call('POST', path, { token: stranger, body: { outTradeNo: number } })
    const [theirs, none] = [await ask(outTradeNo), await ask('no_such_order')]
    expectRefused(theirs, 404, 'order_not_found')
    expect({ ...theirs.json, requestId: '' }).toEqual({ ...none.json, requestId: '' })
  },
)

test('no answer holds a key, a session key or a stack trace', async () => {
  const answers: Answer[] = []
  const ask = async (method: string, path: string, asked: CallOptions = {}) =>
    void answers.push(await shop.call(method, path, asked))
  for (const { code } of [{ code: shop.wechat.issueCode() }, { code: 'unknown' }])
    await ask('POST', '/api/login', { body: { code } })
  const outTradeNo = await shop.placeOrder(token)
  shop.wechat.misbehave({
    on: 'unifiedorder',
    times: 1,
    do: 'err-code',
    errCode: inProtocol({ v2: 'SIGNERROR', v3: 'SIGN_ERROR' }),
  })
  for (let tap = 0; tap < 2; tap += 1)
    await ask('POST', '/api/prepay', { token, body: { outTradeNo } })
  for (const database of ['up', 'down'] as const) {
    shop.world.faults.database[database]()
    for (const path of [
      ...shop.world.functions,
      ...[
        'complaints',
        'events',
        'incidents',
        'orders',
        'overview',
        'search',
        'shipments',
        'takings',
      ].map((name) => `/api/console/${name}`),
    ]) {
      // Only its parts are described.
      if (path === '/api/console') continue
      for (const method of ['GET', 'POST', 'PUT']) {
        for (const key of [token, shop.merchantKey, shop.cronSecret])
          await ask(method, path, { token: key, body: method === 'GET' ? undefined : {} })
      }
    }
  }
  const seen = answers
    .map((answer) => `${answer.text}\n${JSON.stringify([...answer.headers])}`)
    .join('\n')
  const { env } = shop.world
  const secrets = [
    'WECHAT_APP_SECRET',
    'WECHAT_PAY_KEY',
    ...inProtocol<string[]>({ v2: [], v3: ['WECHAT_PAY_V3_KEY'] }),
    'SESSION_SECRET',
    'MERCHANT_API_KEY',
    'CRON_SECRET',
    'DATABASE_URL',
  ]
  const sessionKeys = shop.wechat.messageLog.flatMap(
    ({ response }) => /"session_key":"([^"]+)"/.exec(response ?? '')?.[1] ?? [],
  )
  expect(sessionKeys.length).toBeGreaterThan(0)
  for (const secret of [
    ...secrets.map((name) => env[name] ?? name),
    env['UPSTASH_REDIS_REST_TOKEN'] ?? '?',
    ...sessionKeys,
  ])
    expect(seen).not.toContain(secret)
  expect(seen).not.toMatch(/session_key|node_modules|\.ts:\d+|\n\s+at /)
})
