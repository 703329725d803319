/**
 * Delivery through QStash: the unmodified client of Upstash calls a stand-in for QStash's publish
 * API.
 */
import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createDelayedCalls, createQstash } from '../../lib/webhook/qstash.ts'
import { createWebhook } from '../../lib/webhook/webhook.ts'
import type { StoredEvent } from '../../lib/ports.ts'
import { createInstance } from '../../lib/composition.ts'
import { complain, openComplainedShop } from '../support/complaints.ts'
import { textOf, type Shop } from '../support/shop.ts'

const TOKEN = 'qstash-token-of-this-shop'

interface Received {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

type Mode = 'accepts' | 'accepts-without-answer' | 'stalls' | 401 | 429 | 500

const qstash = {
  mode: 'accepts' as Mode,
  /** Every request to QStash. */
  received: [] as Received[],
  /** The requests that QStash accepted and will deliver, by deduplication id. */
  accepted: new Map<string, Received>(),
  /** Requests sent directly to the merchant. */
  direct: [] as Received[],
}

const server = createServer((request, response) => void receive(request, response))

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const received = { url: request.url ?? '', headers: request.headers, body: await text(request) }
  if (!received.url.startsWith('/qstash/v2/publish/')) {
    qstash.direct.push(received)
    response.writeHead(204).end()
    return
  }
  qstash.received.push(received)
  const { mode } = qstash
  if (mode === 'stalls') return
  if (typeof mode === 'number') {
    response
      .writeHead(mode, { 'content-type': 'application/json' })
      .end(JSON.stringify({ error: 'no' }))
    return
  }
  const id = String(received.headers['upstash-deduplication-id'])
  const deduplicated = qstash.accepted.has(id)
  if (!deduplicated) qstash.accepted.set(id, received)
  if (mode === 'accepts-without-answer') request.socket.destroy()
  else
    response
      .writeHead(201, { 'content-type': 'application/json' })
      .end(JSON.stringify({ messageId: `msg_${id}`, deduplicated }))
}

let shop: Shop
let base: string
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  shop = await openComplainedShop({
    ORDER_WEBHOOK_URL: `${base}/merchant/hook`,
    QSTASH_TOKEN: TOKEN,
    QSTASH_URL: `${base}/qstash`,
  })
})
beforeEach(() => {
  qstash.mode = 'accepts'
  qstash.received.length = 0
  qstash.accepted.clear()
  qstash.direct.length = 0
})
afterEach(() => shop.world.settled())
afterAll(async () => {
  await shop.close()
  vi.unstubAllEnvs()
  server.closeAllConnections()
  server.close()
})

/** The example secret of the Standard Webhooks specification. */
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const clock = { now: () => new Date() }
const event: StoredEvent = {
  id: 'evt_0123456789abcdef0123456789abcdef',
  type: 'order.closed',
  createdAt: new Date('2025-01-01T19:05:01Z'),
  data: {
    outTradeNo: '20250102030405000000000000000001',
    tradeState: 'CLOSED',
    totalFee: 101,
    body: '拿铁，大杯',
    createdAt: '2025-01-02T03:04:05+08:00',
    timeExpire: '2025-01-02T05:04:05+08:00',
    openid: 'oDemo000000000000000000User1',
  },
}
const settings = () => ({
  url: `${base}/merchant/hook`,
  secret: SECRET,
  token: TOKEN,
  baseUrl: `${base}/qstash`,
})

/** The headers that QStash forwards to the merchant. */
const forwarded = ({ headers }: Received): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith('upstash-forward-'))
      .map(([name, value]) => [name.slice('upstash-forward-'.length), String(value)]),
  )

const eventOf = async (outTradeNo: string) =>
  (
    await shop.sql(
      'select id, delivered_at is null as waits, next_attempt_at from events where out_trade_no = $1',
      [outTradeNo],
    )
  )[0]

/** Lets cron retry after the backoff of the event. */
async function retryAfterBackoff(): Promise<void> {
  shop.advance(60_000)
  await shop.cron()
}

test('QStash gets the merchant’s address, our token and the id of the event', async () => {
  expect(await createQstash(settings(), clock).deliver(event)).toEqual({ ok: true, value: null })
  expect(qstash.received).toHaveLength(1)
  expect(qstash.received[0]?.url).toBe(`/qstash/v2/publish/${base}/merchant/hook`)
  expect(qstash.received[0]?.headers).toMatchObject({
    authorization: 'Bearer qstash-token-of-this-shop',
    'content-type': 'application/json',
    'upstash-method': 'POST',
    'upstash-deduplication-id': 'evt_0123456789abcdef0123456789abcdef',
  })
})

test('payload and signature are the same as in direct delivery, and the signature is valid', async () => {
  await createQstash(settings(), clock).deliver(event)
  await createWebhook(settings(), clock).deliver(event)
  const [published] = qstash.received
  const [direct] = qstash.direct
  if (published === undefined || direct === undefined) throw new Error('a delivery is missing')
  expect(published.body).toBe(direct.body)
  expect(published.body).toBe(
    '{"type":"order.closed","timestamp":"2025-01-02T03:05:01+08:00","data":{"outTradeNo":"20250102030405000000000000000001",' +
      '"tradeState":"CLOSED","totalFee":101,"body":"拿铁，大杯","createdAt":"2025-01-02T03:04:05+08:00","timeExpire":"2025-01-02T05:04:05+08:00",' +
      '"openid":"oDemo000000000000000000User1"}}',
  )
  expect(direct.headers).toMatchObject(forwarded(published))
  expect(Object.keys(forwarded(published)).toSorted()).toEqual([
    'webhook-id',
    'webhook-signature',
    'webhook-timestamp',
  ])
  expect(new Webhook(SECRET).verify(published.body, forwarded(published))).toMatchObject({
    type: 'order.closed',
    data: { totalFee: 101 },
  })
})

test('the event of a payment goes to QStash once, and is not also sent directly', async () => {
  const { outTradeNo } = await shop.sell()
  await retryAfterBackoff()
  expect(qstash.received).toHaveLength(1)
  expect(qstash.direct).toEqual([])
  const [published] = qstash.received
  const body = new Webhook(textOf(shop.world.env, 'ORDER_WEBHOOK_SECRET')).verify(
    published?.body ?? '',
    forwarded(published ?? { url: '', headers: {}, body: '' }),
  )
  expect(body).toMatchObject({ type: 'order.paid', data: { outTradeNo, tradeState: 'SUCCESS' } })
  expect(await eventOf(outTradeNo)).toMatchObject({
    id: published?.headers['upstash-deduplication-id'],
    waits: false,
  })
})

test.each([401, 429, 500] as const)(
  'an event that QStash refuses with %i is kept and published later',
  async (mode) => {
    qstash.mode = mode
    const { outTradeNo } = await shop.sell()
    expect(qstash.received).toHaveLength(1)
    expect(await eventOf(outTradeNo)).toMatchObject({
      waits: true,
      next_attempt_at: expect.any(Date),
    })
    qstash.mode = 'accepts'
    await retryAfterBackoff()
    expect(await eventOf(outTradeNo)).toMatchObject({ waits: false })
    expect([...qstash.accepted.keys()]).toEqual([(await eventOf(outTradeNo))?.['id']])
  },
)

test.each([
  [401, 'qstash_401'],
  [429, 'qstash_429'],
  [500, 'qstash_500'],
  ['accepts-without-answer', 'qstash_network'],
] as const)('the log names why QStash did not accept an event: %s', async (mode, code) => {
  qstash.mode = mode
  expect(await createQstash(settings(), clock).deliver(event)).toEqual({
    ok: false,
    error: { code, isFinal: false, retryAfterMs: 0 },
  })
})

test('the log names that QStash does not answer or cannot be reached', async () => {
  qstash.mode = 'stalls'
  expect(await createQstash(settings(), clock).deliver(event)).toMatchObject({
    ok: false,
    error: { code: 'qstash_timeout' },
  })
  const nowhere = createQstash({ ...settings(), baseUrl: 'http://qstash.invalid' }, clock)
  expect(await nowhere.deliver(event)).toMatchObject({ ok: false, error: { code: 'qstash_dns' } })
})

test('a QStash that never answers delays no payment, and the event is published later', async () => {
  qstash.mode = 'stalls'
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  await shop.wechat.tick()
  expect(await shop.query(token, outTradeNo)).toMatchObject({ tradeState: 'SUCCESS' })
  await expect.poll(() => qstash.received.length).toBe(1)
  await shop.world.settled()
  expect(await eventOf(outTradeNo)).toMatchObject({ waits: true })
  qstash.mode = 'accepts'
  await retryAfterBackoff()
  expect(await eventOf(outTradeNo)).toMatchObject({ waits: false })
  expect(qstash.accepted.size).toBe(1)
})

test('an event whose acceptance was lost is published again with the same id, and delivered once', async () => {
  qstash.mode = 'accepts-without-answer'
  const { outTradeNo } = await shop.sell()
  expect(await eventOf(outTradeNo)).toMatchObject({ waits: true })
  qstash.mode = 'accepts'
  await retryAfterBackoff()
  const id = (await eventOf(outTradeNo))?.['id']
  expect(qstash.received.map(({ headers }) => headers['upstash-deduplication-id'])).toEqual([
    id,
    id,
  ])
  expect(qstash.accepted.size).toBe(1)
})

test('three simultaneous cron runs publish an event once', async () => {
  qstash.mode = 500
  await shop.sell()
  qstash.mode = 'accepts'
  qstash.received.length = 0
  shop.advance(60_000)
  await Promise.all([shop.cron(), shop.cron(), shop.cron()])
  expect(qstash.received).toHaveLength(1)
})

test('no log line contains QStash’s token, whatever QStash answers', async () => {
  const logs = (['log', 'error', 'warn', 'info'] as const).map((name) => vi.spyOn(console, name))
  for (const mode of [401, 429, 500] as const) {
    qstash.mode = mode
    await shop.sell()
  }
  const lines = logs.flatMap((log) => log.mock.calls.map(String))
  for (const log of logs) log.mockRestore()
  expect(lines.some((line) => line.includes('event_not_delivered'))).toBe(true)
  expect(lines.filter((line) => line.includes(TOKEN) || line.includes('Bearer'))).toEqual([])
})

test('an invalid address of QStash is refused with the name of its variable', () => {
  const deps = createInstance({
    ...shop.world.env,
    QSTASH_TOKEN: TOKEN,
    QSTASH_URL: 'qstash.example',
  }).deps
  expect(() => deps.webhook).toThrow('QSTASH_URL lacks https://')
})

test('a complaint has cron called four hours before each of its deadlines', async () => {
  const { complaintId } = await complain(shop)
  await shop.deliverNotifications()
  const calls = qstash.received.filter(({ url }) => url.endsWith('/api/cron'))
  const complainedAt = shop.wechat.complaints().at(-1)?.createdAt ?? 0
  const inSeconds = (hours: number) => String(Math.floor(complainedAt / 1000) + hours * 3_600)
  expect(calls.map(({ headers }) => headers)).toMatchObject([
    {
      'upstash-method': 'GET',
      'upstash-not-before': inSeconds(20),
      'upstash-forward-authorization': `Bearer ${shop.cronSecret}`,
      'upstash-deduplication-id': `complaint-${complaintId}-reply`,
    },
    { 'upstash-not-before': inSeconds(68) },
  ])
  const [call] = calls
  if (call === undefined) throw new Error('no call')
  shop.advance(20 * 3_600_000)
  const { pathname } = new URL(call.url.slice('/qstash/v2/publish/'.length))
  const forward = forwarded(call)['authorization'] ?? ''
  await shop.call('GET', pathname, { headers: { authorization: forward } })
  await shop.world.settled()
  const told = await shop.sql(`select data from events where type = 'complaint.overdue'`)
  expect(told).toMatchObject([{ data: { complaintId, task: 'reply' } }])
})

test('a complaint is reported even if QStash does not accept the calls', async () => {
  qstash.mode = 500
  const { complaintId } = await complain(shop)
  await shop.deliverNotifications()
  const [told] = await shop.sql(
    `select data from events where type = 'complaint.created' and data->>'complaintId' = $1`,
    [complaintId],
  )
  expect(told).toBeDefined()
})

test('no call is scheduled without CRON_SECRET, which cron would refuse', async () => {
  const cron = () => ({ url: `${base}/api/cron`, secret: null })
  const calls = createDelayedCalls({ token: TOKEN, baseUrl: `${base}/qstash` }, cron)
  expect(await calls.schedule('complaint-1-reply', new Date())).toBe('no_cron_secret')
  expect(qstash.received).toEqual([])
})
