import type { RefundRefusal } from '../../ports.ts'
import { withoutUnderscores } from './codes.ts'

/**
 * WeChat's v3 refusals of a refund: whether the same number may be tried again, and what a person
 * does.
 *
 * Source: the error table of refund (https://pay.weixin.qq.com/doc/v3/merchant/). A code that is
 * not in the table is `refused`. It does not release the claim: if WeChat had made the refund after
 * all, the money could be paid twice.
 */
type Meaning = Pick<RefundRefusal, 'outcome' | 'remedy'>

const NO_PAYMENT: Meaning = {
  outcome: 'never',
  remedy: 'WeChat knows no payment of this order: compare it in the merchant console',
}
const TOO_FAST: Meaning = {
  outcome: 'later',
  remedy: 'too many refunds at the same time; the refund is tried again by itself',
}
const READ_THE_TEXT: Meaning = {
  outcome: 'refused',
  remedy: 'look at the order in the merchant console; the text of WeChat names the cause',
}

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
    'USERACCOUNTABNORMAL',
    {
      outcome: 'never',
      remedy: 'the payer’s account is closed: give the money back by other means',
    },
  ],
  [
    'TRADEOVERDUE',
    {
      outcome: 'never',
      remedy: 'the payment is older than a year: give the money back by other means',
    },
  ],
  ['RESOURCENOTEXISTS', NO_PAYMENT],
  ['ORDERNOTEXIST', NO_PAYMENT],
  ['FREQUENCYLIMITED', TOO_FAST],
  ['RATELIMITEXCEEDED', TOO_FAST],
  ['INVALIDREQUEST', READ_THE_TEXT],
  ['RULELIMIT', READ_THE_TEXT],
  ['TRADEERROR', READ_THE_TEXT],
])

const unknown: Meaning = {
  outcome: 'refused',
  remedy:
    'look the code up in WeChat’s refund documentation, or the refund in the merchant console',
}

export const refundRefusal = (code: string, text: string): RefundRefusal => ({
  ...(table.get(withoutUnderscores(code)) ?? unknown),
  code,
  text,
})
