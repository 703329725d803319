/**
 * A shop in a world of its own: the functions over real HTTP, the unmodified clients behind them,
 * and a WeChat that is as strict as the real one. Embedded stand-ins, or real servers when
 * `TEST_DATABASE_URL` and `TEST_REDIS_URL` name them.
 */
import { vi } from 'vitest'
import { startWorld, type World } from '../../dev/world/world.ts'
import type { Simulator } from '../../dev/wechat/simulator.ts'
import { checkAnswer, checkEvent } from './contract.ts'
import { borrowStore } from './embedded.ts'
import { learnSecret, watchAnswer } from './secrets.ts'

/** Nothing is known about an answer until a test says what it expects. */
export type Json = Readonly<Record<string, unknown>>

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The parsed body; an empty object when it is no JSON. */
  readonly json: Json
}

export interface Ask {
  readonly token?: string | undefined
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

export interface Shop {
  readonly world: World
  readonly wechat: Simulator
  readonly merchantKey: string
  readonly cronSecret: string
  call(method: string, path: string, ask?: Ask): Promise<Answer>
  /** A token for a payer; a new one unless named. */
  logIn(openid?: string): Promise<string>
  /** A payer's order for one latte (2800 fen). */
  placeOrder(token: string, headers?: Record<string, string>): Promise<string>
  prepay(token: string, outTradeNo: string): Promise<Json>
  /** Prepays and pays; the notification is due and not yet sent. */
  pay(token: string, outTradeNo: string): Promise<void>
  query(token: string, outTradeNo: string): Promise<Json>
  /** A payer's order that is paid and settled; nothing is left to be done for it but to ship it. */
  sell(): Promise<Sale>
  cron(): Promise<Json>
  /**
   * Sends what is due and waits for the work behind the answers; returns how many notifications
   * were sent.
   */
  deliverNotifications(): Promise<number>
  /** Sends raw bytes to the notify function; returns what it acknowledged with. */
  notify(body: string | Uint8Array): Promise<{ status: number; code: string; text: string }>
  /** How often WeChat was asked for a path since the shop opened. */
  asked(path: string): number
  /** Moves every clock there is. */
  advance(ms: number): void
  /** Shipping reports that reached WeChat for a payment, oldest first. */
  uploads(transactionId: string): readonly Json[]
  /** Sends one command to Redis, past the functions. */
  redis(...command: readonly string[]): Promise<unknown>
  /** Rows of the ledger, straight from the database. */
  sql(text: string, params?: readonly unknown[]): Promise<readonly Json[]>
  close(): Promise<void>
}

export interface Sale {
  readonly token: string
  readonly outTradeNo: string
  readonly transactionId: string
}

/** The local world's access token in Redis. */
export const ACCESS_TOKEN = 'wxpay:access-token:wx00000000demo0001'

const LATTE = { sku: 'latte', name: '拿铁', price: 2800 }
export const COOKIE = { sku: 'cookie', name: '曲奇', price: 900 }

export function textOf(json: Json, field: string): string {
  const value = json[field]
  if (typeof value !== 'string') throw new Error(`no ${field} in ${JSON.stringify(json)}`)
  return value
}

/** What the phone hands to `wx.requestPayment`. */
export const toPayment = (json: Json): Parameters<Simulator['pay']>[0] => ({
  appId: textOf(json, 'appId'),
  timeStamp: textOf(json, 'timeStamp'),
  nonceStr: textOf(json, 'nonceStr'),
  package: textOf(json, 'package'),
  signType: textOf(json, 'signType'),
  paySign: textOf(json, 'paySign'),
})

/**
 * What another file leaves in a real Redis is no business of this one: each worker has a database
 * of its own there.
 */
function ownRedis(): string | undefined {
  const server = process.env['TEST_REDIS_URL']
  return server === undefined
    ? undefined
    : new URL(`/${process.env['VITEST_POOL_ID'] ?? '1'}`, server).href
}

export async function openShop(env: Record<string, string> = {}): Promise<Shop> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  const world = await startWorld({ ...(await borrowStore()), env, redisUrl: ownRedis() })
  const wechat = world.simulator
  if (wechat === undefined) throw new Error('the world has no WeChat simulator')
  // Notifications go out when a test says so, and never by themselves in between.
  await wechat.stop()
  const merchantKey = world.env.MERCHANT_API_KEY
  const cronSecret = world.env.CRON_SECRET
  const { connect } = await import('../../lib/stores/neon.ts')
  const sql = connect(world.env['DATABASE_URL'] ?? '', world.env['NEON_HTTP_ENDPOINT'])

  const call: Shop['call'] = async (method, path, { token, body, headers } = {}) => {
    const raw = typeof body === 'string' || body instanceof Uint8Array ? body : null
    const response = await fetch(world.url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined || raw !== null ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ?? JSON.stringify(body) }),
    })
    const text = await response.text()
    watchAnswer(path, response.headers, text)
    const { pathname } = new URL(path, world.url)
    if (world.functions.includes(pathname))
      checkAnswer({
        method,
        path: pathname,
        status: response.status,
        headers: response.headers,
        text,
      })
    let json: Json = {}
    try {
      json = JSON.parse(text)
    } catch {}
    return { status: response.status, headers: response.headers, text, json }
  }
  const expectOk = async (answering: Promise<Answer>): Promise<Json> => {
    const answer = await answering
    if (answer.status >= 300) throw new Error(`${answer.status} ${answer.text}`)
    return answer.json
  }
  const shop: Shop = {
    world,
    wechat,
    merchantKey,
    cronSecret,
    call,
    logIn: async (openid) =>
      textOf(
        await expectOk(call('POST', '/api/login', { body: { code: wechat.issueCode(openid) } })),
        'token',
      ),
    placeOrder: async (token, headers = {}) =>
      textOf(
        await expectOk(
          call('POST', '/api/orders', {
            token,
            headers,
            body: { items: [{ sku: 'latte', quantity: 1 }] },
          }),
        ),
        'outTradeNo',
      ),
    prepay: (token, outTradeNo) =>
      expectOk(call('POST', '/api/prepay', { token, body: { outTradeNo } })),
    async pay(token, outTradeNo) {
      const outcome = wechat.pay(toPayment(await shop.prepay(token, outTradeNo)))
      if (outcome.errMsg !== 'requestPayment:ok') throw new Error(outcome.errMsg)
    },
    query: (token, outTradeNo) =>
      expectOk(call('GET', `/api/query?outTradeNo=${encodeURIComponent(outTradeNo)}`, { token })),
    async sell() {
      const token = await shop.logIn()
      const outTradeNo = await shop.placeOrder(token)
      await shop.pay(token, outTradeNo)
      await shop.deliverNotifications()
      const transactionId = textOf(await shop.query(token, outTradeNo), 'transactionId')
      await world.settled()
      return { token, outTradeNo, transactionId }
    },
    async cron() {
      const done = await expectOk(call('GET', '/api/cron', { token: cronSecret }))
      await world.settled()
      return done
    },
    async deliverNotifications() {
      const sent = await wechat.tick()
      await world.settled()
      return sent
    },
    async notify(body) {
      const { status, text } = await call('POST', '/api/notify', {
        body,
        headers: { 'content-type': 'text/xml' },
      })
      return { status, text, code: /<return_code><!\[CDATA\[(\w+)\]\]>/.exec(text)?.[1] ?? '' }
    },
    asked: (path) =>
      wechat.messageLog.filter(
        (message) => message.direction === 'in' && message.url.includes(path),
      ).length,
    uploads: (transactionId) =>
      wechat.messageLog
        .filter(
          ({ url, request }) =>
            url.includes('/upload_shipping_info') && request.includes(`"${transactionId}"`),
        )
        .map(({ request }) => {
          const json: Json = JSON.parse(request)
          return json
        }),
    async redis(...command) {
      const headers = { authorization: `Bearer ${world.env['UPSTASH_REDIS_REST_TOKEN'] ?? ''}` }
      const response = await fetch(`${world.url}/stand-ins/upstash`, {
        method: 'POST',
        headers,
        body: JSON.stringify(command),
      })
      const answer: Json = JSON.parse(await response.text())
      return answer['result']
    },
    advance: (ms) => void vi.setSystemTime(Date.now() + ms),
    sql: (text, params = []) => sql.query(text, params),
    async close() {
      await world.stop()
      world.events.forEach(checkEvent)
      for (const { response } of wechat.messageLog)
        for (const [, name = '', value = ''] of (response ?? '').matchAll(
          /"(session_key|access_token|openid)":"([^"]+)"/g,
        ))
          learnSecret(name, value)
      vi.useRealTimers()
    },
  }
  // Everything else is kept under an order's own number; the token of an earlier run's WeChat would
  // be refused by this one.
  await shop.redis('DEL', ACCESS_TOKEN, `${ACCESS_TOKEN}:lock`)
  await expectOk(
    call('PUT', '/api/products', { token: merchantKey, body: { products: [LATTE, COOKIE] } }),
  )
  return shop
}
