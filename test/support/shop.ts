/**
 * Opens a shop in a new world: the functions over real HTTP with their unmodified clients, and a
 * WeChat simulator that is as strict as the real one. The stores are embedded, unless
 * `TEST_DATABASE_URL` and `TEST_REDIS_URL` name real servers.
 */
import { vi } from 'vitest'
import { startWorld, type World, type WorldOptions } from '../../dev/world/world.ts'
import type { LoggedMessage } from '../../dev/wechat/message-log.ts'
import type { Simulator } from '../../dev/wechat/simulator.ts'
import { checkAnswer, checkEvent } from './contract.ts'
import { borrowStore } from './embedded.ts'
import type { Message } from './messages/message.ts'
import { inMode } from './mode.ts'
import { learnSecret, watchAnswer } from './secrets.ts'

/** Parsed JSON whose fields are not checked yet. */
export type Json = Readonly<Record<string, unknown>>

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The parsed body; an empty object if the body is not JSON. */
  readonly json: Json
}

export interface CallOptions {
  readonly token?: string | undefined
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

export interface Shop {
  readonly world: World
  readonly wechat: Simulator
  readonly merchantKey: string
  readonly cronSecret: string
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  /** Logs in and returns a token. The payer is new unless `openid` is given. */
  logIn(openid?: string): Promise<string>
  /** Places an order for one latte (2800 fen) and returns its number. */
  placeOrder(token: string, headers?: Record<string, string>): Promise<string>
  prepay(token: string, outTradeNo: string): Promise<Json>
  /** Prepays and pays. The notification is due, and not sent yet. */
  pay(token: string, outTradeNo: string): Promise<void>
  query(token: string, outTradeNo: string): Promise<Json>
  /** Returns a new order that is paid and settled. */
  sell(): Promise<Sale>
  cron(): Promise<Json>
  /**
   * Sends the due notifications and waits for the background work. Returns the number of
   * notifications.
   */
  deliverNotifications(): Promise<number>
  /**
   * Sends a message, or raw bytes without the headers of APIv3, to the notify function. Returns its
   * acknowledgement.
   */
  notify(
    message: Message | string | Uint8Array,
  ): Promise<{ status: number; code: string; text: string }>
  /** Counts the calls of a WeChat path since the shop opened. */
  countCalls(path: string): number
  /** The calls of WeChat for one job, oldest first. `about` is a text in the request. */
  calls(job: Job, about?: string): readonly LoggedMessage[]
  /** Moves every clock forward. */
  advance(ms: number): void
  /** The shipping reports about a payment that WeChat received, oldest first. */
  uploads(transactionId: string): readonly Json[]
  /** Sends one command directly to Redis. */
  redis(...command: readonly string[]): Promise<unknown>
  /** Queries the database directly. */
  sql(text: string, params?: readonly unknown[]): Promise<readonly Json[]>
  close(): Promise<void>
}

/** The job of a call to WeChat, and what its method and URL look like. */
const jobs = {
  prepay: /\/pay\/unifiedorder$|\/pay\/transactions\/jsapi$/,
  query: /\/pay\/orderquery$|^GET \S*\/pay\/transactions\//,
  close: /\/pay\/closeorder$|\/close$/,
  refund: /\/secapi\/pay\/refund$|^POST \S*\/domestic\/refunds$/,
  'query refund': /\/pay\/refundquery$|^GET \S*\/domestic\/refunds\//,
  bill: /\/pay\/downloadbill$|\/bill\/tradebill\?/,
} as const
export type Job = keyof typeof jobs

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

/** The arguments of `wx.requestPayment`. */
export const toPayment = (json: Json): Parameters<Simulator['pay']>[0] => ({
  appId: textOf(json, 'appId'),
  timeStamp: textOf(json, 'timeStamp'),
  nonceStr: textOf(json, 'nonceStr'),
  package: textOf(json, 'package'),
  signType: textOf(json, 'signType'),
  paySign: textOf(json, 'paySign'),
})

/**
 * On a real Redis each worker has its own database, so that test files do not see each other's
 * keys.
 */
function ownRedis(): string | undefined {
  const server = process.env['TEST_REDIS_URL']
  return server === undefined
    ? undefined
    : new URL(`/${process.env['VITEST_POOL_ID'] ?? '1'}`, server).href
}

export async function openShop(
  env: Record<string, string> = {},
  options: Pick<WorldOptions, 'isWatched'> = {},
): Promise<Shop> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  const world = await startWorld({
    ...(await borrowStore()),
    ...inMode({ WECHAT_VIRTUAL_GOODS_ALLOWED: '1', ...env }),
    ...options,
    redisUrl: ownRedis(),
  })
  const wechat = world.simulator
  if (wechat === undefined) throw new Error('the world has no WeChat simulator')
  // Only a test sends notifications.
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
    const isMerchant =
      token === merchantKey || headers?.['authorization'] === `Bearer ${merchantKey}`
    watchAnswer(path, response.headers, text, isMerchant ? 'merchant' : 'payer')
    const { pathname } = new URL(path, world.url)
    if (world.functions.includes(pathname) || pathname.startsWith('/api/console/'))
      await checkAnswer({
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
    async notify(message) {
      const isRaw = typeof message === 'string' || message instanceof Uint8Array
      const { status, text, json } = await call(
        'POST',
        '/api/notify',
        isRaw ? { body: message, headers: { 'content-type': 'text/xml' } } : message,
      )
      const inXml = /<return_code><!\[CDATA\[(\w+)\]\]>/.exec(text)?.[1]
      const inJson = typeof json['code'] === 'string' ? json['code'] : ''
      return { status, text, code: inXml ?? inJson }
    },
    calls: (job, about = '') =>
      wechat.messageLog.filter(
        ({ direction, method, url, request }) =>
          direction === 'in' &&
          jobs[job].test(`${method} ${url}`) &&
          `${url} ${request}`.includes(about),
      ),
    countCalls: (path) =>
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
          /"(session_key|access_token|openid|phoneNumber)":"([^"]+)"/g,
        ))
          learnSecret(name, value)
      vi.useRealTimers()
    },
  }
  // A real Redis may hold the access token and the platform certificates of an earlier simulator,
  // which this one does not know. All other keys contain an order number.
  await shop.redis('DEL', ACCESS_TOKEN)
  await shop.redis('DEL', `wxpay:certificates:${world.env.WECHAT_MCH_ID}`)
  await expectOk(
    call('PUT', '/api/products', { token: merchantKey, body: { products: [LATTE, COOKIE] } }),
  )
  return shop
}
