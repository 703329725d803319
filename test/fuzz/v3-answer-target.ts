/**
 * Any answer may come to a call over APIv3. Only an answer that WeChat has signed decides
 * something, and only a documented code means no. Everything else leaves the outcome open.
 */
import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { parseDay } from '../../lib/core/day.ts'
import type { Failure } from '../../lib/core/failure.ts'
import { parseOutRefundNo } from '../../lib/core/ids.ts'
import type { Refund } from '../../lib/core/refund.ts'
import type { Confirmation } from '../../lib/core/confirmation.ts'
import type { KnownRefund } from '../../lib/ports.ts'
import { readBill } from '../../lib/wechat/v3/bill.ts'
import type { CallSettings } from '../../lib/wechat/v3/call.ts'
import { createCertificateKeys } from '../../lib/wechat/v3/certificates.ts'
import { createOrderCalls } from '../../lib/wechat/v3/orders.ts'
import { payOutRefund } from '../../lib/wechat/v3/payouts.ts'
import { createRefundCalls } from '../../lib/wechat/v3/refunds.ts'
import { createSeenRefunds } from '../../lib/wechat/v3/seen-refunds.ts'
import { fen, openOrder, paidOrder } from '../support/latte.ts'
import { must } from '../support/must.ts'
import { openHost, type Host } from '../support/v3-host.ts'
import { field, withoutMark } from './json-fields.ts'
import { Violation, type Outcome, type Target } from './target.ts'
import {
  FAULTS,
  FILE,
  hostileAnswers,
  outcomeOf,
  REFUND_FEE,
  REFUND_NUMBER,
  withoutUnderscores,
  type CallName,
  type HostileAnswer,
} from './v3-answers.ts'
import { toHeaders } from './v3-messages.ts'
import { otherLibraryOpens, otherLibraryVerifies } from './v3-readers.ts'
import { certificate, findForgery, NOW, platformKeys, publicKeys, settings } from './v3-wechat.ts'

const refund: Refund = {
  payment: paidOrder,
  outRefundNo: must(parseOutRefundNo(REFUND_NUMBER)),
  outTradeNo: paidOrder.outTradeNo,
  refundFee: fen(REFUND_FEE),
  refundDesc: null,
  refundStatus: 'PROCESSING',
  refundId: '50300002502025010200000000001',
  errCode: null,
  errText: null,
  waitingSince: NOW,
  isParked: false,
  payoutRequestedAt: null,
}

/** The outcome of a call, and the facts that it gave. */
interface Told {
  readonly outcome: string
  readonly facts: readonly unknown[]
}

const told = (outcome: string, ...facts: readonly unknown[]): Told => ({ outcome, facts })
const failed = ({ reason }: Failure): Told => told(reason === 'wechat_refused' ? 'refused' : reason)
const payment = ({ outTradeNo, transactionId, totalFee, openid, paidAt }: Confirmation) => [
  outTradeNo,
  transactionId,
  totalFee,
  openid,
  paidAt.getTime(),
]
const refundFacts = ({
  outTradeNo,
  outRefundNo,
  refundId,
  refundFee,
  refundStatus,
}: KnownRefund) => [outTradeNo, outRefundNo, refundId, refundFee, refundStatus]

function makeCalls(own: CallSettings): Readonly<Record<CallName, () => Promise<Told>>> {
  const orders = createOrderCalls(own)
  const lists = { overV2: null, findNumbers: async () => [] }
  const refunds = createRefundCalls(own, lists, createSeenRefunds(), orders.findPayment)
  const readQuery = async (asked: ReturnType<typeof orders.queryOrder>) => {
    const answer = await asked
    if (!answer.ok) return failed(answer.error)
    const { value } = answer
    return 'confirmation' in value
      ? told(value.state, ...payment(value.confirmation))
      : told(value.state)
  }
  return {
    async prepay() {
      const answer = await orders.placeOrder(openOrder, NOW)
      if (!answer.ok) return failed(answer.error)
      const { value } = answer
      return told(value.outcome, ...('prepayId' in value ? [value.prepayId] : []))
    },
    query: () => readQuery(orders.queryOrder(openOrder)),
    'payment query': () => readQuery(orders.findPayment(paidOrder.transactionId)),
    async close() {
      const answer = await orders.closeOrder(openOrder)
      return answer.ok ? told(answer.value) : failed(answer.error)
    },
    async refund() {
      const answer = await refunds.sendRefund(refund)
      if (!answer.ok) return failed(answer.error)
      const { value } = answer
      return told(value.outcome, ...(value.outcome === 'accepted' ? [value.refundId] : []))
    },
    async 'refund query'() {
      const answer = await refunds.queryRefund(refund)
      if (!answer.ok) return failed(answer.error)
      const { value } = answer
      return told(value.state, ...(value.state === 'known' ? refundFacts(value) : []))
    },
    async payout() {
      const answer = await payOutRefund(own, refund, { type: 'merchant_bank_card' })
      if (!answer.ok) return failed(answer.error)
      const { value } = answer
      return told(value.outcome, ...('refund' in value ? refundFacts(value.refund) : []))
    },
    async bill() {
      const rows: unknown[] = []
      for await (const batch of readBill(own, must(parseDay('2025-01-01')), 10_000)) {
        if (!batch.ok) return failed(batch.error)
        rows.push(...batch.value.map(({ outTradeNo }) => outTradeNo))
      }
      return rows.length === 0 ? told('no bill') : told('bill', ...rows)
    },
    async certificates() {
      const down = {
        find: async () => 'down' as const,
        keep: async () => undefined,
        forget: async () => undefined,
      }
      const serial = await createCertificateKeys(own, own, down).current()
      return serial === null ? told('none') : told('certificate', serial)
    },
  }
}

export interface AnswerTarget {
  readonly target: Target<HostileAnswer>
  readonly close: () => Promise<void>
}

/** Opens the server that gives the answers. */
export async function openAnswerTarget(): Promise<AnswerTarget> {
  const host = await openHost(() => 'reset')
  return {
    target: {
      name: 'answers of APIv3',
      inputs: hostileAnswers(host.url),
      check: (answer) => checkHostileAnswer(host, answer),
      print: ({ call, status, headers, bytes }) =>
        [
          `${call}: ${status}`,
          ...headers.map((header) => header.join(': ')),
          JSON.stringify(bytes.toString('utf8')),
          `in base64: ${bytes.toString('base64')}`,
        ].join('\n  '),
    },
    close: () => host.close(),
  }
}

/** These leave the outcome of the call open. */
const UNDECIDED = ['wechat_unknown', 'wechat_untrusted', 'wechat_busy', 'none']

async function checkHostileAnswer(host: Host, answer: HostileAnswer): Promise<Outcome> {
  const { call, status, bytes, signed, mustBe } = answer
  const headers = toHeaders(answer.headers)
  host.behave = ({ target }) =>
    target === FILE
      ? { status: 200, headers: {}, body: answer.file }
      : { status, headers: Object.fromEntries(headers), body: bytes }
  const own = {
    ...settings,
    hosts: [host.url] as const,
    newNonce: () => '593BEC0C930BF1AFEB40B4A08C8FB242',
    now: () => NOW,
    keys: platformKeys,
  }
  const { outcome, facts } = await makeCalls(own)[call]()
  if (mustBe !== null && outcome !== mustBe)
    throw new Violation(`${call}: a genuine answer is ${outcome} instead of ${mustBe}`)
  if (UNDECIDED.includes(outcome)) return `${call}: ${outcome}`
  // 429 only delays a refund.
  if (outcome === 'later' && status === 429) return `${call}: ${outcome}`

  const forgery = findForgery(headers, bodyOf(answer), signed)
  const code = codeIn(bytes)
  if (outcome === 'wechat_misconfigured' && forgery !== null) {
    const isFault = FAULTS.some((name) => withoutUnderscores(name) === withoutUnderscores(code))
    if (headers.has('wechatpay-signature') || !(isFault || status === 401))
      throw new Violation(`${call}: a forged answer names a fault of the configuration`)
    return `${call}: ${outcome}, unsigned`
  }
  if (forgery !== null) throw new Violation(`${call}: an answer decides ${outcome}, ${forgery}`)
  const isUtf8 = bytes.equals(Buffer.from(bytes.toString('utf8')))
  if (isUtf8 && !otherLibraryVerifies(publicKeys, headers, bodyOf(answer), NOW))
    throw new Violation(`${call}: the other library refuses an answer that decides ${outcome}`)
  checkDecision(answer, code, { outcome, facts })
  return `${call}: ${outcome}`
}

/** HTTP sends no body with this status. */
const bodyOf = ({ status, bytes }: HostileAnswer): Buffer =>
  status === 204 ? Buffer.alloc(0) : bytes

function codeIn(bytes: Buffer): string {
  try {
    const code = field(JSON.parse(withoutMark(bytes)), 'code')
    return typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : ''
  } catch {
    return ''
  }
}

/** The outcome must be the one that the signed text says. */
function checkDecision(answer: HostileAnswer, code: string, { outcome, facts }: Told): void {
  const { call } = answer
  if (code !== '') {
    // The text of some refusals names a fault of the configuration.
    if (outcome === 'wechat_misconfigured') return
    const documented = outcomeOf(call, code)
    if (outcome !== documented)
      throw new Violation(`${call}: ${code} decides ${outcome} instead of ${documented}`)
    return
  }
  const body = bodyOf(answer)
  const json: unknown = body.length === 0 ? null : JSON.parse(withoutMark(body))
  const expected = expectedIn(answer, json)
  if (JSON.stringify(expected) !== JSON.stringify({ outcome, facts }))
    throw new Violation(
      `${call}: ${JSON.stringify({ outcome, facts })} instead of ${JSON.stringify(expected)}`,
    )
}

const STATUSES: Readonly<Record<string, string>> = {
  SUCCESS: 'SUCCESS',
  PROCESSING: 'PROCESSING',
  CLOSED: 'REFUNDCLOSE',
  ABNORMAL: 'CHANGE',
}

function expectedIn({ call, file }: HostileAnswer, json: unknown): Told | null {
  const at = (...path: readonly string[]) => field(json, ...path)
  switch (call) {
    case 'prepay':
      return told('placed', at('prepay_id'))
    case 'query':
    case 'payment query': {
      const isAsked =
        call === 'query'
          ? at('out_trade_no') === openOrder.outTradeNo
          : at('transaction_id') === paidOrder.transactionId
      if (!isAsked || at('appid') !== settings.appid || at('mchid') !== settings.mchId) return null
      const paid = { SUCCESS: 'paid', REFUND: 'refunded' }[String(at('trade_state'))]
      if (paid === undefined) return told(at('trade_state') === 'CLOSED' ? 'closed' : 'open')
      const total = at('amount', 'total')
      const [number, id] = [at('out_trade_no'), at('transaction_id')]
      const paidAt = new Date(String(at('success_time'))).getTime()
      return told(paid, number, id, total, at('payer', 'openid'), paidAt)
    }
    case 'close':
      return json === null ? told('closed') : null
    case 'refund':
    case 'refund query':
    case 'payout': {
      const isAsked =
        at('out_refund_no') === REFUND_NUMBER &&
        (call === 'refund query' ||
          (at('out_trade_no') === refund.outTradeNo && at('amount', 'refund') === REFUND_FEE))
      const refundStatus = STATUSES[String(at('status'))]
      if (!isAsked || refundStatus === undefined) return null
      if (call === 'refund') return told('accepted', at('refund_id'))
      return told(
        call === 'payout' ? 'accepted' : 'known',
        at('out_trade_no'),
        at('out_refund_no'),
        at('refund_id'),
        at('amount', 'refund'),
        refundStatus,
      )
    }
    case 'bill': {
      const text = file[0] === 0x1f ? gunzipSync(file) : file
      const hash = createHash('sha1').update(text).digest('hex')
      const isNamed = String(at('hash_value')).toLowerCase() === hash
      return isNamed ? told('bill', openOrder.outTradeNo) : null
    }
    case 'certificates': {
      const opened = otherLibraryOpens(settings.apiKey, at('data', '0', 'encrypt_certificate'))
      return opened === certificate.pem ? told('certificate', certificate.serial) : null
    }
  }
}
