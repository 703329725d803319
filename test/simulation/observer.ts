/**
 * Watches a history while it runs, and checks what must hold at every moment, not only at the end.
 */
import * as v from 'valibot'
import { createTokens } from '../../lib/tokens.ts'
import type { PaymentArguments } from '../../dev/wechat/request-payment.ts'
import type { Answer } from './check-answer.ts'
import { OrderModel } from './order-model.ts'
import type { World } from './world.ts'
import { paymentArguments } from '../support/payment-arguments.ts'

const PREPAY_ID_LIFETIME_MS = 2 * 3_600_000

/** Between two checks, an order may pass through SUCCESS. */
const ALLOWED_TRANSITIONS = new Set([
  'NOTPAY SUCCESS',
  'NOTPAY REFUND',
  'NOTPAY CLOSED',
  'CLOSED SUCCESS',
  'CLOSED REFUND',
  'SUCCESS REFUND',
])

export class Observer {
  readonly problems: string[] = []
  readonly orders: OrderModel
  readonly #world: World
  #seen = new Map<string, string>()
  readonly #acceptedFees = new Map<string, number>()
  /** The first accepted content of each refund number, idempotency key and merchant's number. */
  readonly #accepted = new Map<string, string>()

  constructor(world: World) {
    this.#world = world
    this.orders = new OrderModel(world)
  }

  /** The state of an order at the last check; `none` if it was not there. */
  stateOf(outTradeNo: string | undefined): string {
    return this.#seen.get(outTradeNo ?? '') ?? 'none'
  }

  /** Checks promises 4 and 5. Called before each action. */
  async check(): Promise<void> {
    const rows = await this.#world.sql(
      'select out_trade_no as no, trade_state as state from orders',
    )
    const now = new Map(rows.map(({ no, state }) => [String(no), String(state)]))
    for (const [no, before] of this.#seen) {
      const after = now.get(no) ?? 'nothing'
      if (after !== before && !ALLOWED_TRANSITIONS.has(`${before} ${after}`))
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
      if (total > order.totalFee) this.problems.push(`4: ${total} refunded of ${order.totalFee}`)
    }
  }

  /**
   * Checks that the payment arguments are for this order and that their `prepay_id` has not
   * expired.
   */
  readPaymentArguments(payment: unknown, outTradeNo: string): PaymentArguments {
    const given = v.parse(paymentArguments, payment)
    const order = this.#world.simulator
      .orders()
      .find(({ prepayId }) => given.package === `prepay_id=${prepayId}`)
    if (order?.outTradeNo !== outTradeNo)
      this.problems.push(`prepay gave the prepay_id of another order than ${outTradeNo}`)
    else if (this.#world.time.now() - order.prepaidAt > PREPAY_ID_LIFETIME_MS)
      this.problems.push('prepay gave an expired prepay_id')
    return given
  }

  /** A repetition of an accepted request is accepted. `name` is the number or the key in it. */
  readRepetition({ status, code }: Answer, name: string, body: unknown): void {
    const content = JSON.stringify(body)
    if (code.endsWith('_conflict') && this.#accepted.get(name) === content)
      this.problems.push(`${name} was accepted, and its repetition was refused`)
    if (status >= 200 && status < 300 && !this.#accepted.has(name))
      this.#accepted.set(name, content)
  }

  async readSession({ status, json }: Answer, openid: string): Promise<void> {
    if (status !== 200) return
    const tokens = createTokens(this.#world.env.SESSION_SECRET, () => this.#world.env.WECHAT_APPID)
    const read = await this.#world.time.real(() => tokens.read(String(json['token']), new Date()))
    if (read?.openid !== openid) this.problems.push("a login gave another user's session")
  }

  /** Promise 4: a refund number always names the same refund. */
  readAcceptedRefund({ status, json }: Answer, outRefundNo: string, fee: number): void {
    if (status !== 202) return
    const before = this.#acceptedFees.get(outRefundNo) ?? fee
    this.#acceptedFees.set(outRefundNo, before)
    if (before !== fee || json['refundFee'] !== fee)
      this.problems.push(`4: ${outRefundNo} was a refund of ${before}, then of ${fee}`)
  }
}
