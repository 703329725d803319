/** Refunds over APIv2: the only call that WeChat takes over a client certificate alone. */
import { createDecipheriv, createHash } from 'node:crypto'
import type { Failure, NotificationCheck } from '../../core/failure.ts'
import { parseFen } from '../../core/money.ts'
import type { RefundStatus } from '../../core/refund.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { KnownRefund, Notification, Payment, Wechat } from '../../ports.ts'
import { call, keysOf, type PaySettings } from './call.ts'
import { refundRefusal } from './refund-codes.ts'
import type { Fields } from './sign.ts'
import { readXml } from './xml.ts'

type RefundCalls = Pick<Wechat, 'sendRefund' | 'askRefund' | 'listRefunds'>

/** WeChat allows 50 partial refunds of one order and lists them ten at a time. */
const MOST_PAGES = 10
const PAGE = 10

export function createRefundCalls(
  settings: PaySettings,
  newNonce: () => string,
  certified: () => Result<PaySettings, Failure>,
): RefundCalls {
  const query = (content: Fields) => call(settings, newNonce, '/pay/refundquery', content)
  return {
    async sendRefund(refund, order) {
      const content: Fields = new Map([
        ['transaction_id', order.transactionId],
        ['out_refund_no', refund.outRefundNo],
        ['total_fee', String(order.totalFee)],
        ['refund_fee', String(refund.refundFee)],
        ...(refund.refundDesc === null ? [] : [['refund_desc', refund.refundDesc] as const]),
        ['notify_url', order.notifyUrl],
      ])
      const withCertificate = certified()
      if (!withCertificate.ok) return withCertificate
      const answer = await call(withCertificate.value, newNonce, '/secapi/pay/refund', content)
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

    async askRefund(outRefundNo) {
      const answer = await query(new Map([['out_refund_no', outRefundNo]]))
      if (!answer.ok) return answer
      const { value } = answer
      if (value.kind === 'missing') return ok({ state: 'missing' })
      if (value.kind !== 'success')
        return err({ reason: 'wechat_refused', code: value.code, text: value.text })
      // The answer holds one refund, but under indexed names as in a list.
      const known = readRefunds(value.fields)?.find((refund) => refund.outRefundNo === outRefundNo)
      return known === undefined ? untrusted : ok({ state: 'known', ...known })
    },

    async listRefunds(order) {
      const found: KnownRefund[] = []
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const offset: Fields = new Map(found.length === 0 ? [] : [['offset', String(found.length)]])
        const answer = await query(new Map([['transaction_id', order.transactionId], ...offset]))
        if (!answer.ok) return answer
        const { value } = answer
        if (value.kind === 'missing' && found.length === 0) return ok([])
        if (value.kind !== 'success')
          return err({ reason: 'wechat_refused', code: value.code, text: value.text })
        const refunds = isOfOrder(value.fields, order) ? readRefunds(value.fields) : null
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

const isOfOrder = (fields: Fields, order: Payment): boolean =>
  fields.get('transaction_id') === order.transactionId &&
  fields.get('out_trade_no') === order.outTradeNo &&
  fields.get('total_fee') === String(order.totalFee)

/** A refund that is listed twice means that the list changed between two pages, so another one may be missing. */
const areDifferent = (refunds: readonly KnownRefund[]): boolean =>
  new Set(refunds.map(({ outRefundNo }) => outRefundNo)).size === refunds.length

/** Null if one of them cannot be read: an answer is used as a whole or not at all. */
function readRefunds(fields: Fields): readonly KnownRefund[] | null {
  const refunds: KnownRefund[] = []
  for (const [name, outRefundNo] of fields) {
    const index = /^out_refund_no_(\d+)$/.exec(name)?.[1]
    if (index === undefined) continue
    const field = (of: string) => fields.get(`${of}_${index}`) ?? ''
    const [refundFee, refundStatus, refundId] = [
      parseFen(field('refund_fee')),
      parseStatus(field('refund_status')),
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

/** WeChat documents 32 characters. The number is indexed, and an index cannot hold a text as long as a message. */
const isRefundId = (text: string): boolean => /^[\x21-\x7e]{1,64}$/.test(text)

const parseStatus = (text: string): RefundStatus | null =>
  text === 'SUCCESS' || text === 'PROCESSING' || text === 'REFUNDCLOSE' || text === 'CHANGE'
    ? text
    : null

/**
 * Reads a refund notification. It carries no signature: that `req_info` opens under our key (AES-256-ECB, keyed with the hex MD5
 * of it) says that somebody who knows the key wrote its blocks, not that they are in order. So it names a refund to ask
 * about, and nothing more.
 */
export function readRefundNotification(
  settings: PaySettings,
  fields: Fields,
): Result<Notification, Failure> {
  if (fields.get('appid') !== settings.appid || fields.get('mch_id') !== settings.mchId)
    return err({ reason: 'notice_rejected', check: 'merchant' })
  const plain = openUnderAny(keysOf(settings), fields.get('req_info') ?? '')
  if (!plain.ok) return err({ reason: 'notice_rejected', check: plain.error })
  const [outTradeNo, outRefundNo] = [
    plain.value.get('out_trade_no') ?? '',
    plain.value.get('out_refund_no') ?? '',
  ]
  const refundStatus = parseStatus(plain.value.get('refund_status') ?? '')
  if (outTradeNo === '' || outRefundNo === '' || refundStatus === null)
    return err({ reason: 'notice_rejected', check: 'content' })
  return ok({ kind: 'refund', outTradeNo, outRefundNo, refundStatus })
}

/** A wrong key now and then opens a message too, to nonsense: only what can be read ends the search. */
function openUnderAny(keys: readonly string[], reqInfo: string): Result<Fields, NotificationCheck> {
  let check: NotificationCheck = 'signature'
  for (const key of keys) {
    const opened = open(reqInfo, key)
    if (opened === null) continue
    const plain = readXml(opened, 'root')
    if (plain.ok) return plain
    check = plain.error
  }
  return err(check)
}

function open(reqInfo: string, key: string): Uint8Array | null {
  try {
    const decipher = createDecipheriv(
      'aes-256-ecb',
      createHash('md5').update(key, 'utf8').digest('hex'),
      null,
    )
    return Buffer.concat([decipher.update(Buffer.from(reqInfo, 'base64')), decipher.final()])
  } catch {
    return null
  }
}
