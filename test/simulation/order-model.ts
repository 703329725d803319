/**
 * Decides how an order may be shown to a caller. It knows WeChat's book and the earlier answers.
 * Nothing of the code under test is used.
 */
import * as v from 'valibot'
import type { Answer } from './check-answer.ts'
import { isEarlier } from './earlier-number.ts'
import { hasFalseAmounts } from './faults.ts'
import type { World } from './world.ts'

const shownOrder = v.object({
  outTradeNo: v.string(),
  tradeState: v.picklist(['NOTPAY', 'CLOSED', 'SUCCESS', 'REFUND']),
  totalFee: v.number(),
  body: v.string(),
  items: v.optional(v.unknown()),
  attach: v.optional(v.string()),
  createdAt: v.string(),
  timeExpire: v.string(),
  transactionId: v.optional(v.string()),
  refundedFee: v.optional(v.number(), 0),
  /** Shown to the merchant only. */
  openid: v.optional(v.string()),
})
type ShownOrder = v.InferOutput<typeof shownOrder>

/** A later state has a higher rank. A closed order can still be paid. */
const RANKS = { NOTPAY: 0, CLOSED: 1, SUCCESS: 2, REFUND: 3 } as const

interface Seen {
  readonly rank: number
  readonly refundedFee: number
  /** Everything that never changes. */
  readonly terms: string
  /** The payer that an answer to the merchant names, else the first user who saw the order. */
  readonly owner: string | null
}

/** The knowledge before a request. */
interface Known {
  /** The orders as answers have shown them. */
  readonly seen: ReadonlyMap<string, Seen>
  readonly paidAtWechat: ReadonlySet<string>
}

interface Question {
  readonly step: string
  /** The caller; null for the merchant. */
  readonly openid: string | null
  /** The order that the request names. */
  readonly outTradeNo: string | null
}

/** These steps ask WeChat, unless the order is final in the ledger. */
const ASKING: ReadonlySet<string> = new Set(['query', 'close'])

export class OrderModel {
  readonly #world: World
  readonly #seen = new Map<string, Seen>()

  constructor(world: World) {
    this.#world = world
  }

  /** The knowledge at this moment. The answer to a later request must not show less. */
  known(): Known {
    const paid = this.#world.simulator.orders().filter(({ payment }) => payment !== null)
    return {
      seen: new Map(this.#seen),
      paidAtWechat: new Set(paid.map(({ outTradeNo }) => outTradeNo)),
    }
  }

  /**
   * Returns a description of each contradiction.
   *
   * @param before what was known when the request began
   */
  read(
    { status, code, json }: Answer,
    before: Known,
    { step, openid, outTradeNo: asked }: Question,
  ): readonly string[] {
    const listed = Array.isArray(json['orders']) ? json['orders'] : []
    const problems = [json, json['order'], ...listed].flatMap((one) => {
      const read = v.safeParse(shownOrder, one)
      if (!read.success) return []
      const { outTradeNo, tradeState } = read.output
      const isOld =
        ASKING.has(step) && before.paidAtWechat.has(outTradeNo) && RANKS[tradeState] < RANKS.SUCCESS
      return [
        ...this.#check(read.output, before.seen, openid),
        ...(isOld ? [`2: ${outTradeNo} was shown as ${tradeState} after it was paid`] : []),
      ]
    })
    if (asked === null) return problems
    const isPrepaid = status === 200 && 'paySign' in json
    if (isPrepaid && !this.#mayBeSeen(asked, openid))
      problems.push(`${asked} was prepaid by another user`)
    const known = before.seen.get(asked)
    if (known === undefined) return problems
    if (code === 'order_not_found' && this.#mayBeSeen(asked, openid))
      problems.push(`${asked} was seen before, and then not found`)
    if (isPrepaid && known.rank > RANKS.NOTPAY)
      problems.push(`${asked} was seen as paid or closed, and then prepaid`)
    return problems
  }

  #check(order: ShownOrder, before: Known['seen'], openid: string | null): string[] {
    const { outTradeNo, tradeState, totalFee, transactionId, refundedFee } = order
    const { simulator, record } = this.#world
    const problems: string[] = []
    const report = (text: string) => void problems.push(`${outTradeNo} was shown ${text}`)
    const rank = RANKS[tradeState]
    const { body, items, attach, createdAt, timeExpire } = order
    const terms = JSON.stringify({ totalFee, body, items, attach, createdAt, timeExpire })
    const earlier = before.get(outTradeNo)
    if (earlier !== undefined && rank < earlier.rank) report(`as ${tradeState} after a later state`)
    if (earlier !== undefined && refundedFee < earlier.refundedFee)
      report('with less refunded than before')
    if (earlier !== undefined && terms !== earlier.terms) report('with other terms than before')
    if (openid === null ? order.openid === undefined : order.openid !== undefined)
      report('with the fields of another kind of caller')
    if (!this.#mayBeSeen(outTradeNo, openid)) report('to another user')
    if (order.openid !== undefined && !this.#mayBeSeen(outTradeNo, order.openid))
      report('with another payer')
    const atWechat = simulator.orders().find((one) => one.outTradeNo === outTradeNo)
    if (rank >= RANKS.SUCCESS && atWechat?.payment?.transactionId !== transactionId)
      report('as paid by a payment that WeChat does not have')
    if (rank < RANKS.SUCCESS && transactionId !== undefined) report('with a payment while unpaid')
    if (atWechat !== undefined && !isEarlier(outTradeNo) && atWechat.totalFee !== totalFee)
      report('with another amount')
    const refunded = simulator
      .refunds()
      .filter((one) => one.outTradeNo === outTradeNo && one.refundStatus === 'SUCCESS')
      .reduce((sum, { refundFee }) => sum + refundFee, 0)
    if (!hasFalseAmounts(record.counts) && refundedFee > refunded)
      report('with more refunded than at WeChat')
    const last = this.#seen.get(outTradeNo)
    this.#seen.set(outTradeNo, {
      rank: Math.max(rank, last?.rank ?? 0),
      refundedFee: Math.max(refundedFee, last?.refundedFee ?? 0),
      terms,
      owner: order.openid ?? last?.owner ?? openid,
    })
    return problems
  }

  /**
   * WeChat, or else an earlier answer, says who the payer is. The first user who sees a new order
   * that WeChat does not have counts as its payer.
   */
  #mayBeSeen(outTradeNo: string, openid: string | null): boolean {
    const order = this.#world.simulator.orders().find((one) => one.outTradeNo === outTradeNo)
    const payer = isEarlier(outTradeNo) ? undefined : order?.openid
    const owner = payer ?? this.#seen.get(outTradeNo)?.owner ?? openid
    return openid === null || owner === openid
  }
}
