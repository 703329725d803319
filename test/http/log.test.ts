/**
 * Each log line is a JSON object that names its request and contains nothing that was sent or
 * answered.
 */
import { globSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import * as v from 'valibot'
import notify from '../../api/notify.ts'
import query from '../../api/query.ts'
import { listenToLog, secretsIn } from '../steps/log-lines.ts'
import { watchAnswer } from '../support/secrets.ts'
import { openShop, textOf, type Json, type Sale, type Shop } from '../support/shop.ts'

const MINUTE_MS = 60_000

const functionModule = v.object({ default: v.object({ fetch: v.function() }) })

let shop: Shop
let lines: string[]
beforeAll(async () => {
  // Every delivery to this webhook address fails, after the answer.
  shop = await openShop({
    ORDER_WEBHOOK_URL: 'http://127.0.0.1:2/events',
    ORDER_WEBHOOK_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  })
  // Only the tests send notifications.
  await shop.wechat.stop()
})
beforeEach(() => {
  lines = listenToLog()
})
afterEach(() => {
  shop.world.faults.redis.up()
  vi.restoreAllMocks()
})
afterAll(() => shop.close())

const parse = (line: string) => v.parse(v.record(v.string(), v.unknown()), JSON.parse(line))
/** Waits for the background work, and returns the lines of one event. */
const logged = async (event: string): Promise<Json[]> => {
  await shop.world.settled()
  return lines.map(parse).filter((line) => line['event'] === event)
}
/** Makes one call with a new request id. Returns its answer and its log line. */
async function call(method: string, path: string, token: string | undefined, body?: unknown) {
  const requestId = `hkg1::${crypto.randomUUID()}`
  const answer = await shop.call(method, path, {
    token,
    ...(body === undefined ? {} : { body }),
    headers: { 'x-vercel-id': requestId },
  })
  const [line, ...more] = (await logged('request')).filter((one) => one['requestId'] === requestId)
  expect(more, 'one line a request').toEqual([])
  return { requestId, answer, line }
}

test('a request writes one line with its time, function, id, order, outcome and duration', async () => {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  const { requestId, line } = await call('POST', '/api/prepay', token, { outTradeNo })
  expect(line).toEqual({
    time: new Date().toISOString(),
    level: 'info',
    event: 'request',
    requestId,
    function: 'prepay',
    order: outTradeNo,
    outcome: 'ok',
    status: 200,
    duration: expect.any(Number),
  })
  expect(Number.isInteger(line?.['duration'])).toBe(true)
})

test('the time of a line is RFC 3339, to the millisecond', async () => {
  const { line } = await call('GET', '/api/products', undefined)
  expect(line?.['time']).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/)
})

test('the line of a failed request has the code that its caller gets, and names the order', async () => {
  const { answer, line } = await call('POST', '/api/prepay', await shop.logIn(), {
    outTradeNo: 'nobodysorder1',
  })
  expect(answer.json['code']).toBe('order_not_found')
  expect(line).toMatchObject({
    level: 'warn',
    function: 'prepay',
    order: 'nobodysorder1',
    outcome: 'order_not_found',
    status: 404,
  })
})

test.each([
  ['drop', 'network', expect.stringMatching(/^[A-Z_]+$/)],
  ['http-500', 'server', '500'],
] as const)('the log names why WeChat did not answer: %s', async (fault, code, detail) => {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  shop.wechat.misbehave({ on: 'unifiedorder', do: fault })
  const { line } = await call('POST', '/api/prepay', token, { outTradeNo })
  shop.wechat.clearFaults()
  expect(line).toMatchObject({
    level: 'error',
    outcome: 'wechat_unknown',
    status: 503,
    code,
    detail,
  })
})

test('a refused notification is logged as refused, although it is answered with 200', async () => {
  await shop.notify('<xml><sign>A</sign></xml>')
  const line = (await logged('request')).find((one) => one['function'] === 'notify')
  expect(line).toMatchObject({ level: 'warn', outcome: 'notice_rejected', status: 200 })
  expect(line).not.toHaveProperty('order')
})

describe('the line names the order', () => {
  let sale: Sale
  beforeAll(async () => {
    sale = await shop.sell()
  })
  const virtual = { logisticsType: 'virtual', items: [{ itemDesc: '会员卡' }] }
  const refund = { outRefundNo: `log-${crypto.randomUUID()}`, refundFee: 1 }

  test.each([
    [
      'that is queried by its number',
      'query',
      () => call('GET', `/api/query?outTradeNo=${sale.outTradeNo}`, sale.token),
    ],
    [
      'that is queried by its payment',
      'query',
      () => call('GET', `/api/query?transactionId=${sale.transactionId}`, sale.token),
    ],
    [
      'that cannot be closed',
      'close',
      () => call('POST', '/api/close', sale.token, { outTradeNo: sale.outTradeNo }),
    ],
    [
      'that is shipped',
      'shipping',
      () =>
        call('POST', '/api/shipping', shop.merchantKey, {
          outTradeNo: sale.outTradeNo,
          ...virtual,
        }),
    ],
    [
      'that is refunded',
      'refund',
      () =>
        call('POST', '/api/refund', shop.merchantKey, { outTradeNo: sale.outTradeNo, ...refund }),
    ],
    [
      'of a queried refund',
      'refund',
      () => call('GET', `/api/refund?outRefundNo=${refund.outRefundNo}`, sale.token),
    ],
  ])('%s', async (_what, name, makeCall) => {
    expect((await makeCall()).line).toMatchObject({ function: name, order: sale.outTradeNo })
  })

  test('that is placed', async () => {
    const { answer, line } = await call('POST', '/api/orders', sale.token, {
      items: [{ sku: 'latte', quantity: 1 }],
    })
    expect(line).toMatchObject({
      function: 'orders',
      status: 201,
      order: answer.json['outTradeNo'],
    })
  })

  test('that a notification reports as paid', async () => {
    const { outTradeNo } = await shop.sell()
    expect(await logged('request')).toContainEqual(
      expect.objectContaining({ function: 'notify', order: outTradeNo, outcome: 'ok' }),
    )
  })
})

describe('a line written during a request names the request', () => {
  test('while the caller waits', async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    await shop.world.settled()
    shop.world.faults.redis.down()
    const { requestId } = await call('POST', '/api/prepay', token, { outTradeNo })
    const down = await logged('redis_down')
    expect(down).toContainEqual(
      expect.objectContaining({ level: 'warn', requestId, function: 'prepay', order: outTradeNo }),
    )
    expect(
      down.every((line) => line['requestId'] === requestId && line['function'] === 'prepay'),
    ).toBe(true)
  })

  test('after the answer, with the order of its own event', async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    await shop.pay(token, outTradeNo)
    await shop.world.settled()
    const { requestId } = await call('GET', `/api/query?outTradeNo=${outTradeNo}`, token)
    const [undelivered] = (await logged('event_not_delivered')).filter(
      (line) => line['requestId'] === requestId,
    )
    expect(undelivered).toMatchObject({
      function: 'query',
      order: outTradeNo,
      code: 'network',
      detail: expect.any(String),
      count: 1,
    })
  })

  test('while many requests run concurrently', async () => {
    const token = await shop.logIn()
    const numbers = await Promise.all(Array.from({ length: 5 }, () => shop.placeOrder(token)))
    await shop.world.settled()
    shop.world.faults.redis.down()
    const ids = await Promise.all(
      numbers.map(async (outTradeNo) => {
        const answer = await shop.call('POST', '/api/prepay', { token, body: { outTradeNo } })
        return answer.headers.get('x-request-id')
      }),
    )
    const requests = await logged('request')
    for (const [index, requestId] of ids.entries())
      expect(requests.filter((line) => line['requestId'] === requestId)).toMatchObject([
        { order: numbers[index], outcome: 'ok' },
      ])
  })
})

test('no line contains anything that was sent or answered', async () => {
  const openid = `o${crypto.randomUUID().replaceAll('-', '')}`
  const code = shop.wechat.issueCode(openid)
  const token = textOf(
    (await shop.call('POST', '/api/login', { body: { code, nickname: '一位顾客' } })).json,
    'token',
  )
  const basket = { items: [{ sku: 'latte', quantity: 1 }], attach: 'table-seventeen' }
  const outTradeNo = textOf(
    (await shop.call('POST', '/api/orders', { token, body: basket })).json,
    'outTradeNo',
  )
  const payment = await shop.prepay(token, outTradeNo)
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  await shop.call('POST', '/api/prepay', { token, body: '{"outTradeNo": "not json' })
  await shop.call('GET', `/api/query?outTradeNo=${outTradeNo}&note=in-the-address`, { token })
  await shop.world.settled()
  const text = lines.join('\n')
  const sent = [
    openid,
    code,
    token,
    '一位顾客',
    'latte',
    '拿铁',
    'table-seventeen',
    'not json',
    'in-the-address',
    '127.0.0.1',
  ]
  for (const payload of [
    ...sent,
    textOf(payment, 'package'),
    textOf(payment, 'paySign'),
    textOf(payment, 'nonceStr'),
  ])
    expect(text).not.toContain(payload)
  expect(secretsIn(shop, text)).toEqual([])
})

test.each([
  '/api/query/',
  '/api/query.ts',
  '/api/%71uery',
  '/shop/orders',
  `/api/${'x'.repeat(33)}`,
  '/api/order-%22%7D-paid',
])('the line names the function by its file, at any address: %s', async (path) => {
  const answer = await query.fetch(
    new Request(`https://shop.example${path}`, { headers: { 'x-vercel-id': 'not an id' } }),
  )
  watchAnswer('/api/query', answer.headers, await answer.text())
  const [line] = await logged('request')
  expect(line).toMatchObject({
    function: 'query',
    requestId: expect.stringMatching(/^[\da-f-]{36}$/),
  })
})

test('every function logs its own name', async () => {
  const names = globSync('api/*.ts', { cwd: resolve(import.meta.dirname, '../..') }).map((file) =>
    basename(file, '.ts'),
  )
  expect(names.length).toBeGreaterThan(10)
  for (const name of names) {
    const module = v.parse(functionModule, await import(`../../api/${name}.ts`))
    const answer = v.parse(
      v.instance(Response),
      await module.default.fetch(new Request('https://shop.example/', { method: 'PATCH' })),
    )
    watchAnswer(`/api/${name}`, answer.headers, await answer.text())
  }
  expect((await logged('request')).map((line) => line['function'])).toEqual(names)
})

test('a bug is logged with its source location and its request', async () => {
  const request = new Request('https://shop.example/api/notify', {
    method: 'POST',
    body: 'x',
    headers: { 'x-vercel-id': 'hkg1::bug' },
  })
  vi.spyOn(Request.prototype, 'body', 'get').mockImplementation(() => {
    throw new TypeError('a secret')
  })
  const answer = await notify.fetch(request)
  watchAnswer('/api/notify', answer.headers, await answer.text())
  expect(await logged('bug')).toEqual([
    {
      time: expect.any(String),
      level: 'error',
      event: 'bug',
      requestId: 'hkg1::bug',
      function: 'notify',
      detail: expect.any(String),
    },
  ])
  expect(lines.join('\n')).not.toContain('a secret')
})

test('a line has the time at which it was written', async () => {
  const first = await call('GET', '/api/products', undefined)
  shop.advance(MINUTE_MS)
  const second = await call('GET', '/api/products', undefined)
  const at = (line: Json | undefined) => Date.parse(String(line?.['time']))
  expect(at(second.line) - at(first.line)).toBe(MINUTE_MS)
})
