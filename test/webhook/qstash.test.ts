/** Against a stand-in for QStash's publish API, which the unmodified client of Upstash speaks to. */
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
import { createQstash } from '../../lib/webhook/qstash.ts'
import { createWebhook } from '../../lib/webhook/webhook.ts'
import type { StoredEvent } from '../../lib/ports.ts'
import { createDeps } from '../../lib/composition.ts'
import { openShop, textOf, type Shop } from '../support/shop.ts'

const TOKEN = 'qstash-token-of-this-shop'

interface Received {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

type Mode = 'takes' | 'takes-unheard' | 'stalls' | 401 | 429 | 500

const qstash = {
  mode: 'takes' as Mode,
  /** Everything that came, whatever became of it. */
  received: [] as Received[],
  /** What QStash took and will deliver: each deduplication id once. */
  taken: new Map<string, Received>(),
  /** What came past QStash, straight to the merchant. */
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
  const deduplicated = qstash.taken.has(id)
  if (!deduplicated) qstash.taken.set(id, received)
  if (mode === 'takes-unheard') request.socket.destroy()
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
  shop = await openShop({
    ORDER_WEBHOOK_URL: `${base}/merchant/hook`,
    QSTASH_TOKEN: TOKEN,
    QSTASH_URL: `${base}/qstash`,
  })
})
beforeEach(() => {
  qstash.mode = 'takes'
  qstash.received.length = 0
  qstash.taken.clear()
  qstash.direct.length = 0
})
afterEach(() => shop.world.settled())
afterAll(async () => {
  await shop.close()
  vi.unstubAllEnvs()
  server.closeAllConnections()
  server.close()
})

/** The secret of the Standard Webhooks specification's own example. */
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
  },
}
const settings = () => ({
  url: `${base}/merchant/hook`,
  secret: SECRET,
  token: TOKEN,
  baseUrl: `${base}/qstash`,
})

/** The headers QStash will send on to the merchant. */
const forwarded = ({ headers }: Received): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith('upstash-forward-'))
      .map(([name, value]) => [name.slice('upstash-forward-'.length), String(value)]),
  )

const waiting = async (outTradeNo: string) =>
  (
    await shop.sql(
      'select id, delivered_at is null as waits, next_attempt_at from events where out_trade_no = $1',
      [outTradeNo],
    )
  )[0]

/** Tells the merchant again once the pause of its event is over. */
async function afterThePause(): Promise<void> {
  shop.advance(60_000)
  await shop.cron()
}

test('QStash is asked to post to the merchant’s address, by our token, each event under its own id', async () => {
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

test('payload and signature are those of direct delivery, and verify', async () => {
  await createQstash(settings(), clock).deliver(event)
  await createWebhook(settings(), clock).deliver(event)
  const [handed] = qstash.received
  const [direct] = qstash.direct
  if (handed === undefined || direct === undefined) throw new Error('nothing came')
  expect(handed.body).toBe(direct.body)
  expect(handed.body).toBe(
    '{"type":"order.closed","timestamp":"2025-01-02T03:05:01+08:00","data":{"outTradeNo":"20250102030405000000000000000001",' +
      '"tradeState":"CLOSED","totalFee":101,"body":"拿铁，大杯","createdAt":"2025-01-02T03:04:05+08:00","timeExpire":"2025-01-02T05:04:05+08:00"}}',
  )
  expect(direct.headers).toMatchObject(forwarded(handed))
  expect(Object.keys(forwarded(handed)).toSorted()).toEqual([
    'webhook-id',
    'webhook-signature',
    'webhook-timestamp',
  ])
  expect(new Webhook(SECRET).verify(handed.body, forwarded(handed))).toMatchObject({
    type: 'order.closed',
    data: { totalFee: 101 },
  })
})

test('a payment’s event is handed to QStash once, and the merchant is not told by us as well', async () => {
  const { outTradeNo } = await shop.sell()
  await afterThePause()
  expect(qstash.received).toHaveLength(1)
  expect(qstash.direct).toEqual([])
  const [handed] = qstash.received
  const body = new Webhook(textOf(shop.world.env, 'ORDER_WEBHOOK_SECRET')).verify(
    handed?.body ?? '',
    forwarded(handed ?? { url: '', headers: {}, body: '' }),
  )
  expect(body).toMatchObject({ type: 'order.paid', data: { outTradeNo, tradeState: 'SUCCESS' } })
  expect(await waiting(outTradeNo)).toMatchObject({
    id: handed?.headers['upstash-deduplication-id'],
    waits: false,
  })
})

test.each([401, 429, 500] as const)(
  'QStash refuses (%i): the event is kept, and handed over when it takes it',
  async (mode) => {
    qstash.mode = mode
    const { outTradeNo } = await shop.sell()
    expect(qstash.received).toHaveLength(1)
    expect(await waiting(outTradeNo)).toMatchObject({
      waits: true,
      next_attempt_at: expect.any(Date),
    })
    qstash.mode = 'takes'
    await afterThePause()
    expect(await waiting(outTradeNo)).toMatchObject({ waits: false })
    expect([...qstash.taken.keys()]).toEqual([(await waiting(outTradeNo))?.['id']])
  },
)

test.each([
  [401, 'qstash_401'],
  [429, 'qstash_429'],
  [500, 'qstash_500'],
  ['takes-unheard', 'qstash_network'],
] as const)('the log names why QStash did not accept an event: %s', async (mode, code) => {
  qstash.mode = mode
  expect(await createQstash(settings(), clock).deliver(event)).toEqual({
    ok: false,
    error: { code, isFinal: false, retryAfterMs: 0 },
  })
})

test('the log says that QStash does not answer or cannot be reached', async () => {
  qstash.mode = 'stalls'
  expect(await createQstash(settings(), clock).deliver(event)).toMatchObject({
    ok: false,
    error: { code: 'qstash_timeout' },
  })
  const nowhere = createQstash({ ...settings(), baseUrl: 'http://qstash.invalid' }, clock)
  expect(await nowhere.deliver(event)).toMatchObject({ ok: false, error: { code: 'qstash_dns' } })
})

test('QStash never answers: no payment waits for it, and the event is handed over later', async () => {
  qstash.mode = 'stalls'
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  await shop.wechat.tick()
  expect(await shop.query(token, outTradeNo)).toMatchObject({ tradeState: 'SUCCESS' })
  await expect.poll(() => qstash.received.length).toBe(1)
  await shop.world.settled()
  expect(await waiting(outTradeNo)).toMatchObject({ waits: true })
  qstash.mode = 'takes'
  await afterThePause()
  expect(await waiting(outTradeNo)).toMatchObject({ waits: false })
  expect(qstash.taken.size).toBe(1)
})

test('QStash took it and we did not hear: it is handed over again under the same id, and delivered once', async () => {
  qstash.mode = 'takes-unheard'
  const { outTradeNo } = await shop.sell()
  expect(await waiting(outTradeNo)).toMatchObject({ waits: true })
  qstash.mode = 'takes'
  await afterThePause()
  const id = (await waiting(outTradeNo))?.['id']
  expect(qstash.received.map(({ headers }) => headers['upstash-deduplication-id'])).toEqual([
    id,
    id,
  ])
  expect(qstash.taken.size).toBe(1)
})

test('three crons at once hand an event over once', async () => {
  qstash.mode = 500
  await shop.sell()
  qstash.mode = 'takes'
  qstash.received.length = 0
  shop.advance(60_000)
  await Promise.all([shop.cron(), shop.cron(), shop.cron()])
  expect(qstash.received).toHaveLength(1)
})

test('QStash’s token is in no log line, whatever QStash says', async () => {
  const logs = (['log', 'error', 'warn', 'info'] as const).map((name) => vi.spyOn(console, name))
  for (const mode of [401, 429, 500] as const) {
    qstash.mode = mode
    await shop.sell()
  }
  const said = logs.flatMap((log) => log.mock.calls.map(String))
  for (const log of logs) log.mockRestore()
  expect(said.some((line) => line.includes('event_not_delivered'))).toBe(true)
  expect(said.filter((line) => line.includes(TOKEN) || line.includes('Bearer'))).toEqual([])
})

test('an address for QStash that is none is named', () => {
  const deps = createDeps({ ...shop.world.env, QSTASH_TOKEN: TOKEN, QSTASH_URL: 'qstash.example' })
  expect(() => deps.webhook).toThrow('QSTASH_URL lacks https://')
})
