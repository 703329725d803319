/**
 * Payers and a merchant who buy and refund while everything around them fails. They repeat each
 * request until it is answered, with the same idempotency key or refund number.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import type { Simulator } from '../../dev/wechat/simulator.ts'
import { paymentArguments } from '../support/payment-arguments.ts'

/** Longer than a function takes to answer. */
const PATIENCE_MS = 10_000
const PAUSE_MS = 200
/** About as long as an order takes to close. */
const CLOSING_MS = 100

interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT'
  readonly token: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

interface Answer {
  readonly status: number
  readonly json: unknown
}

export interface Shop {
  /** The base URL of the functions. */
  readonly url: string
  readonly wechat: Simulator
  readonly merchantKey: string
  readonly cronSecret: string
}

/** Null if the answer is 5xx or 429, or does not arrive. */
async function send(
  { url }: Shop,
  path: string,
  { token, body, headers, method }: Call,
): Promise<Answer | null> {
  try {
    const answer = await fetch(url + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        'content-type': 'application/json',
        ...headers,
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    const json: unknown = await answer.json()
    return answer.status >= 500 || answer.status === 429 ? null : { status: answer.status, json }
  } catch {
    return null
  }
}

export async function repeat(shop: Shop, path: string, call: Call): Promise<Answer> {
  for (;;) {
    const answer = await send(shop, path, call)
    if (answer !== null) return answer
    await sleep(PAUSE_MS)
  }
}

export async function fillCatalogue(shop: Shop): Promise<void> {
  const body = { products: [{ sku: 'latte', name: '拿铁', price: 2_800 }] }
  await repeat(shop, '/api/products', { method: 'PUT', token: shop.merchantKey, body })
}

const tokenAnswer = v.object({ token: v.string() })
const orderAnswer = v.object({ outTradeNo: v.string() })
/** One purchase, as the payer and the merchant know it. */
export interface Sale {
  readonly token: string
  readonly outTradeNo: string
  isPaid: boolean
  refundedFee: number
}

/** A login code is valid once, so each login has its own. */
async function logIn(shop: Shop, address: string): Promise<string> {
  for (;;) {
    const body = { code: shop.wechat.issueCode() }
    const answer = await send(shop, '/api/login', {
      token: '',
      body,
      headers: { 'x-forwarded-for': address },
    })
    if (answer?.status === 200) return v.parse(tokenAnswer, answer.json).token
    await sleep(PAUSE_MS)
  }
}

/**
 * The ends of a payer's orders, in turn. WeChat closes no order in its first five minutes, so an
 * order that is closed here can still be paid.
 */
const PLANS = ['pay', 'pay', 'close', 'pay', 'close, then pay', 'pay', 'close and pay'] as const

/** Buys until `isOver`. Adds each sale to `sales` once its order is placed. */
export async function buyAgainAndAgain(
  shop: Shop,
  payer: number,
  sales: Sale[],
  isOver: () => boolean,
): Promise<void> {
  for (let bought = 0; !isOver(); bought += 1) {
    const headers = { 'x-forwarded-for': `9.${payer}.${bought >> 8}.${bought & 255}` }
    const token = await logIn(shop, headers['x-forwarded-for'])
    const key = randomUUID()
    const order = await repeat(shop, '/api/orders', {
      token,
      body: { items: [{ sku: 'latte', quantity: 1 }] },
      headers: { ...headers, 'idempotency-key': key },
    })
    const { outTradeNo } = v.parse(orderAnswer, order.json)
    const sale: Sale = { token, outTradeNo, isPaid: false, refundedFee: 0 }
    sales.push(sale)
    const prepaid = await repeat(shop, '/api/prepay', { token, body: { outTradeNo }, headers })
    const plan = PLANS[bought % PLANS.length]
    const closing =
      plan === 'pay'
        ? undefined
        : repeat(shop, '/api/close', { token, body: { outTradeNo }, headers })
    if (plan === 'close and pay') await sleep(Math.random() * CLOSING_MS)
    else await closing
    if (plan !== 'close')
      sale.isPaid =
        shop.wechat.pay(v.parse(paymentArguments, prepaid.json)).errMsg === 'requestPayment:ok'
    await closing
    await repeat(shop, `/api/query?outTradeNo=${outTradeNo}`, { token, headers })
    if (sale.isPaid && bought % 3 === 0) await refund(shop, sale)
  }
}

const REFUNDED_FEE = 1_000

async function refund(shop: Shop, sale: Sale): Promise<void> {
  const { outTradeNo } = sale
  const body = { outTradeNo, outRefundNo: `${outTradeNo}-r`, refundFee: REFUNDED_FEE }
  const answer = await repeat(shop, '/api/refund', { token: shop.merchantKey, body })
  if (answer.status === 202) sale.refundedFee = REFUNDED_FEE
}
