import { causeIn, fieldIn } from './refusal-text.ts'

/**
 * WeChat's v2 error codes: what each means for the caller, and what a person mends.
 *
 * Source: the error tables of unified order, order query and close order (https://pay.weixin.qq.com/doc/v2/merchant/).
 * Some codes stand for many causes, and only WeChat's text names the actual one. The remedy then follows the text.
 */
export type Consequence =
  /** The order is paid or closed already: go the way of a paid or closed order. */
  | { readonly does: 'paid' | 'closed' }
  /** WeChat does not know the order. */
  | { readonly does: 'missing' }
  /** The number stands for other content at WeChat. */
  | { readonly does: 'number_taken' }
  /** Not in the order's present state. */
  | { readonly does: 'not_now' }
  /** Outcome unknown: the same request may be sent again. */
  | { readonly does: 'ask_again' }
  /** Too fast: later. */
  | { readonly does: 'slow_down' }
  | { readonly does: 'refuse' }
  /** Only a person can mend it; `cure` says where. */
  | { readonly does: 'alert'; readonly cure: string }

const bug = (cure: string): Consequence => ({ does: 'alert', cure })

const table: ReadonlyMap<string, Consequence> = new Map<string, Consequence>([
  ['ORDERPAID', { does: 'paid' }],
  ['ORDERCLOSED', { does: 'closed' }],
  ['ORDERNOTEXIST', { does: 'missing' }],
  ['OUT_TRADE_NO_USED', { does: 'number_taken' }],
  ['INVALID_REQUEST', { does: 'number_taken' }],
  ['TRADE_STATE_ERROR', { does: 'not_now' }],
  ['SYSTEMERROR', { does: 'ask_again' }],
  ['FREQUENCY_LIMITED', { does: 'slow_down' }],
  ['NOTENOUGH', { does: 'refuse' }],
  ['INVALID_TRANSACTIONID', { does: 'missing' }],
  ['REFUNDNOTEXIST', { does: 'missing' }],
  [
    'SIGNERROR',
    {
      does: 'alert',
      cure: 'WECHAT_PAY_KEY is not the APIv2 key of this merchant: compare it with what your other systems use; WECHAT_APP_SECRET may be swapped with it',
    },
  ],
  [
    'NOAUTH',
    {
      does: 'alert',
      cure: 'the merchant may not use JSAPI payment: switch it on in the merchant console under Product Center',
    },
  ],
  [
    'APPID_NOT_EXIST',
    {
      does: 'alert',
      cure: 'WeChat does not know WECHAT_APPID: compare it in the Mini Program console under Development',
    },
  ],
  [
    'MCHID_NOT_EXIST',
    {
      does: 'alert',
      cure: 'WeChat does not know WECHAT_MCH_ID: compare it in the merchant console under Account Center',
    },
  ],
  [
    'APPID_MCHID_NOT_MATCH',
    {
      does: 'alert',
      cure: 'WECHAT_APPID and WECHAT_MCH_ID are not bound: bind them in the merchant console under Product Center, AppID',
    },
  ],
  ['LACK_PARAMS', bug('a field is missing in our request')],
  ['PARAM_ERROR', bug('a field of our request has a value WeChat does not take')],
  ['XML_FORMAT_ERROR', bug('our request was not well formed')],
  ['REQUIRE_POST_METHOD', bug('our request was not a POST')],
  ['POST_DATA_EMPTY', bug('our request arrived without its body')],
  ['NOT_UTF8', bug('our request holds characters WeChat does not take')],
])

/**
 * For a code that is not in the table: the call is refused, and nothing is decided. Unified order: the order stays open, and
 * prepay may be called again. Order query and refund query: the state stays as it was and is queried again. Close: the same as
 * "not now", so cron keeps asking about the order. Refund: see `refund-codes.ts`.
 */
export const UNKNOWN_CODE: Consequence = { does: 'refuse' }

export function consequenceOf(code: string, text = ''): Consequence {
  const known = table.get(code) ?? UNKNOWN_CODE
  if (known.does !== 'alert' && known.does !== 'refuse' && known.does !== 'number_taken')
    return known
  const cause = causeIn(text)
  if (cause !== null) return { does: 'alert', cure: cause.cure }
  return known.does === 'alert' ? { does: 'alert', cure: fieldIn(text) ?? known.cure } : known
}
