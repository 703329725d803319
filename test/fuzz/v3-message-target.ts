/**
 * Any bytes with any headers may arrive as a notification of APIv3. Reading them must not crash. A
 * notification is accepted only if WeChat has signed exactly these bytes and encrypted the facts
 * that we read. `wechatpay-axios-plugin` is the second opinion.
 */
import fc from 'fast-check'
import type { ReadNotification } from '../../lib/ports.ts'
import { readNotification } from '../../lib/wechat/v3/notification.ts'
import { field, withoutMark } from './json-fields.ts'
import { Violation, type Outcome, type Target } from './target.ts'
import { toHeaders, v3Messages, type V3Message } from './v3-messages.ts'
import { otherLibraryOpens, otherLibraryVerifies } from './v3-readers.ts'
import {
  findForgery,
  NOW,
  platformKeys,
  publicKeys,
  settings,
  SIGNATURE_TYPE,
  wechat,
} from './v3-wechat.ts'

const order = {
  outTradeNo: '20250102030405000000000000000001',
  transactionId: '4200002500202501020000000001',
  totalFee: '101',
  openid: 'oDemo000000000000000000User1',
}

export const v3MessageTarget: Target<V3Message> = {
  name: 'notifications of APIv3',
  inputs: v3Messages(
    wechat,
    fc.constant(order),
    fc.constant({ outTradeNo: order.outTradeNo, outRefundNo: 'R20250102030405000000000000000001' }),
  ),
  check: checkV3Message,
  print: ({ headers, bytes }) =>
    [
      ...headers.map((header) => header.join(': ')),
      JSON.stringify(bytes.toString('utf8')),
      `in base64: ${bytes.toString('base64')}`,
    ].join('\n  '),
}

async function checkV3Message(message: V3Message): Promise<Outcome> {
  const { bytes, mustBe } = message
  const headers = toHeaders(message.headers)
  const incoming = { headers, bytes, query: new URLSearchParams() }
  const read = await readNotification(settings, platformKeys, incoming, NOW)
  const other = otherLibraryVerifies(publicKeys, headers, bytes, NOW)
  const isUtf8 = bytes.equals(Buffer.from(bytes.toString('utf8')))
  if (read.ok) {
    const { kind } = read.value
    const forgery = findForgery(headers, bytes, message.signed)
    if (forgery !== null) throw new Violation(`a notification was accepted ${forgery}`)
    if (!other && isUtf8) throw new Violation('the other library refuses an accepted notification')
    if (mustBe !== null && kind !== mustBe) throw new Violation(`${mustBe} was read as ${kind}`)
    if (kind === 'paid' || kind === 'not_paid' || kind === 'refund')
      checkContent(message, read.value)
    return `accepted: ${kind}`
  }
  const check = read.error.reason === 'notice_rejected' ? read.error.check : read.error.reason
  if (mustBe !== null) throw new Violation(`a genuine notification was refused: ${check}`)
  if (['signature', 'time', 'serial'].includes(check))
    return other
      ? `refused: ${check}, the other library accepts ${nameLeniency(headers)}`
      : `refused: ${check}`
  if (!other && isUtf8)
    throw new Violation(`the other library refuses the signature of a signed message: ${check}`)
  if (check === 'decryption') return checkSealed(bytes)
  return `signed, refused: ${check}`
}

/** In these ways the other library is less strict. All of them need WeChat's signature. */
function nameLeniency(headers: Headers): string {
  const header = (name: string) => headers.get(`wechatpay-${name}`) ?? ''
  const signature = header('signature')
  if (header('nonce') === '') return 'no nonce'
  if (![SIGNATURE_TYPE, ''].includes(header('signature-type')) || headers.get(TYPE) === '')
    return 'another signature type'
  if (Buffer.from(signature, 'base64').toString('base64') !== signature)
    return 'a signature that is nearly Base64'
  if (!/^\d{1,11}$/.test(header('timestamp'))) return 'another notation of the time'
  if (Math.abs(NOW.getTime() / 1000 - Number(header('timestamp'))) === 300)
    return 'a message of exactly five minutes'
  throw new Violation('a message was refused that the other library accepts')
}

const TYPE = 'wechatpay-signature-type'

/** A resource that we cannot decrypt must be closed to the other library too. */
function checkSealed(bytes: Buffer): Outcome {
  const resource = field(JSON.parse(withoutMark(bytes)), 'resource')
  if (otherLibraryOpens(settings.apiKey, resource) !== null)
    throw new Violation('a resource was refused that the other library decrypts')
  return 'signed, refused: decryption'
}

/** The accepted facts must be those that WeChat has encrypted and the other library decrypts. */
function checkContent({ bytes, sealed }: V3Message, accepted: ReadNotification): void {
  const envelope: unknown = JSON.parse(withoutMark(bytes))
  const resource = field(envelope, 'resource')
  if (
    sealed === null ||
    field(resource, 'nonce') !== sealed.nonce ||
    (field(resource, 'associated_data') ?? '') !== sealed.associatedData
  )
    throw new Violation('a resource was accepted that WeChat has not encrypted like that')
  const opened = otherLibraryOpens(settings.apiKey, resource)
  if (opened !== sealed.plain.toString('utf8'))
    throw new Violation('the other library decrypts another text')
  const plain: unknown = JSON.parse(withoutMark(sealed.plain))
  const original = accepted.kind === 'refund' ? 'refund' : 'transaction'
  if (
    field(resource, 'original_type') !== original ||
    !String(field(envelope, 'event_type')).startsWith(`${original.toUpperCase()}.`)
  )
    throw new Violation('a resource was accepted under another event')
  if (field(plain, 'mchid') !== settings.mchId)
    throw new Violation('a notification of another merchant was accepted')
  if (JSON.stringify(factsOf(accepted)) !== JSON.stringify(factsIn(plain, accepted.kind)))
    throw new Violation('the accepted facts differ from the message')
}

const STATUSES: Readonly<Record<string, string>> = {
  SUCCESS: 'SUCCESS',
  PROCESSING: 'PROCESSING',
  CLOSED: 'REFUNDCLOSE',
  ABNORMAL: 'CHANGE',
}

function factsOf(accepted: ReadNotification): readonly unknown[] {
  if (accepted.kind === 'paid') {
    const { outTradeNo, transactionId, totalFee, feeType, openid, paidAt } = accepted.confirmation
    return [outTradeNo, transactionId, totalFee, feeType, openid, paidAt.getTime()]
  }
  if (accepted.kind !== 'refund') return ['not paid']
  const { outTradeNo, outRefundNo, refundStatus, verified } = accepted
  return [outTradeNo, outRefundNo, refundStatus, verified]
}

function factsIn(plain: unknown, kind: ReadNotification['kind']): readonly unknown[] {
  const at = (...path: readonly string[]) => field(plain, ...path)
  if (kind === 'refund') {
    const [outTradeNo, outRefundNo] = [at('out_trade_no'), at('out_refund_no')]
    const refundStatus = STATUSES[String(at('refund_status'))]
    const verified = {
      outTradeNo,
      outRefundNo,
      refundStatus,
      transactionId: at('transaction_id'),
      refundId: at('refund_id'),
      refundFee: at('amount', 'refund'),
    }
    return [outTradeNo, outRefundNo, refundStatus, verified]
  }
  if (at('appid') !== settings.appid)
    throw new Violation('a payment under another appid was accepted')
  if (kind !== 'paid') return [at('trade_state') === 'SUCCESS' ? 'paid' : 'not paid']
  if (at('trade_state') !== 'SUCCESS') throw new Violation('an unpaid order was confirmed')
  if (['combine_out_trade_no', 'sp_mchid', 'sub_mchid'].some((name) => at(name) !== undefined))
    throw new Violation('a payment of another product was confirmed')
  return [
    at('out_trade_no'),
    at('transaction_id'),
    at('amount', 'total'),
    at('amount', 'currency') ?? 'CNY',
    at('payer', 'openid'),
    new Date(String(at('success_time'))).getTime(),
  ]
}
