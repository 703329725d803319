/** The control interface describes itself and accepts the requests that any shell can send. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import * as v from 'valibot'
import { faultSchema } from '../../dev/wechat/faults.ts'
import { demoCertificate, demoV3Values, demoWechatPrivateKey } from '../../dev/world/demo-values.ts'
import { createSimulator } from '../../dev/wechat/create-simulator.ts'
import type { Simulator } from '../../dev/wechat/simulator.ts'

let now: number
let simulator: Simulator
beforeEach(() => {
  now = Date.parse('2025-01-02T03:04:05+08:00')
  simulator = createSimulator({
    appid: 'wx00000000demo0001',
    appSecret: 's',
    mchId: '1900000109',
    payKey: 'DemoV2ApiKey00000000000000000001',
    v3: {
      apiKey: demoV3Values.WECHAT_PAY_V3_KEY,
      merchantCertificate: demoCertificate.WECHAT_PAY_CERT,
      publicKey: {
        id: demoV3Values.WECHAT_PAY_PUBLIC_KEY_ID,
        privateKey: demoWechatPrivateKey,
      },
    },
    push: { url: 'http://127.0.0.1:9/api/notify', token: 'demoPushToken', key: null },
    now: () => now,
    advance: (ms) => void (now += ms),
  })
})

const routes = v.object({
  routes: v.array(
    v.object({
      method: v.string(),
      path: v.string(),
      does: v.string(),
      example: v.optional(v.record(v.string(), v.unknown())),
    }),
  ),
})
const list = async () =>
  v.parse(routes, JSON.parse(await (await simulator.app.request('/control')).text())).routes

async function send(
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number; json: unknown }> {
  const response = await simulator.app.request(path, {
    method,
    ...(body === undefined ? {} : { body }),
  })
  const json: unknown = JSON.parse(await response.text())
  return { status: response.status, json }
}

describe('GET /control', () => {
  test('lists every route with a description', async () => {
    const served = simulator.app.routes
      .filter(({ path, method }) => path.startsWith('/control/') && method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`)
      .toSorted()
    const listed = await list()
    expect(listed.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(served)
    expect(served.length).toBeGreaterThan(10)
    for (const { does } of listed) expect(does).toMatch(/^\S.{10,}/)
  })

  test('is named in the answer to an unknown route', async () => {
    for (const [method, path] of [
      ['GET', '/control/nothing'],
      ['GET', '/control/pay'],
    ] as const)
      expect(await send(method, path)).toEqual({
        status: 404,
        json: { error: 'there is no such route: GET /control lists them' },
      })
  })

  test('shows a valid example for each route that takes a body', async () => {
    const examples = (await list()).filter(({ method }) => method === 'POST')
    const answers = await Promise.all(
      examples.map(async ({ method, path, example }) => ({
        path,
        ...(await send(method, path, JSON.stringify(example))),
      })),
    )
    const refused = answers
      .filter(({ status }) => status !== 200)
      .map(({ path, json }) => [path, json])
    // These routes accept the example, and refuse it because what they name does not exist.
    expect(refused).toEqual([
      ['/control/refund', { error: expect.stringContaining('ORDERNOTEXIST') }],
      ['/control/complaint', { error: expect.stringContaining('only a paid order') }],
      ['/control/receipt', { error: expect.stringContaining('only the receipt of a shipped') }],
      ['/control/notifications', { error: 'number: notifications so far: 0' }],
    ])
  })
})

describe('a body may be a form, which needs no quotation marks in a shell:', () => {
  test.each([
    ['/control/clock', 'advanceSeconds=60', { now: '2025-01-02T03:05:05+08:00' }],
    ['/control/clock', 'to=tomorrow-morning', { now: '2025-01-03T11:00:00+08:00' }],
    ['/control/balance', 'balance=500', { balance: 500 }],
    ['/control/balance', 'balance=null', { balance: null }],
    [
      '/control/settings',
      'tradeManaged=false&refundMs=0',
      { settings: expect.objectContaining({ tradeManaged: false, refundMs: 0 }) },
    ],
    [
      '/control/faults',
      'on=unifiedorder&do=http-500&times=2',
      { fault: { on: 'unifiedorder', do: 'http-500', times: 2 } },
    ],
    ['/control/login', 'openid=12345', { code: expect.any(String), userData: expect.any(Object) }],
  ])('%s with %s', async (path, body, answer) => {
    expect(await send('POST', path, body)).toEqual({ status: 200, json: answer })
  })

  test('an order number stays text', async () => {
    const { json } = await send('POST', '/control/refund', 'outTradeNo=20250102&refundFee=1')
    expect(json).toEqual({ error: expect.stringContaining('ORDERNOTEXIST') })
  })

  test.each([
    ['/control/clock', 'advanceSeconds=soon'],
    ['/control/clock', 'to=yesterday'],
    ['/control/balance', 'balance=1.5'],
    ['/control/login', 'openid=a b'],
    ['/control/login', '{"openid":'],
    ['/control/login', '[]'],
    ['/control/faults', 'on=nowhere'],
  ])('%s refuses %s, and says why', async (path, body) => {
    expect(await send('POST', path, body)).toEqual({
      status: 400,
      json: { error: expect.stringMatching(/^\w[\w.]*: .+/) },
    })
  })
})

describe('a refusal names the field:', () => {
  const argument = { timeStamp: '1', nonceStr: 'n', package: 'p', signType: 'MD5', paySign: 'F' }
  test.each([
    [
      '/control/refund',
      'outTradeNo=order-1&refundFee=007',
      'refundFee: must be a whole number of fen, from 0 on',
    ],
    ['/control/refund', 'outTradeNo=order-1', 'refundFee: is missing'],
    [
      '/control/refund',
      '{"outTradeNo":1,"refundFee":1}',
      'outTradeNo: must be the number of an order',
    ],
    [
      '/control/refund',
      'outTradeNo=order-1&refundFee=1&reported=maybe',
      'reported: must be true or false',
    ],
    ['/control/balance', 'balance=007', 'balance: must be a whole number of fen, from 0 on'],
    ['/control/balance', 'balance=-007', 'balance: must be a whole number of fen, from 0 on'],
    ['/control/balance', 'balance=5&for=ever', 'for: is not a field of this route'],
    ['/control/balance', 'balance=5&balance=6', 'balance: must be given once'],
    ['/control/balance', '{"balance":5,"balance":6}', 'balance: must be given once'],
    ['/control/balance', '{"balance":5', 'body: must be well-formed JSON, or a form'],
    ['/control/balance', '[5]', 'body: must be a JSON object, or a form'],
    [
      '/control/clock',
      'advanceSeconds=007',
      'body: must be either advanceSeconds, a number from 0 on, or to=tomorrow-morning',
    ],
    [
      '/control/clock',
      'advanceSeconds=-1',
      'advanceSeconds: must be either advanceSeconds, a number from 0 on, or to=tomorrow-morning',
    ],
    [
      '/control/settings',
      'refundMs=007',
      'refundMs: must be a number of milliseconds, from 0 to those of 366 days',
    ],
    ['/control/settings', 'tradeManaged=007', 'tradeManaged: must be true or false'],
    ['/control/settings', 'billLineEnd=CR', 'billLineEnd: must be CRLF or LF'],
    ['/control/pay', 'openid=oVisitor', 'timeStamp: this is not what /api/prepay answered'],
    [
      '/control/pay',
      '{"title":"The order is paid","status":409}',
      'timeStamp: this is not what /api/prepay answered',
    ],
    [
      '/control/pay',
      JSON.stringify({ ...argument, paySign: 1 }),
      'paySign: this is not what /api/prepay answered',
    ],
    [
      '/control/pay',
      JSON.stringify({ ...argument, payer: 'thinks' }),
      'payer: must be pays or cancels',
    ],
    [
      '/control/faults',
      'on=refund&do=end-as&times=007',
      expect.stringMatching(/^body: there is no such fault\. on: unifiedorder, .*; do: /),
    ],
    [
      '/control/faults',
      'on=refund&do=explode',
      expect.stringMatching(/; do: delay, drop, .*, reorder, .*\. docs\/local-world\.md says/),
    ],
    [
      '/control/faults',
      'on=refund&do=delay&ms=-1',
      'ms: must be a number of milliseconds, from 0 to 600000',
    ],
    [
      '/control/bill',
      'drop=a+b',
      'drop: must be the number of an order or a refund: 1 to 64 letters, digits or _-|*@',
    ],
    [
      '/control/bill',
      '{"addOrder":{"outTradeNo":"a","totalFee":0}}',
      'addOrder.totalFee: must be a whole number of fen, from 1 to 2147483647',
    ],
    ['/control/bill', 'addOrder=a', 'addOrder: is not a value that this route takes'],
  ])('%s with %s', async (path, body, error) => {
    expect(await send('POST', path, body)).toEqual({ status: 400, json: { error } })
  })

  test('query parameters', async () => {
    for (const [method, path] of [
      ['GET', '/control/orders?limit=1'],
      ['GET', '/control?limit=1'],
      ['POST', '/control/login?limit=1'],
    ] as const)
      expect(await send(method, path)).toEqual({
        status: 400,
        json: { error: 'limit: there are no query parameters here; a POST takes a body' },
      })
  })
})

test('docs/local-world.md lists every fault with its targets', async () => {
  const page = await readFile(resolve(import.meta.dirname, '../../docs/local-world.md'), 'utf8')
  const namesIn = (text: string) => [...text.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name)
  const group = (name: string) =>
    namesIn(new RegExp(`^- ${name}: (.*(?:\\n  .*)*)$`, 'm').exec(page)?.[1] ?? '')
  const xml = group('XML paths')
  const json = group('JSON paths')
  const v3 = group('APIv3 paths')
  const listed = [...page.matchAll(/^- `([\w-]+)`(?: \([^)]*\))?, on ([^:]+):/gm)].flatMap(
    ([, fault = '', on = '']) =>
      [
        ...(on.includes('every path') ? [...xml, ...json, ...v3, 'downloadbill', 'billfile'] : []),
        ...(on.includes('XML paths') ? xml : []),
        ...(on.includes('JSON paths') ? json : []),
        ...(on.includes('APIv3 paths') ? v3 : []),
        ...namesIn(on),
      ].map((target) => `${fault} on ${target}`),
  )
  const taken = faultSchema.options.flatMap(({ entries }) =>
    ('options' in entries.do ? entries.do.options : [entries.do.literal]).flatMap((fault) =>
      ('options' in entries.on ? entries.on.options : [entries.on.literal]).map(
        (target) => `${fault} on ${target}`,
      ),
    ),
  )
  expect(listed.toSorted()).toEqual(taken.toSorted())
})

test('a simulator without its own clock refuses to move it', async () => {
  const { app } = createSimulator({
    appid: 'a',
    appSecret: 's',
    mchId: '1',
    payKey: 'k',
    now: () => now,
  })
  const response = await app.request('/control/clock', { method: 'POST', body: 'advanceSeconds=1' })
  expect(response.status).toBe(400)
})
