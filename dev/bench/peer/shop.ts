/** The handlers of the server to compare with. */
import { createHmac, createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { RedisClientType } from 'redis'
import * as v from 'valibot'
import { toBeijingDigits, toRfc3339 } from '../../../lib/core/time.ts'
import { parseBeijingDigits } from '../../../lib/wechat/v2/dates.ts'
import {
  findOrder,
  findProducts,
  markDelivered,
  markPaid,
  storeOrder,
  storeUser,
  type OrderRow,
  type PaidEvent,
} from './ledger.ts'
import type { Fields, Handler, JsonWebToken, Response, Tenpay } from './packages.ts'

const TOKEN_SECONDS = 86_400
const ORDER_LIFE_MS = 2 * 3_600_000
const PREPAY_SECONDS = 115 * 60
const LOCK_MS = 9_000
const WEBHOOK_MS = 5_000

/** As the default settings make it. */
export type Redis = RedisClientType

interface Shop {
  readonly pool: Pool
  readonly redis: Redis
  readonly tenpay: Tenpay
  readonly jwt: JsonWebToken
  readonly sessionSecret: string
  readonly miniProgram: { readonly url: string; readonly appid: string; readonly secret: string }
  /** The secret is `whsec_` and Base64. */
  readonly webhook: { readonly url: string; readonly secret: string }
  readonly notifyUrl: () => string
  /** Takes work that no answer waits for. */
  readonly waitUntil: (work: Promise<unknown>) => void
}

const loginBody = v.object({ code: v.string() })
const session = v.object({ openid: v.string() })
const line = v.object({
  sku: v.string(),
  quantity: v.pipe(v.number(), v.integer(), v.minValue(1)),
})
const basket = v.object({
  items: v.pipe(v.array(line), v.minLength(1)),
  attach: v.optional(v.string()),
})
const prepayBody = v.object({ outTradeNo: v.string() })

const refuse = (response: Response, status: number, code: string): void =>
  response.status(status).json({ code })

export function createShop(shop: Shop) {
  const { pool, redis, tenpay, jwt, miniProgram, webhook, waitUntil } = shop
  // From a text the library would make a key for every token.
  const tokenKey = createSecretKey(shop.sessionSecret, 'utf8')

  const requireUser: Handler = (request, response, next) => {
    try {
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
      const claims = jwt.verify(token, tokenKey, { algorithms: ['HS256'] })
      request.openid = v.parse(v.looseObject({ sub: v.string() }), claims).sub
    } catch {
      return refuse(response, 401, 'not_signed_in')
    }
    return next()
  }

  const exchangeCode: Handler = async (request, response, next) => {
    const query = new URLSearchParams({
      appid: miniProgram.appid,
      secret: miniProgram.secret,
      js_code: v.parse(loginBody, request.body).code,
      grant_type: 'authorization_code',
    })
    const answer = await fetch(`${miniProgram.url}/sns/jscode2session?${query.toString()}`)
    const opened = v.safeParse(session, await answer.json())
    if (!opened.success) return refuse(response, 400, 'login_code_invalid')
    request.openid = opened.output.openid
    return next()
  }
  const logIn: Handler = async ({ openid = '' }, response) => {
    await storeUser(pool, openid)
    const token = jwt.sign({}, tokenKey, { subject: openid, expiresIn: TOKEN_SECONDS })
    response.json({ token, expiresIn: TOKEN_SECONDS })
  }

  const placeOrder: Handler = async (request, response) => {
    const asked = v.safeParse(basket, request.body)
    if (!asked.success) return refuse(response, 400, 'invalid_request')
    const { items: lines, attach = null } = asked.output
    const found = await findProducts(
      pool,
      lines.map(({ sku }) => sku),
    )
    const products = new Map(found.map((product) => [product.sku, product]))
    const items = lines.flatMap(({ sku, quantity }) => {
      const product = products.get(sku)
      return product === undefined ? [] : [{ ...product, quantity }]
    })
    if (items.length < lines.length) return refuse(response, 400, 'invalid_request')
    const now = new Date(Math.floor(Date.now() / 1_000) * 1_000)
    const order = {
      out_trade_no: toBeijingDigits(now) + randomBytes(9).toString('hex'),
      openid: request.openid ?? '',
      total_fee: items.reduce((sum, { price, quantity }) => sum + price * quantity, 0),
      body: items[0]?.name ?? '',
      attach,
      items,
      client_ip: request.ip ?? '',
      notify_url: shop.notifyUrl(),
      created_at: now,
      time_expire: new Date(now.getTime() + ORDER_LIFE_MS),
    }
    await storeOrder(pool, order)
    const unpaid = { trade_state: 'NOTPAY', transaction_id: null, paid_at: null } as const
    return response.status(201).json(toView({ ...order, ...unpaid }))
  }

  const prepay: Handler = async (request, response) => {
    const { outTradeNo } = v.parse(prepayBody, request.body)
    const [order, cached] = await Promise.all([
      findOrder(pool, outTradeNo),
      redis.get(`shop:prepay:${outTradeNo}`),
    ])
    if (order === null || order.openid !== request.openid)
      return refuse(response, 404, 'order_not_found')
    if (order.trade_state !== 'NOTPAY')
      return refuse(response, 409, order.trade_state === 'SUCCESS' ? 'order_paid' : 'order_closed')
    const prepayId = cached ?? (await requestPrepayId(order))
    return response.json(tenpay.getPayParamsByPrepay({ prepay_id: prepayId }))
  }

  /** Returns false if another request holds the lock. */
  const lock = async (name: string): Promise<boolean> => {
    const expiration = { type: 'PX', value: LOCK_MS } as const
    return (await redis.set(name, '1', { condition: 'NX', expiration })) === 'OK'
  }

  async function requestPrepayId(order: OrderRow): Promise<string> {
    const name = `shop:placing:${order.out_trade_no}`
    const isLocked = await lock(name)
    const { prepay_id: prepayId = '' } = await tenpay.unifiedOrder({
      out_trade_no: order.out_trade_no,
      body: order.body,
      ...(order.attach === null ? {} : { attach: order.attach }),
      total_fee: order.total_fee,
      openid: order.openid,
      spbill_create_ip: order.client_ip,
      notify_url: order.notify_url,
      time_start: toBeijingDigits(order.created_at),
      time_expire: toBeijingDigits(order.time_expire),
    })
    const expiration = { type: 'EX', value: PREPAY_SECONDS } as const
    await redis.set(`shop:prepay:${order.out_trade_no}`, prepayId, { expiration })
    if (isLocked) await redis.del(name)
    return prepayId
  }

  const notify: Handler = async ({ weixin = {} }, response) => {
    const outTradeNo = weixin['out_trade_no'] ?? ''
    const name = `shop:notice:${outTradeNo}`
    if (!(await lock(name))) return response.reply('BUSY')
    try {
      const order = await findOrder(pool, outTradeNo)
      if (order === null || weixin['total_fee'] !== String(order.total_fee))
        return response.reply('NOT TAKEN')
      if (order.trade_state !== 'SUCCESS') await settle(order, weixin, 'notify')
      return response.reply()
    } finally {
      waitUntil(redis.del(name))
    }
  }

  const query: Handler = async (request, response) => {
    const order = await findOrder(pool, String(request.query['outTradeNo']))
    if (order === null || order.openid !== request.openid)
      return refuse(response, 404, 'order_not_found')
    if (order.trade_state !== 'NOTPAY') return response.json(toView(order))
    const answer = await tenpay.orderQuery({ out_trade_no: order.out_trade_no })
    const isPaid =
      answer['trade_state'] === 'SUCCESS' && answer['total_fee'] === String(order.total_fee)
    return response.json(toView(isPaid ? await settle(order, answer, 'query') : order))
  }

  /** The first one to settle a payment sends its event, after the answer. */
  async function settle(order: OrderRow, fields: Fields, source: string): Promise<OrderRow> {
    const paidAt = parseBeijingDigits(fields['time_end'] ?? '') ?? new Date()
    const transactionId = fields['transaction_id'] ?? ''
    const paid: OrderRow = {
      ...order,
      trade_state: 'SUCCESS',
      transaction_id: transactionId,
      paid_at: paidAt,
    }
    const payment = {
      transactionId,
      cashFee: Number(fields['cash_fee'] ?? order.total_fee),
      bankType: fields['bank_type'] ?? null,
      openid: fields['openid'] ?? null,
      paidAt,
    }
    const event = {
      id: `evt_${randomUUID().replaceAll('-', '')}`,
      type: 'order.paid',
      createdAt: new Date(),
      data: toView(paid),
    }
    if (await markPaid(pool, order, payment, source, event)) waitUntil(deliver(event))
    return paid
  }

  async function deliver({ id, type, createdAt, data }: PaidEvent): Promise<void> {
    const body = JSON.stringify({ type, timestamp: toRfc3339(createdAt), data })
    const timestamp = String(Math.floor(Date.now() / 1_000))
    const key = Buffer.from(webhook.secret.replace(/^whsec_/, ''), 'base64')
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`)
    const answer = await fetch(webhook.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${signature.digest('base64')}`,
      },
      body,
      signal: AbortSignal.timeout(WEBHOOK_MS),
    })
    await answer.arrayBuffer()
    if (answer.ok) await markDelivered(pool, id)
  }

  return { requireUser, exchangeCode, logIn, placeOrder, prepay, notify, query }
}

const toView = (order: OrderRow) => ({
  outTradeNo: order.out_trade_no,
  tradeState: order.trade_state,
  totalFee: order.total_fee,
  body: order.body,
  items: order.items,
  ...(order.attach === null ? {} : { attach: order.attach }),
  createdAt: toRfc3339(order.created_at),
  timeExpire: toRfc3339(order.time_expire),
  ...(order.transaction_id === null ? {} : { transactionId: order.transaction_id }),
  ...(order.paid_at === null ? {} : { paidAt: toRfc3339(order.paid_at) }),
})
