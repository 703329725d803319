/**
 * Generates hostile answers to our calls over APIv3: genuine ones, and those that are changed
 * before or after WeChat signs them.
 */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { writeBill } from '../support/bill.ts'
import { openOrder, paidOrder } from '../support/latte.ts'
import { certificateList } from '../support/v3-certificates.ts'
import { base64Change, jsonChange, jsonTextChange } from './json-changes.ts'
import { byteChange } from './mutations.ts'
import {
  few,
  GENUINE,
  headerChange,
  signature,
  signBody,
  sometimes,
  transactionOf,
  usually,
  type Pairs,
  type Signed,
} from './v3-messages.ts'
import { certificate, settings, wechat } from './v3-wechat.ts'

export const callNames = [
  'prepay',
  'query',
  'payment query',
  'close',
  'refund',
  'refund query',
  'payout',
  'bill',
  'certificates',
] as const
export type CallName = (typeof callNames)[number]

export interface HostileAnswer {
  readonly call: CallName
  readonly status: number
  readonly headers: Pairs
  readonly bytes: Buffer
  readonly signed: Signed | null
  /** The bytes of the bill's file. */
  readonly file: Buffer
  /** The outcome, if the answer is genuine. */
  readonly mustBe: string | null
}

export const REFUND_NUMBER = 'R-1'
export const REFUND_FEE = 1_000

const facts = {
  outTradeNo: openOrder.outTradeNo,
  transactionId: paidOrder.transactionId,
  totalFee: String(openOrder.totalFee),
  openid: openOrder.openid,
}
const transaction = (trade_state: string) => ({ ...transactionOf(wechat, facts), trade_state })
const refund = (status: string) => ({
  refund_id: '50300002502025010200000000001',
  out_refund_no: REFUND_NUMBER,
  transaction_id: facts.transactionId,
  out_trade_no: facts.outTradeNo,
  channel: 'ORIGINAL',
  user_received_account: '支付用户零钱',
  create_time: '2025-01-02T03:20:11+08:00',
  status,
  amount: { total: 2_800, refund: REFUND_FEE, payer_total: 2_800, payer_refund: REFUND_FEE },
})

const BILL = writeBill([
  { outTradeNo: facts.outTradeNo, transactionId: facts.transactionId, totalFee: 2_800 },
])
export const FILE = '/v3/billdownload/file?token=a%2Bb&tartype=gzip'

interface Genuine {
  readonly status: number
  /** Null for an answer without a body. */
  readonly json: object | null
  readonly outcome: string
}

const success = (json: object | null, outcome: string, status = 200): Genuine => ({
  status,
  json,
  outcome,
})

const successes = (host: string): Readonly<Record<CallName, readonly Genuine[]>> => ({
  prepay: [success({ prepay_id: 'wx0203' }, 'placed')],
  query: [
    success(transaction('SUCCESS'), 'paid'),
    success(transaction('REFUND'), 'refunded'),
    success(transaction('NOTPAY'), 'open'),
    success(transaction('CLOSED'), 'closed'),
  ],
  'payment query': [
    success(transaction('SUCCESS'), 'paid'),
    success(transaction('REFUND'), 'refunded'),
  ],
  close: [success(null, 'closed', 204)],
  refund: [success(refund('PROCESSING'), 'accepted'), success(refund('SUCCESS'), 'accepted')],
  'refund query': ['PROCESSING', 'SUCCESS', 'CLOSED', 'ABNORMAL'].map((status) =>
    success(refund(status), 'known'),
  ),
  payout: [success(refund('PROCESSING'), 'accepted')],
  bill: [
    success(
      {
        hash_type: 'SHA1',
        hash_value: createHash('sha1').update(BILL).digest('hex'),
        download_url: host + FILE,
      },
      'bill',
    ),
  ],
  certificates: [success(certificateList([certificate], settings.apiKey), 'certificate')],
})

const REFUSED = { INVALIDREQUEST: 'refused', RULELIMIT: 'refused', TRADEERROR: 'refused' }
const NOT_NOW = { INVALIDREQUEST: 'not_now', RULELIMIT: 'not_now', TRADEERROR: 'not_now' }
const TAKEN = {
  INVALIDREQUEST: 'number_taken',
  RULELIMIT: 'number_taken',
  TRADEERROR: 'number_taken',
  OUTTRADENOUSED: 'number_taken',
}
const QUERY = { ORDERNOTEXIST: 'missing', ORDERCLOSED: 'closed', ...REFUSED }
const FINISHED = { ORDERPAID: 'paid', ORDERCLOSED: 'closed' }
/**
 * The documented codes with a definite outcome, without underscores. Every other code leaves the
 * outcome of a call open.
 */
const DEFINITE: Readonly<Record<CallName, Readonly<Record<string, string>>>> = {
  prepay: { ...FINISHED, ...TAKEN },
  query: QUERY,
  'payment query': QUERY,
  close: { ...FINISHED, ORDERNOTEXIST: 'missing', ...NOT_NOW },
  refund: {
    ...REFUSED,
    NOTENOUGH: 'refused',
    USERACCOUNTABNORMAL: 'never',
    TRADEOVERDUE: 'never',
    RESOURCENOTEXISTS: 'never',
    ORDERNOTEXIST: 'never',
    FREQUENCYLIMITED: 'later',
    RATELIMITEXCEEDED: 'later',
  },
  'refund query': { RESOURCENOTEXISTS: 'missing', REFUNDNOTEXIST: 'missing', ...REFUSED },
  payout: { ...REFUSED, PARAMERROR: 'refused' },
  bill: { NOSTATEMENTEXIST: 'no bill', STATEMENTCREATING: 'bill_not_ready', ...REFUSED },
  certificates: {},
}

/** Faults of the configuration. */
export const FAULTS = [
  'SIGN_ERROR',
  'NO_AUTH',
  'APPID_MCHID_NOT_MATCH',
  'OPENID_MISMATCH',
  'MCH_NOT_EXISTS',
  'ACCOUNT_ERROR',
] as const
const OTHER_CODES =
  'PARAM_ERROR INVALID_REQUEST RULE_LIMIT TRADE_ERROR OUT_TRADE_NO_USED ORDER_PAID ORDERPAID ' +
  'ORDER_CLOSED ORDER_NOT_EXIST ORDERNOTEXIST RESOURCE_NOT_EXISTS REFUND_NOT_EXIST ' +
  'USER_ACCOUNT_ABNORMAL TRADE_OVERDUE NOT_ENOUGH NOTENOUGH NO_STATEMENT_EXIST ' +
  'STATEMENT_CREATING USERPAYING SYSTEM_ERROR BANK_ERROR SERVICE_UNAVAILABLE ' +
  'FREQUENCY_LIMITED A_CODE_OF_TOMORROW constructor __proto__ toString'
const CODES = [...FAULTS, ...OTHER_CODES.split(' ')]

export const withoutUnderscores = (code: string): string => code.replaceAll('_', '')

const OPEN_CODES = ['SYSTEMERROR', 'BANKERROR', 'SERVICEUNAVAILABLE', 'USERPAYING']

/** The outcome of a signed refusal. */
export function outcomeOf(call: CallName, code: string): string {
  const plain = withoutUnderscores(code)
  if (call === 'certificates') return 'none'
  const definite = Object.hasOwn(DEFINITE[call], plain) ? DEFINITE[call][plain] : undefined
  if (definite !== undefined) return definite
  if ([...FAULTS, 'PARAM_ERROR'].some((fault) => withoutUnderscores(fault) === plain))
    return 'wechat_misconfigured'
  if (['FREQUENCYLIMITED', 'RATELIMITEXCEEDED'].includes(plain)) return 'wechat_busy'
  const isRefund = call === 'refund' || call === 'payout'
  return isRefund && !OPEN_CODES.includes(plain) ? 'refused' : 'wechat_unknown'
}

const refusals = (call: CallName): fc.Arbitrary<Genuine> =>
  fc
    .tuple(fc.constantFrom(...CODES), fc.constantFrom(400, 403, 404, 202))
    .filter(
      ([code, status]) =>
        status !== 404 || code !== 'RESOURCE_NOT_EXISTS' || call !== 'certificates',
    )
    .map(([code, status]) => ({
      status,
      json: {
        code,
        message: '原因',
        detail: { field: '', value: '', issue: '', location: 'body' },
      },
      outcome: outcomeOf(call, code),
    }))

const STATUSES = [200, 201, 202, 204, 206, 302, 400, 401, 403, 404, 429, 500, 503]

/** Headers about the body, which the signature does not cover. */
const otherHeaders = usually<Pairs>(
  [],
  [
    [['Content-Encoding', 'gzip']],
    [['Content-Length', '5']],
    [['Content-Type', 'text/html; charset=gbk']],
    [['Location', 'http://127.0.0.1:1/']],
    [['Retry-After', '999999999']],
    [['Wechatpay-Signature', '']],
  ],
  10,
)

/** Genuine answers about another order or refund. */
const FOREIGN = [
  ...['SUCCESS', 'NOTPAY', 'CLOSED'].map((state) => ({
    ...transaction(state),
    out_trade_no: 'LATTE-000002',
    transaction_id: '4200002500202501020000000002',
  })),
  { ...refund('SUCCESS'), out_refund_no: 'R-2' },
  { ...refund('SUCCESS'), out_trade_no: 'LATTE-000002' },
  { ...refund('SUCCESS'), amount: { total: 2_800, refund: 1 } },
].map((json) => success(json, 'wechat_untrusted'))

export function hostileAnswers(host: string): fc.Arbitrary<HostileAnswer> {
  const all = successes(host)
  const contentOf = (call: CallName): fc.Arbitrary<Genuine> =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...all[call]) },
      { weight: 2, arbitrary: refusals(call) },
    )
  const anyCall = fc.constantFrom(...callNames)
  const genuine = anyCall.chain((call) =>
    fc
      .tuple(contentOf(call), fc.constantFrom(0, 1, 2), fc.constantFrom(0, 299, -299), fc.boolean())
      .map(([{ status, json, outcome }, key, skew, isZipped]) => {
        const bytes = Buffer.from(json === null ? '' : JSON.stringify(json))
        const signing = { ...GENUINE, key, at: (now: number) => now + skew }
        const file = isZipped ? gzipSync(BILL) : Buffer.from(BILL)
        return { call, status, bytes, file, mustBe: outcome, ...signBody(wechat, bytes, signing) }
      }),
  )
  const changed = anyCall.chain((call) =>
    fc
      .record({
        // Sometimes the genuine answer to another call.
        content: fc.oneof(
          { weight: 6, arbitrary: contentOf(call) },
          { weight: 1, arbitrary: anyCall.chain(contentOf) },
          { weight: 1, arbitrary: fc.constantFrom(...FOREIGN) },
        ),
        changeJson: sometimes(jsonChange, 3),
        changeCipher: sometimes(base64Change, 3),
        changeText: sometimes(jsonTextChange, 6),
        changeBytes: sometimes(byteChange, 6),
        isSignedFirst: fc.boolean(),
        signing: signature,
        changeHeaders: sometimes(headerChange, 2),
        isUnsigned: usually(false, [true], 8),
        otherHeaders,
        otherStatus: usually<number | null>(null, STATUSES, 3),
        changeFile: few(byteChange, 1),
        isZipped: fc.boolean(),
      })
      .map((input) => {
        const { json, status } = input.content
        const original = Buffer.from(json === null ? '' : JSON.stringify(json))
        const text = json === null ? '' : JSON.stringify(input.changeJson(json))
        const withCipher = text?.replace(/(?<="ciphertext":")[^"]*/, input.changeCipher)
        const bytes = input.changeBytes(Buffer.from(input.changeText(withCipher ?? '')))
        const { headers, signed } = signBody(
          wechat,
          input.isSignedFirst ? original : bytes,
          input.signing,
        )
        const file = input.isZipped ? gzipSync(BILL) : Buffer.from(BILL)
        return {
          call,
          status: input.otherStatus ?? status,
          headers: [
            ...(input.isUnsigned ? [] : input.changeHeaders(headers)),
            ...input.otherHeaders,
          ],
          bytes,
          signed: input.isUnsigned ? null : signed,
          file: input.changeFile(file),
          mustBe: null,
        }
      }),
  )
  return fc.oneof({ weight: 1, arbitrary: genuine }, { weight: 8, arbitrary: changed })
}
