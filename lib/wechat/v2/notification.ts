/** A notification from WeChat, from the bytes received to a verified value. Refuses everything else; reads nothing unverified. */
import { confirm, type Confirmation } from '../../core/confirmation.ts'
import type { Failure } from '../../core/failure.ts'
import { parseFen } from '../../core/money.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { hidesField } from './parameter-injection.ts'
import { parseBeijingDigits } from '../../core/time.ts'
import type { Notification } from '../../ports.ts'
import { checkOurs, type PaySettings } from './call.ts'
import { findUndocumented } from './notification-fields.ts'
import type { Fields } from './sign.ts'
import { readRefundNotification } from './refund.ts'
import { readXml } from './xml.ts'

export function readNotification(
  settings: PaySettings,
  bytes: Uint8Array,
): Result<Notification, Failure> {
  const read = readXml(bytes)
  if (!read.ok) return err({ reason: 'notice_rejected', check: read.error })
  if (read.value.has('req_info') && !read.value.has('sign'))
    return readRefundNotification(settings, read.value)
  const check = checkOurs(settings, read.value)
  if (check !== null) return err({ reason: 'notice_rejected', check })
  if (read.value.get('result_code') !== 'SUCCESS') return ok({ kind: 'not_paid' })
  const confirmation = toConfirmation(read.value)
  if (confirmation === null) return err({ reason: 'notice_rejected', check: 'content' })
  return ok({
    kind: 'paid',
    confirmation,
    attach: read.value.get('attach') || null,
    undocumented: findUndocumented(read.value),
    mayAttachHideFields: hidesField(read.value.get('attach') ?? ''),
  })
}

/**
 * Builds a confirmation from the verified fields of a notification or a query answer. Null if a required field is missing or
 * malformed, or if a value hides another field. `attach` is exempt: it is the caller's own text, and WeChat returns it unchanged.
 */
export function toConfirmation(fields: Fields): Confirmation | null {
  const totalFee = parseFen(fields.get('total_fee') ?? '')
  const paidAt = parseBeijingDigits(fields.get('time_end') ?? '')
  const [outTradeNo, transactionId] = [
    fields.get('out_trade_no') ?? '',
    fields.get('transaction_id') ?? '',
  ]
  if (!totalFee.ok || paidAt === null || outTradeNo === '' || !/^\w{1,32}$/.test(transactionId))
    return null
  const openid = fields.get('openid') ?? ''
  if (openid === '') return null
  if ([...fields].some(([name, value]) => name !== 'attach' && hidesField(value))) return null
  const cashFee = fields.get('cash_fee') ?? ''
  return confirm({
    outTradeNo,
    transactionId,
    totalFee: totalFee.value,
    feeType: fields.get('fee_type') || 'CNY',
    cashFee: /^\d{1,9}$/.test(cashFee) ? Number(cashFee) : null,
    bankType: fields.get('bank_type') || null,
    openid,
    paidAt,
  })
}
