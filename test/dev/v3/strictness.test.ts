/**
 * The simulator refuses over APIv3 what WeChat refuses. The messages are signed here, byte by byte.
 */
import { sign } from 'node:crypto'
import { Hono } from 'hono'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  demoCertificate,
  demoV3Values,
  demoValues,
  demoWechatPrivateKey,
} from '../../../dev/world/demo-values.ts'
import { createSimulator } from '../../../dev/wechat/create-simulator.ts'
import type { Simulator } from '../../../dev/wechat/simulator.ts'
import { APPID, MCHID, SERIAL } from './peer.ts'

const ORDERS = '/v3/pay/transactions'

let simulator: Simulator
const now = Date.parse('2025-01-02T03:04:05+08:00')
beforeEach(() => {
  simulator = createSimulator({
    appid: APPID,
    appSecret: 's',
    mchId: MCHID,
    payKey: demoValues.WECHAT_PAY_KEY,
    v3: {
      apiKey: demoV3Values.WECHAT_PAY_V3_KEY,
      merchantCertificate: demoCertificate.WECHAT_PAY_CERT,
      publicKey: {
        id: demoV3Values.WECHAT_PAY_PUBLIC_KEY_ID,
        privateKey: demoWechatPrivateKey,
      },
    },
    now: () => now,
  })
})

interface Sent {
  readonly method?: string
  readonly target?: string
  /** The target that is signed. Default: the one that is sent. */
  readonly signedTarget?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly without?: readonly string[]
  readonly fields?: Readonly<Record<string, string>>
  readonly scheme?: string
  readonly app?: Hono
}

async function send({
  method = 'POST',
  target = `${ORDERS}/jsapi`,
  signedTarget = target,
  body = '',
  headers = {},
  without = [],
  fields = {},
  scheme = 'WECHATPAY2-SHA256-RSA2048',
  app = simulator.app,
}: Sent) {
  const given = { timestamp: String(now / 1000), nonce_str: 'abc', ...fields }
  const message = `${method}\n${signedTarget}\n${given.timestamp}\n${given.nonce_str}\n${body}\n`
  const signature = sign('sha256', Buffer.from(message), demoCertificate.WECHAT_PAY_CERT_KEY)
  const parts = {
    serial_no: SERIAL,
    mchid: MCHID,
    signature: signature.toString('base64'),
    ...given,
    ...fields,
  }
  const all = new Headers({
    accept: 'application/json',
    'user-agent': 'test',
    'content-type': 'application/json; charset=utf-8',
    authorization: `${scheme} ${Object.entries(parts)
      .map(([name, value]) => `${name}="${value}"`)
      .join(',')}`,
    ...headers,
  })
  for (const name of without) all.delete(name)
  const response = await app.request(target, {
    method,
    headers: all,
    ...(method === 'GET' ? {} : { body }),
  })
  const text = await response.text()
  const json: unknown = text === '' ? null : JSON.parse(text)
  return { status: response.status, json, headers: response.headers }
}

const order = {
  appid: APPID,
  mchid: MCHID,
  description: '示例商城-咖啡',
  out_trade_no: 'T20250102000001',
  notify_url: 'https://pay.example.com/api/notify',
  amount: { total: 101, currency: 'CNY' },
  payer: { openid: 'oDemo000000000000000000User1' },
}
const place = (over: object) => send({ body: JSON.stringify({ ...order, ...over }) })

test('a right request is accepted, and its answer is signed', async () => {
  const { status, headers } = await place({})
  expect(status).toBe(200)
  expect([...headers.keys()]).toEqual(
    expect.arrayContaining([
      'request-id',
      'wechatpay-nonce',
      'wechatpay-serial',
      'wechatpay-signature',
      'wechatpay-signature-type',
      'wechatpay-timestamp',
    ]),
  )
})

test.each([
  ['as it is sent', `/wechat${ORDERS}/jsapi`, 200],
  ['without the path of the base URL', `${ORDERS}/jsapi`, 200],
  ['with another path', `/other${ORDERS}/jsapi`, 401],
])('at a path of a server, a target is signed %s: %s', async (_, signedTarget, expected) => {
  const { status } = await send({
    app: new Hono().route('/wechat', simulator.app),
    target: `/wechat${ORDERS}/jsapi`,
    signedTarget,
    body: JSON.stringify(order),
  })
  expect(status).toBe(expected)
})

test.each(['accept', 'user-agent'])('a request without %s is refused', async (without) => {
  const { status, json } = await send({ body: JSON.stringify(order), without: [without] })
  expect({ status, json }).toEqual({
    status: 400,
    json: { code: 'INVALID_REQUEST', message: 'Http头缺少Accept或User-Agent' },
  })
})

describe('a request is answered 401, unsigned,', () => {
  test.each<[string, Sent]>([
    ['without Authorization', { without: ['authorization'] }],
    ['of another scheme', { scheme: 'WECHATPAY2-SM2-WITH-SM3' }],
    ['with two blanks', { scheme: 'WECHATPAY2-SHA256-RSA2048 ' }],
    ['of another merchant', { fields: { mchid: '1900009999' } }],
    ['with another serial number', { fields: { serial_no: '5'.repeat(40) } }],
    ['with a serial number in small letters', { fields: { serial_no: SERIAL.toLowerCase() } }],
    ['with another signature', { fields: { signature: 'AAAA' } }],
    ['with a field too many', { fields: { other: '1' } }],
    ['that is older than five minutes', { fields: { timestamp: String(now / 1000 - 301) } }],
    ['of more than five minutes ahead', { fields: { timestamp: String(now / 1000 + 301) } }],
    ['that signs another target', { signedTarget: `${ORDERS}/jsapi?` }],
  ])('%s', async (_, sent) => {
    const { status, json, headers } = await send({ body: JSON.stringify(order), ...sent })
    expect(status).toBe(401)
    expect(json).toMatchObject({ code: 'SIGN_ERROR' })
    expect(headers.has('wechatpay-signature')).toBe(false)
    expect(simulator.orders()).toEqual([])
  })
})

describe('a body is refused, and the field is named:', () => {
  test.each<[string, object, string]>([
    ['null', { attach: null }, '/attach'],
    ['null in an object', { amount: { total: 101, currency: null } }, '/amount/currency'],
    ['an unknown field', { sub_mchid: '1' }, '/sub_mchid'],
    ['an unknown field of an object', { payer: { ...order.payer, sp: '1' } }, '/payer/sp'],
    ['a character of four bytes', { description: '咖啡☕️😀' }, '/description'],
    ['a number as a string', { amount: { total: '101' } }, '/amount/total'],
    ['an amount of zero', { amount: { total: 0 } }, '/amount/total'],
    ['a fraction', { amount: { total: 1.5 } }, '/amount/total'],
    ['a missing field', { payer: {} }, '/payer/openid'],
    ['a text that is too long', { description: '字'.repeat(128) }, '/description'],
    ['a notify URL without TLS', { notify_url: 'http://pay.example.com/n' }, '/notify_url'],
    ['a notify URL with a query', { notify_url: 'https://pay.example.com/n?a=1' }, '/notify_url'],
    ['an expiry that is not RFC 3339', { time_expire: '20250102040404' }, '/time_expire'],
    ['another merchant', { mchid: '1900009999' }, '/mchid'],
    ['an openid of another appid', { payer: { openid: 'never-seen' } }, '/payer/openid'],
  ])('%s', async (_, over, field) => {
    const { status, json, headers } = await place(over)
    expect({ status, json }).toEqual({
      status: 400,
      json: {
        code: 'PARAM_ERROR',
        message: expect.any(String),
        detail: { field, issue: expect.any(String), location: 'body' },
      },
    })
    expect(headers.has('wechatpay-signature')).toBe(true)
  })

  test.each([
    ['no JSON', '{'],
    ['a repeated name', '{"mchid":"1900000109","mchid":"1900000109"}'],
  ])('%s', async (_, body) => {
    const { status, json } = await send({
      target: `${ORDERS}/out-trade-no/T20250102000001/close`,
      body,
    })
    expect({ status, json }).toMatchObject({ status: 400, json: { code: 'PARAM_ERROR' } })
  })

  test('another type of content', async () => {
    const { json } = await send({
      body: JSON.stringify(order),
      headers: { 'content-type': 'text/xml' },
    })
    expect(json).toMatchObject({ code: 'PARAM_ERROR', detail: { field: 'Content-Type' } })
  })
})

describe('a query is refused', () => {
  test.each([
    [`${ORDERS}/out-trade-no/T20250102000001`, 'mchid'],
    [`${ORDERS}/out-trade-no/T20250102000001?mchid=1900009999`, 'mchid'],
    [`${ORDERS}/out-trade-no/T20250102000001?mchid=1900000109&appid=a`, 'appid'],
    ['/v3/bill/tradebill', 'bill_date'],
    ['/v3/bill/tradebill?bill_date=20250101', 'bill_date'],
    ['/v3/bill/tradebill?bill_date=2025-01-01&bill_type=SOME', 'bill_type'],
  ])('%s', async (target, field) => {
    const { status, json } = await send({ method: 'GET', target })
    expect({ status, json }).toMatchObject({
      status: 400,
      json: { code: 'PARAM_ERROR', detail: { field, location: 'query' } },
    })
  })
})

test('an unknown Wechatpay-Serial is refused', async () => {
  const { status, json } = await send({
    body: JSON.stringify(order),
    headers: { 'wechatpay-serial': 'PUB_KEY_ID_0000000000' },
  })
  expect({ status, json }).toMatchObject({ status: 400, json: { code: 'PARAM_ERROR' } })
})

test('a merchant with a public key has no certificates', async () => {
  const { status, json } = await send({ method: 'GET', target: '/v3/certificates' })
  expect({ status, json }).toMatchObject({ status: 404, json: { code: 'RESOURCE_NOT_EXISTS' } })
})

test.each([
  ['SYSTEMERROR', 500],
  ['FREQUENCY_LIMITED', 429],
  ['USERPAYING', 202],
  ['SOMETHING_NEW', 400],
])('the fault err-code answers %s with status %i', async (errCode, expected) => {
  simulator.misbehave({ on: 'unifiedorder', do: 'err-code', errCode })
  const { status, json } = await place({})
  expect({ status, json }).toMatchObject({ status: expected, json: { code: errCode } })
})

test('an openid of another appid is refused with either code of WeChat’s pages', async () => {
  const other = { payer: { openid: 'never-seen' } }
  const answers = [await place(other), await place(other), await place(other)]
  expect(answers.map(({ status, json }) => ({ status, json }))).toMatchObject([
    { status: 400, json: { code: 'PARAM_ERROR', detail: { field: '/payer/openid' } } },
    { status: 500, json: { code: 'OPENID_MISMATCH' } },
    { status: 400, json: { code: 'PARAM_ERROR' } },
  ])
})

test('a refusal has no signature if the fault says so', async () => {
  simulator.misbehave({
    on: 'unifiedorder',
    do: 'err-code',
    errCode: 'SYSTEM_ERROR',
    unsigned: true,
    times: 1,
  })
  const [refused, placed] = [await place({}), await place({})]
  expect(refused).toMatchObject({ status: 500, json: { code: 'SYSTEM_ERROR' } })
  const isSigned = ({ headers }: typeof refused) => headers.has('wechatpay-signature')
  expect([isSigned(refused), isSigned(placed)]).toEqual([false, true])
})

test.each([
  ['old-timestamp', -400],
  ['future-timestamp', 400],
] as const)('the fault %s signs %i seconds off the clock', async (fault, offset) => {
  simulator.misbehave({ on: 'unifiedorder', do: fault })
  const { headers } = await place({})
  expect(Number(headers.get('wechatpay-timestamp'))).toBe(Math.floor(now / 1000) + offset)
})

test('a simulator without settings of APIv3 has none of its paths', async () => {
  simulator = createSimulator({
    appid: APPID,
    appSecret: 's',
    mchId: MCHID,
    payKey: demoValues.WECHAT_PAY_KEY,
    now: () => now,
  })
  const response = await simulator.app.request('/v3/certificates')
  expect(response.status).toBe(404)
  expect(() => simulator.keys()).toThrow('this simulator has no settings of APIv3')
})
