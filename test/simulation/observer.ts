/** Watches a history while it is played: what must hold at every moment, not only in the end. */
import * as v from 'valibot'
import { createTokens } from '../../lib/tokens.ts'
import type { PaymentArguments } from '../../dev/wechat/simulator.ts'
import type { Answer } from './judge.ts'
import type { World } from './world.ts'

const pageSchema = v.object({
  appId: v.string(),
  timeStamp: v.string(),
  nonceStr: v.string(),
  package: v.string(),
  signType: v.string(),
  paySign: v.string(),
})
const orderSchema = v.object({
  outTradeNo: v.string(),
  tradeState: v.string(),
  transactionId: v.optional(v.string()),
})
const PREPAY_LIFE_MS = 2 * 3_600_000

const MOVES = new Set([
  'NOTPAY SUCCESS',
  'NOTPAY REFUND',
  'NOTPAY CLOSED',
  'CLOSED SUCCESS',
  'CLOSED REFUND',
  'SUCCESS REFUND',
])

export class Observer {
  readonly problems: string[] = []
  readonly #world: World
  #seen = new Map<string, string>()
  readonly #promised = new Map<string, number>()

  constructor(world: World) {
    this.#world = world
  }

  /** 4 and 5, at this moment. */
  async look(): Promise<void> {
    const rows = await this.#world.sql(
      'select out_trade_no as no, trade_state as state from orders',
    )
    const now = new Map(rows.map(({ no, state }) => [String(no), String(state)]))
    for (const [no, before] of this.#seen) {
      const after = now.get(no) ?? 'nothing'
      if (after !== before && !MOVES.has(`${before} ${after}`))
        this.problems.push(`5: ${no} went from ${before} to ${after}`)
    }
    this.#seen = now
    const refunds = this.#world.simulator.refunds()
    for (const order of this.#world.simulator.orders()) {
      const made = refunds.filter(
        ({ outTradeNo, refundStatus }) =>
          outTradeNo === order.outTradeNo && refundStatus !== 'REFUNDCLOSE',
      )
      const total = made.reduce((sum, { refundFee }) => sum + refundFee, 0)
      if (total > order.totalFee) this.problems.push(`4: ${total} given back of ${order.totalFee}`)
    }
  }

  /** What the phone is given to pay with: of this very order, and young enough. */
  readPage({ status, json }: Answer, outTradeNo: string): PaymentArguments | null {
    if (status !== 200) return null
    const page = v.parse(pageSchema, json)
    const order = this.#world.simulator
      .orders()
      .find(({ prepayId }) => page.package === `prepay_id=${prepayId}`)
    if (order?.outTradeNo !== outTradeNo)
      this.problems.push(`prepay gave the prepay_id of another order than ${outTradeNo}`)
    else if (this.#world.time.now() - order.prepaidAt > PREPAY_LIFE_MS)
      this.problems.push('prepay gave a prepay_id past its two hours')
    return page
  }

  /** 1: whoever is shown as paid has been paid, by that payment. */
  readOrders({ json }: Answer): void {
    for (const shown of [json, ...(Array.isArray(json['orders']) ? json['orders'] : [])]) {
      const read = v.safeParse(orderSchema, shown)
      if (!read.success || !['SUCCESS', 'REFUND'].includes(read.output.tradeState)) continue
      const { outTradeNo, transactionId } = read.output
      const known = this.#world.simulator.orders().find((order) => order.outTradeNo === outTradeNo)
      if (known?.payment?.transactionId !== transactionId)
        this.problems.push(`1: ${outTradeNo} was shown as paid`)
    }
  }

  async readSession({ status, json }: Answer, openid: string): Promise<void> {
    if (status !== 200) return
    const tokens = createTokens(this.#world.env.SESSION_SECRET)
    const read = await this.#world.time.real(() => tokens.read(String(json['token']), new Date()))
    if (read !== openid) this.problems.push('a login gave the session of somebody else')
  }

  /** 4: a number stands for one refund, for ever. */
  promised({ status, json }: Answer, outRefundNo: string, fee: number): void {
    if (status !== 202) return
    const before = this.#promised.get(outRefundNo) ?? fee
    this.#promised.set(outRefundNo, before)
    if (before !== fee || json['refundFee'] !== fee)
      this.problems.push(`4: ${outRefundNo} stood for ${before}, then for ${fee}`)
  }
}
