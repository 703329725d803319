/**
 * The meaning of WeChat's v3 error codes for each kind of call, and what a person does.
 *
 * Source: the error tables of https://pay.weixin.qq.com/doc/v3/merchant/. Older pages write the
 * codes without underscores, so codes are compared without them. Some codes stand for many causes,
 * and only `detail.field` or WeChat's text names the actual one. The remedy then follows it.
 */
export type CallKind =
  | 'place'
  | 'query'
  | 'close'
  | 'refund'
  | 'payout'
  | 'refund_query'
  | 'bill'
  | 'complaint'
  | 'complaint_action'

export type CodeMeaning =
  /** The order is already paid or closed. */
  | { readonly action: 'paid' | 'closed' }
  /** WeChat does not know the order, the refund or the complaint, or has no bill for the day. */
  | { readonly action: 'missing' }
  /** WeChat has other content under this number. */
  | { readonly action: 'number_taken' }
  /** Not possible at the moment. */
  | { readonly action: 'not_now' }
  /** Too many calls: try again later. */
  | { readonly action: 'slow_down' }
  /** The outcome is unknown. The same request may be sent again. */
  | { readonly action: 'ask_again' }
  | { readonly action: 'refuse' }
  /** Only a person can fix it. `remedy` says how. */
  | { readonly action: 'alert'; readonly remedy: string }

const action = <A extends string>(name: A): { readonly action: A } => ({ action: name })
const alert = (remedy: string): CodeMeaning => ({ action: 'alert', remedy })

const NOT_BOUND = alert(
  'WECHAT_APPID and WECHAT_MCH_ID are not bound: bind them in the merchant console under Product Center, AppID',
)
const OPENID_OF_ANOTHER_APP = alert(
  'the openid of the order is not one of WECHAT_APPID: use the openid that a login of this Mini Program gave, and compare WECHAT_APPID in the Mini Program console',
)
const ADDRESS_REFUSED = alert(
  'WeChat accepts calls of this merchant from listed addresses only: switch the IP allow-list off in the merchant console under Account Center, API Security',
)
const SERIAL_REFUSED = alert(
  'WeChat does not know the key that the call names: compare WECHAT_PAY_PUBLIC_KEY_ID in the merchant console under Account Center, API Security; without a public key, the platform certificates are downloaded again within a minute',
)
const NO_HEADER = alert('a header of our request was lost: look for a proxy that removes headers')

/** Codes that mean the same for every kind of call. */
const common: ReadonlyMap<string, CodeMeaning> = new Map<string, CodeMeaning>([
  [
    'SIGNERROR',
    alert(
      'WeChat does not accept our signature: WECHAT_PAY_CERT and WECHAT_PAY_CERT_KEY must be the current API certificate of WECHAT_MCH_ID and its key, and the clock of the server must be right',
    ),
  ],
  [
    'NOAUTH',
    alert(
      'the merchant may not make this call: switch the product on in the merchant console under Product Center',
    ),
  ],
  ['APPIDMCHIDNOTMATCH', NOT_BOUND],
  ['OPENIDMISMATCH', OPENID_OF_ANOTHER_APP],
  [
    'MCHNOTEXISTS',
    alert(
      'WeChat does not know WECHAT_MCH_ID: compare it in the merchant console under Account Center',
    ),
  ],
  [
    'ACCOUNTERROR',
    alert('the merchant account is restricted: look at its state in the merchant console'),
  ],
  ['PARAMERROR', alert('a field of our request has a value WeChat does not take')],
  ['FREQUENCYLIMITED', action('slow_down')],
  ['RATELIMITEXCEEDED', action('slow_down')],
  ['SYSTEMERROR', action('ask_again')],
  ['SERVICEUNAVAILABLE', action('ask_again')],
  ['BANKERROR', action('ask_again')],
  ['USERPAYING', action('ask_again')],
  ['INVALIDREQUEST', action('refuse')],
  ['RULELIMIT', action('refuse')],
  ['TRADEERROR', action('refuse')],
])

const byKind: Readonly<Record<CallKind, ReadonlyMap<string, CodeMeaning>>> = {
  // The last three may mean that the order is paid or closed. `number_taken` lets the caller query
  // the order first.
  place: new Map<string, CodeMeaning>([
    ['ORDERPAID', action('paid')],
    ['ORDERCLOSED', action('closed')],
    ['OUTTRADENOUSED', action('number_taken')],
    ['INVALIDREQUEST', action('number_taken')],
    ['TRADEERROR', action('number_taken')],
    ['RULELIMIT', action('number_taken')],
  ]),
  query: new Map<string, CodeMeaning>([
    ['ORDERNOTEXIST', action('missing')],
    ['ORDERCLOSED', action('closed')],
  ]),
  // WeChat's pages differ in the code for a paid order. The query that follows tells.
  close: new Map<string, CodeMeaning>([
    ['ORDERPAID', action('paid')],
    ['ORDERCLOSED', action('closed')],
    ['ORDERNOTEXIST', action('missing')],
    ['INVALIDREQUEST', action('not_now')],
    ['RULELIMIT', action('not_now')],
    ['TRADEERROR', action('not_now')],
  ]),
  refund: new Map<string, CodeMeaning>(),
  // The merchant's own account data may be wrong.
  payout: new Map<string, CodeMeaning>([['PARAMERROR', action('refuse')]]),
  refund_query: new Map<string, CodeMeaning>([
    ['RESOURCENOTEXISTS', action('missing')],
    ['REFUNDNOTEXIST', action('missing')],
  ]),
  complaint: new Map<string, CodeMeaning>([['RESOURCENOTEXISTS', action('missing')]]),
  // WeChat refuses an action that does not fit the state of the complaint.
  complaint_action: new Map<string, CodeMeaning>([
    ['RESOURCENOTEXISTS', action('missing')],
    ['PARAMERROR', action('refuse')],
  ]),
  bill: new Map<string, CodeMeaning>([
    ['NOSTATEMENTEXIST', action('missing')],
    ['STATEMENTCREATING', action('not_now')],
  ]),
}

/**
 * For a code that is not in the tables: the outcome is unknown. The same call may be made again,
 * and nothing is decided. A refusal of a refund or a payout is passed on with its code, and an
 * unknown code is not final there either.
 */
const UNKNOWN_CODE: CodeMeaning = { action: 'ask_again' }
const REFUND_REFUSED: CodeMeaning = { action: 'refuse' }

/** The form in which codes are compared. */
export const withoutUnderscores = (code: string): string => code.replaceAll('_', '')

export interface ErrorBody {
  readonly code: string
  /** WeChat's own text beside the code, which may name the cause. */
  readonly text: string
  /** The field of our request that WeChat refuses, as a JSON Pointer; empty if it names none. */
  readonly field: string
}

export function meaningOf(kind: CallKind, { code, text, field }: ErrorBody): CodeMeaning {
  const plain = withoutUnderscores(code)
  const known = byKind[kind].get(plain) ?? common.get(plain)
  if (known === undefined)
    return kind === 'refund' || kind === 'payout' ? REFUND_REFUSED : UNKNOWN_CODE
  if (plain === 'INVALIDREQUEST' || plain === 'PARAMERROR') {
    if (namesSerial({ text, field })) return SERIAL_REFUSED
    const cause = causeIn(text)
    if (cause !== null) return cause
  }
  if (plain !== 'PARAMERROR') return known
  const source = sourceOf(field)
  return source === null ? known : alert(`WeChat does not accept the field ${field}: ${source}`)
}

/** The remedy of a code that names a fault of the configuration; null for any other code. */
export function configurationFault(code: string): string | null {
  const plain = withoutUnderscores(code)
  const known = plain === 'PARAMERROR' ? undefined : common.get(plain)
  return known?.action === 'alert' ? known.remedy : null
}

/** Source: https://pay.weixin.qq.com/doc/v3/merchant/4013053279. */
export const namesSerial = ({ text, field }: Pick<ErrorBody, 'text' | 'field'>): boolean =>
  /Wechatpay-Serial/i.test(`${field} ${text}`)

function causeIn(text: string): CodeMeaning | null {
  if (/IP\s*地址|IP address/i.test(text)) return ADDRESS_REFUSED
  if (/Http头缺少/i.test(text)) return NO_HEADER
  if (!/match|匹配|不符|不一致|不对应/i.test(text) || !/appid/i.test(text)) return null
  if (/openid/i.test(text)) return OPENID_OF_ANOTHER_APP
  return /mch_?id|商户号/i.test(text) ? NOT_BOUND : null
}

/** The fields that we send, and the source of each value. */
const SOURCES: ReadonlyMap<string, string> = new Map([
  ['appid', 'check the variable WECHAT_APPID'],
  ['mchid', 'check the variable WECHAT_MCH_ID'],
  ['notify_url', 'check the variable PUBLIC_URL'],
  ['openid', 'the payer’s openid must be one of WECHAT_APPID'],
  ['payer_client_ip', 'check the payer’s address'],
  ['out_trade_no', 'check outTradeNo of the order'],
  ['transaction_id', 'check transactionId of the order'],
  ['total', 'check totalFee of the order'],
  ['description', 'check body of the order, or the name of its product'],
  ['attach', 'check attach of the order'],
  ['time_expire', 'check timeExpire of the order'],
  ['out_refund_no', 'check outRefundNo of the refund'],
  ['refund', 'check refundFee of the refund'],
  ['reason', 'check refundDesc of the refund'],
  ['bill_date', 'check the day of the bill'],
])

const sourceOf = (field: string): string | null =>
  SOURCES.get(field.split('/').at(-1) ?? '') ?? null
