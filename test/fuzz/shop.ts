/** Opens a shop in a local world. The test calls its functions in process, as the platform does. */
import * as v from 'valibot'
import close from '../../api/close.ts'
import consoleFunction from '../../api/console.ts'
import cron from '../../api/cron.ts'
import health from '../../api/health.ts'
import login from '../../api/login.ts'
import notify from '../../api/notify.ts'
import orders from '../../api/orders.ts'
import prepay from '../../api/prepay.ts'
import products from '../../api/products.ts'
import query from '../../api/query.ts'
import refund from '../../api/refund.ts'
import shipping from '../../api/shipping.ts'
import { demoV3Values } from '../../dev/world/demo-values.ts'
import { startWorld, type World } from '../../dev/world/world.ts'
import { parseOpenid } from '../../lib/core/ids.ts'
import { createTokens } from '../../lib/tokens.ts'
import { must } from '../support/must.ts'
import { paymentArguments } from '../support/payment-arguments.ts'

export const functions = {
  login,
  products,
  orders,
  prepay,
  notify,
  query,
  close,
  refund,
  shipping,
  cron,
  health,
  'console/bills': consoleFunction,
  'console/complaints': consoleFunction,
  'console/events': consoleFunction,
  'console/incidents': consoleFunction,
  'console/orders': consoleFunction,
  'console/overview': consoleFunction,
  'console/search': consoleFunction,
  'console/shipments': consoleFunction,
  'console/takings': consoleFunction,
  'console/__proto__': consoleFunction,
  'console/%00': consoleFunction,
} as const
export type FunctionName = keyof typeof functions

export const PRICE = 2_800
export const orderNumber = (index: number): string => `FUZZ${String(index).padStart(6, '0')}`
/** Every second order is placed with APIv3. */
export const protocolOf = (outTradeNo: string): 'v2' | 'v3' =>
  Number(outTradeNo.slice(-1)) % 2 === 0 ? 'v2' : 'v3'
export const payer = (index: number): string => `oFuzz${String(index).padStart(23, '0')}`

export interface Shop {
  readonly world: World
  readonly orderNumbers: readonly string[]
  /** The orders that were paid at WeChat before the first hostile input. */
  readonly paid: ReadonlySet<string>
  tokenOf(openid: string): Promise<string>
  call(name: FunctionName, init: RequestInit & { readonly query?: string }): Promise<Response>
  /** Returns and removes the lines logged since the last call. */
  drainLog(): readonly string[]
  close(): Promise<void>
}

/** Opens a shop with `count` orders, of which the first `paidCount` are paid. */
export async function openShop(count: number, paidCount: number): Promise<Shop> {
  const log: string[] = []
  const keep = (...parts: unknown[]) => void log.push(parts.map(String).join(' '))
  const own = { log: console.log, error: console.error, warn: console.warn }
  const world = await startWorld({
    env: { ...demoV3Values, WECHAT_VIRTUAL_GOODS_ALLOWED: '1' },
  })
  Object.assign(console, { log: keep, error: keep, warn: keep })
  const appid = world.env.WECHAT_APPID
  const tokens = createTokens(world.env.SESSION_SECRET, () => appid)
  const merchant = {
    authorization: `Bearer ${world.env.MERCHANT_API_KEY}`,
    'content-type': 'application/json',
  }
  const shop: Shop = {
    world,
    orderNumbers: Array.from({ length: count }, (_, index) => orderNumber(index)),
    paid: new Set(Array.from({ length: paidCount }, (_, index) => orderNumber(index))),
    tokenOf: async (openid) =>
      (await tokens.issue({ appid, openid: must(parseOpenid(openid)) }, new Date())).token,
    call: (name, { query: search, ...init }) => {
      const { fetch } = functions[name]
      return fetch(
        new Request(`${world.url}/api/${name}${search === undefined ? '' : `?${search}`}`, {
          duplex: 'half',
          ...init,
        }),
      )
    },
    drainLog: () => log.splice(0),
    async close() {
      await world.stop()
      Object.assign(console, own)
    },
  }
  const send = async (name: FunctionName, method: string, body: unknown): Promise<unknown> => {
    const response = await shop.call(name, {
      method,
      headers: merchant,
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
    return response.json()
  }
  await send('products', 'PUT', {
    products: ['latte', 'cookie'].map((sku) => ({ sku, name: sku, price: PRICE })),
  })
  for (const [index, outTradeNo] of shop.orderNumbers.entries()) {
    process.env['WECHAT_PAY_API'] = protocolOf(outTradeNo)
    await send('orders', 'POST', {
      outTradeNo,
      openid: payer(index),
      totalFee: PRICE,
      body: 'latte',
    })
    if (!shop.paid.has(outTradeNo)) continue
    world.simulator?.pay(v.parse(paymentArguments, await send('prepay', 'POST', { outTradeNo })))
    await shop.call('query', { headers: merchant, query: `outTradeNo=${outTradeNo}` })
  }
  return shop
}
