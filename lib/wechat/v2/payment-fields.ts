import { confirm, type Confirmation } from '../../core/confirmation.ts'
import { parseFen } from '../../core/money.ts'
import { parseBeijingDigits } from './dates.ts'
import { hidesField } from './parameter-injection.ts'
import type { Fields } from '../fields.ts'

/**
 * Builds a confirmation from the verified fields of a notification or a query answer. Null if a
 * required field is missing or malformed, or if a value hides another field. `attach` is exempt: it
 * is the caller's own text, and WeChat returns it unchanged.
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
