/** Refunds over APIv2. Only the refund itself needs a client certificate. */
import type { Failure } from '../../core/failure.ts'
import { parseFen } from '../../core/money.ts'
import type { Payment } from '../../core/refund.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { KnownRefund, PayGateway } from '../../ports.ts'
import { call } from './call.ts'
import type { CallSettings } from './keys.ts'
import { refundRefusal } from './refund-codes.ts'
import { parseRefundStatus } from './refund-status.ts'
import type { Fields } from '../fields.ts'

type RefundCalls = Pick<PayGateway, 'sendRefund' | 'queryRefund' | 'listRefunds'>

/** WeChat allows 50 partial refunds of an order, ten on a page. The limit ends an endless list. */
const MOST_PAGES = 10
const PAGE = 10

export function createRefundCalls(
  settings: CallSettings,
  certified: () => Result<CallSettings, Failure>,
): RefundCalls {
  const query = (content: Fields) => call(settings, '/pay/refundquery', content)
  return {
    async sendRefund(refund) {
      const { payment } = refund
      const content: Fields = new Map([
        ['transaction_id', payment.transactionId],
        ['out_refund_no', refund.outRefundNo],
        ['total_fee', String(payment.totalFee)],
        ['refund_fee', String(refund.refundFee)],
        ...(refund.refundDesc === null ? [] : [['refund_desc', refund.refundDesc] as const]),
        ['notify_url', payment.notifyUrl],
      ])
      const withCertificate = certified()
      if (!withCertificate.ok) return withCertificate
      const answer = await call(withCertificate.value, '/secapi/pay/refund', content)
      if (!answer.ok) {
        if (answer.error.reason === 'wechat_busy') return ok(refundRefusal('FREQUENCY_LIMITED', ''))
        if (answer.error.reason !== 'wechat_refused') return answer
        return ok(refundRefusal(answer.error.code, answer.error.text))
      }
      if (answer.value.kind !== 'success')
        return ok(refundRefusal(answer.value.code, answer.value.text))
      const { fields } = answer.value
      const refundId = fields.get('refund_id') ?? ''
      const isOurs =
        fields.get('out_refund_no') === refund.outRefundNo &&
        fields.get('refund_fee') === String(refund.refundFee)
      return isOurs && isRefundId(refundId) ? ok({ outcome: 'accepted', refundId }) : untrusted
    },

    async queryRefund({ outRefundNo }) {
      const answer = await query(new Map([['out_refund_no', outRefundNo]]))
      if (!answer.ok) return answer
      const { value } = answer
      if (value.kind === 'missing') return ok({ state: 'missing' })
      if (value.kind !== 'success')
        return err({ reason: 'wechat_refused', code: value.code, text: value.text })
      // The answer has one refund, but its fields have an index as in a list.
      const known = readRefunds(value.fields)?.find((refund) => refund.outRefundNo === outRefundNo)
      return known === undefined ? untrusted : ok({ state: 'known', ...known })
    },

    async listRefunds(payment) {
      const found: KnownRefund[] = []
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const offset: Fields = new Map(found.length === 0 ? [] : [['offset', String(found.length)]])
        const answer = await query(new Map([['transaction_id', payment.transactionId], ...offset]))
        if (!answer.ok) return answer
        const { value } = answer
        if (value.kind === 'missing' && found.length === 0) return ok([])
        if (value.kind !== 'success')
          return err({ reason: 'wechat_refused', code: value.code, text: value.text })
        const refunds = isOfPayment(value.fields, payment) ? readRefunds(value.fields) : null
        if (refunds === null || String(refunds.length) !== value.fields.get('refund_count'))
          return untrusted
        found.push(...refunds)
        const total = value.fields.get('total_refund_count') ?? ''
        if (total === '' ? refunds.length < PAGE : found.length >= Number(total))
          return areDifferent(found) ? ok(found) : untrusted
        if (refunds.length === 0) return untrusted
      }
      return untrusted
    },
  }
}

const untrusted = err({ reason: 'wechat_untrusted', check: 'content' } as const)

const isOfPayment = (fields: Fields, payment: Payment): boolean =>
  fields.get('transaction_id') === payment.transactionId &&
  fields.get('out_trade_no') === payment.outTradeNo &&
  fields.get('total_fee') === String(payment.totalFee)

/**
 * A refund that is listed twice means that the list changed between two pages, so another one may
 * be missing.
 */
const areDifferent = (refunds: readonly KnownRefund[]): boolean =>
  new Set(refunds.map(({ outRefundNo }) => outRefundNo)).size === refunds.length

/** Null if one of the refunds cannot be read: an answer is used as a whole or not at all. */
function readRefunds(fields: Fields): readonly KnownRefund[] | null {
  const refunds: KnownRefund[] = []
  for (const [name, outRefundNo] of fields) {
    const index = /^out_refund_no_(\d+)$/.exec(name)?.[1]
    if (index === undefined) continue
    const field = (of: string) => fields.get(`${of}_${index}`) ?? ''
    const [refundFee, refundStatus, refundId] = [
      parseFen(field('refund_fee')),
      parseRefundStatus(field('refund_status')),
      field('refund_id'),
    ]
    if (!refundFee.ok || refundStatus === null || !isRefundId(refundId) || outRefundNo === '')
      return null
    refunds.push({
      outRefundNo,
      outTradeNo: fields.get('out_trade_no') ?? '',
      refundId,
      refundFee: refundFee.value,
      refundStatus,
    })
  }
  return refunds
}

/** WeChat documents 32 characters. The limit keeps a text that a database index cannot hold out. */
const isRefundId = (text: string): boolean => /^[\x21-\x7e]{1,64}$/.test(text)
