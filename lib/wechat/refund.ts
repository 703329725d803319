/** Refunds over APIv2: the only call that WeChat takes over a client certificate alone. */
import { createDecipheriv, createHash } from 'node:crypto'
import type { Failure, NoticeCheck } from '../core/failure.ts'
import { parseFen } from '../core/money.ts'
import type { RefundStatus } from '../core/refund.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Notice, RefundAtWechat, Wechat } from '../ports.ts'
import { call, keysOf, type PaySettings } from './call.ts'
import { refundRefusal } from './refund-codes.ts'
import type { Fields } from './sign.ts'
import { readXml } from './xml.ts'

type RefundCalls = Pick<Wechat, 'sendRefund' | 'askRefund'>

export function createRefundCalls(
  settings: PaySettings,
  newNonce: () => string,
  certified: () => Result<PaySettings, Failure>,
): RefundCalls {
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
        if (answer.error.reason === 'wechat_busy') return ok({ ...refundRefusal('FREQUENCY_LIMITED'), code: 'FREQUENCY_LIMITED', text: '' })
        if (answer.error.reason !== 'wechat_refused') return answer
        return ok({ ...refundRefusal(answer.error.code), code: answer.error.code, text: answer.error.text })
      }
      if (answer.value.said !== 'yes') {
        const { code, text } = answer.value
        return ok({ ...refundRefusal(code), code, text })
      }
      const { fields } = answer.value
      const refundId = fields.get('refund_id') ?? ''
      const isOurs = fields.get('out_refund_no') === refund.outRefundNo && fields.get('refund_fee') === String(refund.refundFee)
      return isOurs && refundId !== '' ? ok({ outcome: 'accepted', refundId }) : err({ reason: 'wechat_untrusted', check: 'content' })
    },

    async askRefund(outRefundNo) {
      const answer = await call(settings, newNonce, '/pay/refundquery', new Map([['out_refund_no', outRefundNo]]))
      if (!answer.ok) return answer
      if (answer.value.said === 'yes') return readRefund(answer.value.fields, outRefundNo)
      return answer.value.said === 'missing'
        ? ok({ state: 'missing' })
        : err({ reason: 'wechat_refused', code: answer.value.code, text: answer.value.text })
    },
  }
}

/** A query by refund number answers with one refund, but under indexed names like all: the one that is ours is taken. */
function readRefund(fields: Fields, outRefundNo: string): Result<RefundAtWechat, Failure> {
  const index = [...fields]
    .find(([name, value]) => /^out_refund_no_\d+$/.test(name) && value === outRefundNo)?.[0]
    .slice('out_refund_no_'.length)
  const field = (name: string) => fields.get(`${name}_${index}`) ?? ''
  const refundFee = parseFen(field('refund_fee'))
  const refundStatus = parseStatus(field('refund_status'))
  if (index === undefined || !refundFee.ok || refundStatus === null || field('refund_id') === '')
    return err({ reason: 'wechat_untrusted', check: 'content' })
  return ok({
    state: 'known',
    outTradeNo: fields.get('out_trade_no') ?? '',
    refundId: field('refund_id'),
    refundFee: refundFee.value,
    refundStatus,
  })
}

const parseStatus = (text: string): RefundStatus | null =>
  text === 'SUCCESS' || text === 'PROCESSING' || text === 'REFUNDCLOSE' || text === 'CHANGE' ? text : null

/**
 * Reads a refund notice. It carries no signature: that `req_info` opens under our key (AES-256-ECB, keyed with the hex MD5
 * of it) says that somebody who knows the key wrote its blocks, not that they are in order. So it names a refund to ask
 * about, and nothing more.
 */
export function readRefundNotice(settings: PaySettings, fields: Fields): Result<Notice, Failure> {
  if (fields.get('appid') !== settings.appid || fields.get('mch_id') !== settings.mchId)
    return err({ reason: 'notice_rejected', check: 'merchant' })
  const plain = openUnderAny(keysOf(settings), fields.get('req_info') ?? '')
  if (!plain.ok) return err({ reason: 'notice_rejected', check: plain.error })
  const [outTradeNo, outRefundNo] = [plain.value.get('out_trade_no') ?? '', plain.value.get('out_refund_no') ?? '']
  const refundStatus = parseStatus(plain.value.get('refund_status') ?? '')
  if (outTradeNo === '' || outRefundNo === '' || refundStatus === null) return err({ reason: 'notice_rejected', check: 'content' })
  return ok({ kind: 'refund', outTradeNo, outRefundNo, refundStatus })
}

/** A wrong key now and then opens a message too, to nonsense: only what can be read ends the search. */
function openUnderAny(keys: readonly string[], reqInfo: string): Result<Fields, NoticeCheck> {
  let check: NoticeCheck = 'signature'
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
    const decipher = createDecipheriv('aes-256-ecb', createHash('md5').update(key, 'utf8').digest('hex'), null)
    return Buffer.concat([decipher.update(Buffer.from(reqInfo, 'base64')), decipher.final()])
  } catch {
    return null
  }
}
