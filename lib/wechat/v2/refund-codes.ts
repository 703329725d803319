import type { RefundRefusal } from '../../ports.ts'

/**
 * WeChat's refusals of a refund: whether the same number may be tried again, and what a person
 * does.
 *
 * Source: the error table of refund (https://pay.weixin.qq.com/doc/v2/merchant/4011987594). A code
 * that is not in the table is `refused`. It does not release the claim: if WeChat had made the
 * refund after all, the money could be paid twice.
 */
type Meaning = Pick<RefundRefusal, 'outcome' | 'remedy'>

const table: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  [
    'NOTENOUGH',
    {
      outcome: 'refused',
      remedy:
        'the merchant balance is too low: top it up in the merchant console; the refund is tried again by itself',
    },
  ],
  [
    'BIZERR_NEED_RETRY',
    {
      outcome: 'later',
      remedy: 'WeChat was busy with this order; the refund is tried again by itself',
    },
  ],
  [
    'FREQUENCY_LIMITED',
    {
      outcome: 'later',
      remedy: 'too many refunds at the same time; the refund is tried again by itself',
    },
  ],
  [
    'INVALID_REQ_TOO_MUCH',
    {
      outcome: 'later',
      remedy: 'too many refused refunds in a row; the refund is tried again by itself',
    },
  ],
  [
    'ERROR',
    {
      outcome: 'refused',
      remedy: 'look at the order in the merchant console, WeChat gives no code for this',
    },
  ],
  [
    'TRADE_OVERDUE',
    {
      outcome: 'never',
      remedy: 'the payment is older than a year: give the money back by other means',
    },
  ],
  [
    'USER_ACCOUNT_ABNORMAL',
    {
      outcome: 'never',
      remedy: 'the payer’s account is closed: give the money back by other means',
    },
  ],
  [
    'ORDERNOTEXIST',
    {
      outcome: 'never',
      remedy: 'WeChat knows no payment of this order: compare it in the merchant console',
    },
  ],
  [
    'INVALID_TRANSACTIONID',
    {
      outcome: 'never',
      remedy: 'WeChat knows no payment of this number: compare it in the merchant console',
    },
  ],
])

const unknown: Meaning = {
  outcome: 'refused',
  remedy:
    'look the code up in WeChat’s refund documentation, or the refund in the merchant console',
}

export const refundRefusal = (code: string, text: string): RefundRefusal => ({
  ...(table.get(code) ?? unknown),
  code,
  text,
})
