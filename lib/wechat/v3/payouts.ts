/** Pays a refund that is abnormal (CHANGE) to another account. */
import type { Payout, Refund } from '../../core/refund.ts'
import { ok, type Outcome } from '../../core/result.ts'
import type { PayoutAnswer } from '../../ports.ts'
import { call, type CallSettings } from './call.ts'
import { readRefundOf, REFUNDS, untrusted } from './refunds.ts'

export async function payOutRefund(
  settings: CallSettings,
  refund: Refund,
  payout: Payout,
): Promise<Outcome<PayoutAnswer>> {
  const { outRefundNo, refundId } = refund
  const answer = await call(settings, 'payout', {
    name: `${REFUNDS}/apply-abnormal-refund`,
    target: `${REFUNDS}/${encodeURIComponent(refundId ?? '')}/apply-abnormal-refund`,
    ...contentOf(outRefundNo, payout),
  })
  if (!answer.ok)
    return answer.error.reason === 'wechat_refused'
      ? refused(answer.error.code, answer.error.text)
      : answer
  if (answer.value.kind !== 'success') return refused(answer.value.code, answer.value.text)
  const known = readRefundOf(refund, answer.value.json)
  return known === null ? untrusted : ok({ outcome: 'accepted', refund: known })
}

const contentOf = (out_refund_no: string, payout: Payout) =>
  payout.type === 'merchant_bank_card'
    ? { content: { out_refund_no, type: 'MERCHANT_BANK_CARD' } }
    : {
        content: { out_refund_no, type: 'USER_BANK_CARD', bank_type: payout.bankType },
        sensitive: { bank_account: payout.bankAccount, real_name: payout.realName },
      }

/** WeChat has no list of causes. Its text names the cause, unless it repeats the account. */
const refused = (code: string, text: string): Outcome<PayoutAnswer> =>
  ok({
    outcome: 'refused',
    code,
    remedy:
      'check bankType, bankAccount and realName, pay to merchant_bank_card, or handle the refund in the merchant console under Transaction Center (交易中心)',
    text,
  })
