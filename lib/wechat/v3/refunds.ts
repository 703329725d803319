/** Refunds over APIv3. They need no client certificate. */
import * as v from 'valibot'
import type { Payment, Refund } from '../../core/refund.ts'
import { err, ok, type Outcome } from '../../core/result.ts'
import type { KnownRefund, PayGateway, RefundAtWechat } from '../../ports.ts'
import { call, type CallSettings } from './call.ts'
import { refundRefusal } from './refund-codes.ts'
import { parseRefundStatus } from './refund-status.ts'
import type { SeenRefunds } from './seen-refunds.ts'
import { fenAmount } from './transaction.ts'

type RefundCalls = Pick<PayGateway, 'sendRefund' | 'queryRefund' | 'listRefunds'>

/**
 * APIv3 has no call that lists the refunds of an order, so the list comes from elsewhere.
 *
 * `overV2`: the list of APIv2, for a merchant who also has an APIv2 key. It is complete, because
 * both versions work on the same orders. Null without such a key.
 *
 * `findNumbers`: the refund numbers that the ledger has of an order. Together with those in
 * `SeenRefunds` they make the list of a merchant without an APIv2 key. It may lack a refund that
 * was made in the merchant console and whose notification was lost. If WeChat says that the order
 * is refunded, and no number explains that, there is no list, and a person must look.
 */
export interface RefundLists {
  readonly overV2: PayGateway['listRefunds'] | null
  readonly findNumbers: (outTradeNo: Payment['outTradeNo']) => Promise<readonly string[]>
}

export const REFUNDS = '/v3/refund/domestic/refunds'

/** Queries at the same time. WeChat allows 50 refunds of an order. */
const AT_ONCE = 10

const text = v.pipe(v.string(), v.nonEmpty())

const refundAnswer = v.object({
  // WeChat documents 32 characters. The limit keeps out a text that a database index cannot hold.
  refund_id: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,64}$/)),
  out_refund_no: text,
  out_trade_no: text,
  transaction_id: text,
  status: v.string(),
  amount: v.object({ refund: fenAmount, total: fenAmount }),
})

export function createRefundCalls(
  settings: CallSettings,
  { overV2, findNumbers }: RefundLists,
  seen: SeenRefunds,
  findPayment: PayGateway['findPayment'],
): RefundCalls {
  const queryAll = (numbers: readonly string[]) =>
    Promise.all(numbers.map((number) => queryByNumber(settings, number)))
  return {
    async sendRefund(refund) {
      const content = refundBody(refund)
      const answer = await call(settings, 'refund', { name: REFUNDS, target: REFUNDS, content })
      if (!answer.ok) {
        if (answer.error.reason === 'wechat_busy') return ok(refundRefusal('FREQUENCY_LIMITED', ''))
        if (answer.error.reason !== 'wechat_refused') return answer
        return ok(refundRefusal(answer.error.code, answer.error.text))
      }
      if (answer.value.kind !== 'success')
        return ok(refundRefusal(answer.value.code, answer.value.text))
      const known = readRefundOf(refund, answer.value.json)
      return known === null ? untrusted : ok({ outcome: 'accepted', refundId: known.refundId })
    },

    async queryRefund({ outRefundNo }) {
      const asked = await queryByNumber(settings, outRefundNo)
      if (asked.ok && asked.value.state === 'known') seen.add(asked.value)
      return asked
    },

    async listRefunds(payment) {
      if (overV2 !== null) return overV2(payment)
      const { outTradeNo } = payment
      const stored = await findNumbers(outTradeNo)
      const numbers = [...new Set([...stored, ...seen.numbersOf(outTradeNo)])]
      const found: KnownRefund[] = []
      for (let start = 0; start < numbers.length; start += AT_ONCE)
        for (const asked of await queryAll(numbers.slice(start, start + AT_ONCE))) {
          if (!asked.ok) return asked
          if (asked.value.state === 'missing') continue
          const { state: _, ...known } = asked.value
          if (known.outTradeNo === outTradeNo) found.push(known)
        }
      // A refund leaves the order in the state "refunded", perhaps even if it is closed later.
      if (found.length > 0) return ok(found)
      const paid = await findPayment(payment.transactionId)
      if (!paid.ok) return paid
      return paid.value.state === 'refunded' ? err(CANNOT_LIST) : ok(found)
    },
  }
}

export async function queryByNumber(
  settings: CallSettings,
  outRefundNo: string,
): Promise<Outcome<RefundAtWechat>> {
  const answer = await call(settings, 'refund_query', {
    name: REFUNDS,
    target: `${REFUNDS}/${encodeURIComponent(outRefundNo)}`,
  })
  if (!answer.ok) return answer
  const { value } = answer
  if (value.kind === 'missing') return ok({ state: 'missing' })
  if (value.kind !== 'success')
    return err({ reason: 'wechat_refused', code: value.code, text: value.text })
  const known = readRefund(value.json)
  return known === null || known.outRefundNo !== outRefundNo
    ? untrusted
    : ok({ state: 'known', ...known })
}

/** WeChat has a refund of the order, and its number is not known here. */
const CANNOT_LIST = {
  reason: 'wechat_misconfigured',
  code: 'REFUNDS_NOT_LISTED',
  remedy:
    'the order has a refund that was made in the merchant console, and APIv3 cannot list refunds: set WECHAT_PAY_KEY as well, or look at the order in the merchant console',
} as const

export const untrusted = err({ reason: 'wechat_untrusted', check: 'content' } as const)

/** Identical whenever this refund is sent. WeChat refuses unknown fields and null. */
const refundBody = ({ payment, outRefundNo, refundFee, refundDesc }: Refund) => ({
  transaction_id: payment.transactionId,
  out_refund_no: outRefundNo,
  ...(refundDesc === null ? {} : { reason: refundDesc }),
  notify_url: payment.notifyUrl,
  amount: { refund: refundFee, total: payment.totalFee, currency: 'CNY' },
})

/** Null if the answer is not about this refund. */
export function readRefundOf(refund: Refund, json: unknown): KnownRefund | null {
  const known = readRefund(json)
  return known?.outRefundNo === refund.outRefundNo &&
    known.outTradeNo === refund.outTradeNo &&
    known.refundFee === refund.refundFee
    ? known
    : null
}

function readRefund(json: unknown): KnownRefund | null {
  const read = v.safeParse(refundAnswer, json)
  if (!read.success) return null
  const { refund_id, out_refund_no, out_trade_no, status, amount } = read.output
  const refundStatus = parseRefundStatus(status)
  if (refundStatus === null) return null
  return {
    outRefundNo: out_refund_no,
    outTradeNo: out_trade_no,
    refundId: refund_id,
    refundFee: amount.refund,
    refundStatus,
  }
}
