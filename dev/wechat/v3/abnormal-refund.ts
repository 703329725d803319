/** Pays an abnormal refund to another account. */
import * as v from 'valibot'
import { err, ok } from '../result.ts'
import { findRefund, refundStatusOf } from '../refund.ts'
import type { StoredRefund } from '../state.ts'
import { readBody } from './body.ts'
import type { V3Operation } from './call.ts'
import { describeRefund } from './refund-description.ts'
import { outRefundNo } from './refunds.ts'
import { refuse } from './refusal.ts'
import { decrypt } from './sensitive-field.ts'

const BANKS = /^(?:CMB|COMM|ABC|CCB|ICBC|BOC|PAB|SPDB|CITIC|CEB|CMBC|CIB|GDB|PSBC|NBCB)_DEBIT$/

const encrypted = v.pipe(v.string(), v.minLength(1), v.maxLength(1024))
const abnormalSchema = v.variant('type', [
  v.strictObject({ out_refund_no: outRefundNo, type: v.literal('MERCHANT_BANK_CARD') }),
  v.strictObject({
    out_refund_no: outRefundNo,
    type: v.literal('USER_BANK_CARD'),
    bank_type: v.pipe(v.string(), v.regex(BANKS, '不支持该银行')),
    bank_account: encrypted,
    real_name: encrypted,
  }),
])

/** Its end is notified again. */
export const applyAbnormalRefund: V3Operation = (call) => {
  const { simulation, incoming, fault } = call
  const read = readBody(abnormalSchema, incoming)
  if (!read.ok) return read
  const request = read.value
  const refundId = incoming.params['refund_id'] ?? ''
  const found = findRefund(simulation.state, (refund) => refund.refundId === refundId)
  if (found === undefined || found.refund.outRefundNo !== request.out_refund_no)
    return err(refuse('RESOURCE_NOT_EXISTS', { message: '退款单不存在' }))
  let paidTo = '商户结算账户'
  if (request.type === 'USER_BANK_CARD') {
    const account = decrypt(call, '/bank_account', request.bank_account)
    if (!account.ok) return account
    const name = decrypt(call, '/real_name', request.real_name)
    if (!name.ok) return name
    if (!/^\d+$/.test(account.value))
      return err(refuse('INVALID_REQUEST', { message: '银行卡号错误' }))
    paidTo = `${request.bank_type} ${account.value} ${name.value}`
  }
  const { order, refund } = found
  const now = simulation.now()
  if (refundStatusOf(refund, now) !== 'CHANGE')
    return err(refuse('INVALID_REQUEST', { message: '退款单状态不是退款异常' }))
  Object.assign(refund, {
    recovered: true,
    paidTo,
    endsAs: fault?.do === 'end-as' ? fault.status : 'SUCCESS',
    endsAt: now + simulation.state.settings.refundMs,
    endNoted: false,
  } satisfies Partial<StoredRefund>)
  return ok(describeRefund(order, refund, now))
}
