/** A world with a shop in it whose functions are called in process, as the platform calls them. */
import * as v from 'valibot'
import cancel from '../../api/close.ts'
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
import { startWorld, type World } from '../../dev/world/world.ts'
import { parseOpenid } from '../../lib/core/ids.ts'
import { createTokens } from '../../lib/tokens.ts'
import { must } from '../support/must.ts'

export const functions = {
  login,
  products,
  orders,
  prepay,
  notify,
  query,
  close: cancel,
  refund,
  shipping,
  cron,
  health,
} as const
export type FunctionName = keyof typeof functions

export const PRICE = 2_800
export const orderNumber = (index: number): string => `FUZZ${String(index).padStart(6, '0')}`
export const payer = (index: number): string => `oFuzz${String(index).padStart(23, '0')}`

export interface Shop {
  readonly world: World
  readonly orderNumbers: readonly string[]
  /** Those that were really paid, at WeChat, before anything hostile came. */
  readonly paid: ReadonlySet<string>
  tokenOf(openid: string): Promise<string>
  ask(name: FunctionName, init: RequestInit & { readonly query?: string }): Promise<Response>
  /** What was logged since the last time. */
  drainLog(): readonly string[]
  close(): Promise<void>
}

const paymentArguments = v.object({
  appId: v.string(),
  timeStamp: v.string(),
  nonceStr: v.string(),
  package: v.string(),
  signType: v.string(),
  paySign: v.string(),
})

/** @param sold how many of the orders are paid. */
export async function openShop(count: number, sold: number): Promise<Shop> {
  const log: string[] = []
  const keep = (...parts: unknown[]) => void log.push(parts.map(String).join(' '))
  const own = { log: console.log, error: console.error, warn: console.warn }
  const world = await startWorld({ env: {} })
  Object.assign(console, { log: keep, error: keep, warn: keep })
  const tokens = createTokens(world.env.SESSION_SECRET)
  const merchant = {
    authorization: `Bearer ${world.env.MERCHANT_API_KEY}`,
    'content-type': 'application/json',
  }
  const shop: Shop = {
    world,
    orderNumbers: Array.from({ length: count }, (_, index) => orderNumber(index)),
    paid: new Set(Array.from({ length: sold }, (_, index) => orderNumber(index))),
    tokenOf: async (openid) => (await tokens.issue(must(parseOpenid(openid)), new Date())).token,
    ask: (name, { query: search, ...init }) => {
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
    const response = await shop.ask(name, { method, headers: merchant, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
    return response.json()
  }
  await send('products', 'PUT', {
    products: ['latte', 'cookie'].map((sku) => ({ sku, name: sku, price: PRICE })),
  })
  for (const [index, outTradeNo] of shop.orderNumbers.entries()) {
    await send('orders', 'POST', {
      outTradeNo,
      openid: payer(index),
      totalFee: PRICE,
      body: 'latte',
    })
    if (!shop.paid.has(outTradeNo)) continue
    world.simulator?.pay(v.parse(paymentArguments, await send('prepay', 'POST', { outTradeNo })))
    await shop.ask('query', { headers: merchant, query: `outTradeNo=${outTradeNo}` })
  }
  return shop
}
