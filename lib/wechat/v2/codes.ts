import { causeIn, fieldIn } from './named-cause.ts'

/**
 * The meaning of WeChat's v2 error codes, and what a person does.
 *
 * Source: the error tables of unified order, order query and close order
 * (https://pay.weixin.qq.com/doc/v2/merchant/). Some codes stand for many causes, and only WeChat's
 * text names the actual one. The remedy then follows the text.
 */
export type CodeMeaning =
  /** The order is already paid or closed. */
  | { readonly action: 'paid' | 'closed' }
  /** WeChat does not know the order, the payment or the refund. */
  | { readonly action: 'missing' }
  /** WeChat has other content under this number. */
  | { readonly action: 'number_taken' }
  /** Not possible in the order's current state. */
  | { readonly action: 'not_now' }
  /** The outcome is unknown. The same request may be sent again. */
  | { readonly action: 'ask_again' }
  /** Too many calls: try again later. */
  | { readonly action: 'slow_down' }
  | { readonly action: 'refuse' }
  /** Only a person can fix it. `remedy` says how. */
  | { readonly action: 'alert'; readonly remedy: string }

const bug = (remedy: string): CodeMeaning => ({ action: 'alert', remedy })

const table: ReadonlyMap<string, CodeMeaning> = new Map<string, CodeMeaning>([
  ['ORDERPAID', { action: 'paid' }],
  ['ORDERCLOSED', { action: 'closed' }],
  ['ORDERNOTEXIST', { action: 'missing' }],
  ['OUT_TRADE_NO_USED', { action: 'number_taken' }],
  ['INVALID_REQUEST', { action: 'number_taken' }],
  ['TRADE_STATE_ERROR', { action: 'not_now' }],
  ['SYSTEMERROR', { action: 'ask_again' }],
  ['FREQUENCY_LIMITED', { action: 'slow_down' }],
  ['NOTENOUGH', { action: 'refuse' }],
  ['INVALID_TRANSACTIONID', { action: 'missing' }],
  ['REFUNDNOTEXIST', { action: 'missing' }],
  [
    'SIGNERROR',
    {
      action: 'alert',
      remedy:
        'WECHAT_PAY_KEY is not the APIv2 key of this merchant: compare it with what your other systems use; WECHAT_APP_SECRET may be swapped with it',
    },
  ],
  [
    'NOAUTH',
    {
      action: 'alert',
      remedy:
        'the merchant may not use JSAPI payment: switch it on in the merchant console under Product Center',
    },
  ],
  [
    'APPID_NOT_EXIST',
    {
      action: 'alert',
      remedy:
        'WeChat does not know WECHAT_APPID: compare it in the Mini Program console under Development',
    },
  ],
  [
    'MCHID_NOT_EXIST',
    {
      action: 'alert',
      remedy:
        'WeChat does not know WECHAT_MCH_ID: compare it in the merchant console under Account Center',
    },
  ],
  [
    'APPID_MCHID_NOT_MATCH',
    {
      action: 'alert',
      remedy:
        'WECHAT_APPID and WECHAT_MCH_ID are not bound: bind them in the merchant console under Product Center, AppID',
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
 * For a code that is not in the table: the call is refused, and nothing is decided.
 *
 * - Unified order: the order stays open, and prepay may be called again.
 * - Order query and refund query: the state stays as it is, and is queried again.
 * - Close: the same as "not now", so cron keeps asking about the order.
 * - Refund: see `refund-codes.ts`.
 */
export const UNKNOWN_CODE: CodeMeaning = { action: 'refuse' }

/** @param text WeChat's own text beside the code, which may name the cause. */
export function meaningOf(code: string, text = ''): CodeMeaning {
  const known = table.get(code) ?? UNKNOWN_CODE
  if (known.action !== 'alert' && known.action !== 'refuse' && known.action !== 'number_taken')
    return known
  const cause = causeIn(text)
  if (cause !== null) return { action: 'alert', remedy: cause.remedy }
  return known.action === 'alert'
    ? { action: 'alert', remedy: fieldIn(text) ?? known.remedy }
    : known
}
