/** What the server to compare with does at each of its addresses. */
import { createSecretKey, randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { toBeijingDigits } from '../../lib/core/time.ts'
import {
  findOrder,
  findProducts,
  rememberUser,
  storeOrder,
  type OrderRow,
} from './load-peer-ledger.ts'
import { settle, toView, type Webhook } from './load-peer-news.ts'
import type { Handler, JsonWebToken, Pool, Redis, Tenpay } from './load-peer-packages.ts'

const TOKEN_SECONDS = 86_400
const ORDER_LIFE_MS = 2 * 3_600_000
const PREPAY_SECONDS = 115 * 60
const LOCK_MS = 9_000

export interface Shop {
  readonly pool: Pool
  readonly redis: Redis
  readonly tenpay: Tenpay
  readonly jwt: JsonWebToken
  readonly sessionSecret: string
  readonly miniProgram: { readonly url: string; readonly appid: string; readonly secret: string }
  readonly webhook: Webhook
  readonly notifyUrl: () => string
  /** Work that no answer waits for. */
  readonly later: (work: Promise<unknown>) => void
}

const loginBody = v.object({ code: v.string() })
const session = v.object({ openid: v.string() })
const basket = v.object({
  items: v.pipe(
    v.array(
      v.object({ sku: v.string(), quantity: v.pipe(v.number(), v.integer(), v.minValue(1)) }),
    ),
    v.minLength(1),
  ),
  attach: v.optional(v.string()),
})
const prepayBody = v.object({ outTradeNo: v.string() })

export function createShop(shop: Shop) {
  const { pool, redis, tenpay, jwt, miniProgram, later } = shop
  // Ready-made: from a text the library would make one for every token.
  const tokenKey = createSecretKey(shop.sessionSecret, 'utf8')

  const requireUser: Handler = (request, response, next) => {
    try {
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
      request.openid = v.parse(
        v.looseObject({ sub: v.string() }),
        jwt.verify(token, tokenKey, { algorithms: ['HS256'] }),
      ).sub
    } catch {
      response.status(401).json({ code: 'not_signed_in' })
      return
    }
    next()
  }

  const exchangeCode: Handler = async (request, response, next) => {
    const query = new URLSearchParams({
      appid: miniProgram.appid,
      secret: miniProgram.secret,
      js_code: v.parse(loginBody, request.body).code,
      grant_type: 'authorization_code',
    })
    const answer: unknown = await fetch(
      `${miniProgram.url}/sns/jscode2session?${query.toString()}`,
    ).then((found) => found.json())
    const known = v.safeParse(session, answer)
    if (!known.success) {
      response.status(400).json({ code: 'login_code_invalid' })
      return
    }
    request.openid = known.output.openid
    next()
  }
  const logIn: Handler = async ({ openid = '' }, response) => {
    await rememberUser(pool, openid)
    const token = jwt.sign({}, tokenKey, { subject: openid, expiresIn: TOKEN_SECONDS })
    response.json({ token, expiresIn: TOKEN_SECONDS })
  }

  const placeOrder: Handler = async (request, response) => {
    const asked = v.safeParse(basket, request.body)
    if (!asked.success) {
      response.status(400).json({ code: 'invalid_request' })
      return
    }
    const { items: lines, attach = null } = asked.output
    const products = new Map(
      (
        await findProducts(
          pool,
          lines.map(({ sku }) => sku),
        )
      ).map((product) => [product.sku, product]),
    )
    const items = lines.flatMap(({ sku, quantity }) => {
      const product = products.get(sku)
      return product === undefined ? [] : [{ ...product, quantity }]
    })
    if (items.length < lines.length) {
      response.status(400).json({ code: 'invalid_request' })
      return
    }
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
    response
      .status(201)
      .json(toView({ ...order, trade_state: 'NOTPAY', transaction_id: null, paid_at: null }))
  }

  const prepay: Handler = async (request, response) => {
    const { outTradeNo } = v.parse(prepayBody, request.body)
    const [order, kept] = await Promise.all([
      findOrder(pool, outTradeNo),
      redis.get(`shop:prepay:${outTradeNo}`),
    ])
    if (order === null || order.openid !== request.openid) {
      response.status(404).json({ code: 'order_not_found' })
      return
    }
    if (order.trade_state !== 'NOTPAY') {
      response
        .status(409)
        .json({ code: order.trade_state === 'SUCCESS' ? 'order_paid' : 'order_closed' })
      return
    }
    const prepayId = kept ?? (await askPrepayId(order))
    response.json(tenpay.getPayParamsByPrepay({ prepay_id: prepayId }))
  }

  async function askPrepayId(order: OrderRow): Promise<string> {
    const lock = `shop:placing:${order.out_trade_no}`
    const isFirst =
      (await redis.set(lock, '1', {
        condition: 'NX',
        expiration: { type: 'PX', value: LOCK_MS },
      })) === 'OK'
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
    await redis.set(`shop:prepay:${order.out_trade_no}`, prepayId, {
      expiration: { type: 'EX', value: PREPAY_SECONDS },
    })
    if (isFirst) await redis.del(lock)
    return prepayId
  }

  const notify: Handler = async ({ weixin = {} }, response) => {
    const outTradeNo = weixin['out_trade_no'] ?? ''
    const lock = `shop:notice:${outTradeNo}`
    if (
      (await redis.set(lock, '1', {
        condition: 'NX',
        expiration: { type: 'PX', value: LOCK_MS },
      })) !== 'OK'
    ) {
      response.reply('BUSY')
      return
    }
    try {
      const order = await findOrder(pool, outTradeNo)
      if (order === null || weixin['total_fee'] !== String(order.total_fee)) {
        response.reply('NOT TAKEN')
        return
      }
      if (order.trade_state !== 'SUCCESS') await settle(shop, order, weixin, 'notify')
      response.reply()
    } finally {
      later(redis.del(lock))
    }
  }

  const query: Handler = async (request, response) => {
    const order = await findOrder(pool, String(request.query['outTradeNo']))
    if (order === null || order.openid !== request.openid) {
      response.status(404).json({ code: 'order_not_found' })
      return
    }
    if (order.trade_state !== 'NOTPAY') {
      response.json(toView(order))
      return
    }
    const asked = await tenpay.orderQuery({ out_trade_no: order.out_trade_no })
    const isPaid =
      asked['trade_state'] === 'SUCCESS' && asked['total_fee'] === String(order.total_fee)
    response.json(toView(isPaid ? await settle(shop, order, asked, 'query') : order))
  }

  return { requireUser, exchangeCode, logIn, placeOrder, prepay, notify, query }
}
