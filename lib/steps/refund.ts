import { maySee, type Caller } from '../core/caller.ts'
import type { Failure } from '../core/failure.ts'
import { parseOutRefundNo, parseOutTradeNo, type OutRefundNo, type OutTradeNo } from '../core/ids.ts'
import { isPaid, type PaidOrder } from '../core/order.ts'
import { isFinalRefund, type Refund } from '../core/refund.ts'
import { describeRefusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import { cleanText } from '../core/text.ts'
import type { Deps, Incident, Notice, RefundAtWechat, RefundDraft } from '../ports.ts'
import { deliver } from './deliver.ts'

const DESC_BYTES = 80

/**
 * Gives money back, wholly or in part.
 *
 * The ledger lays claim to the amount before WeChat hears of it, so that refunds asked for in parallel never exceed what
 * was paid. The same number is the same refund: asked for again, WeChat is first asked what became of it, and only a
 * refund it never heard of is sent again, under the same number.
 */
export async function refund(
  deps: Deps,
  asked: Omit<RefundDraft, 'refundDesc'> & { readonly refundDesc?: string | undefined },
): Promise<Result<Refund, Failure>> {
  const configured = deps.wechat.checkRefundSettings()
  if (!configured.ok) return configured
  const draft: RefundDraft = { ...asked, refundDesc: cleanText(asked.refundDesc ?? '', DESC_BYTES) || null }
  const [existing, order] = await Promise.all([deps.refunds.find(draft.outRefundNo), deps.ledger.find({ outTradeNo: draft.outTradeNo })])
  if (existing !== null) return repeat(deps, existing, draft)
  if (order === null) return err({ reason: 'order_not_found' })
  if (!isPaid(order)) return err({ reason: 'order_not_paid' })
  const claimed = await deps.refunds.claim(draft, deps.clock.now())
  if (claimed === 'too_much') return err({ reason: 'refund_too_much' })
  if (claimed !== 'number_taken') return send(deps, claimed, order)
  const other = await deps.refunds.find(draft.outRefundNo)
  return other === null ? err({ reason: 'refund_conflict' }) : repeat(deps, other, draft)
}

async function repeat(deps: Deps, existing: Refund, draft: RefundDraft): Promise<Result<Refund, Failure>> {
  const isSame =
    existing.outTradeNo === draft.outTradeNo && existing.refundFee === draft.refundFee && existing.refundDesc === draft.refundDesc
  if (!isSame) return err({ reason: 'refund_conflict' })
  return existing.refundId === null && !isFinalRefund(existing) ? pursue(deps, existing) : ok(existing)
}

/** One refund as WeChat and the ledger agree it is; WeChat is asked while it is not final. A payer sees their own only. */
export async function queryRefund(deps: Deps, caller: Caller, outRefundNo: OutRefundNo): Promise<Result<Refund, Failure>> {
  const stored = await deps.refunds.find(outRefundNo)
  if (stored === null) return err({ reason: 'refund_not_found' })
  deps.about(stored.outTradeNo)
  if (caller.kind !== 'merchant') {
    const order = await deps.ledger.find({ outTradeNo: stored.outTradeNo })
    if (order === null || !maySee(caller, order)) return err({ reason: 'refund_not_found' })
  }
  return isFinalRefund(stored) ? ok(stored) : refresh(deps, stored)
}

/** Asks WeChat what became of a refund and settles it. One WeChat does not know stays as it is. */
async function refresh(deps: Deps, stored: Refund): Promise<Result<Refund, Failure>> {
  const asked = await deps.wechat.askRefund(stored.outRefundNo)
  if (!asked.ok) return asked
  if (asked.value.state === 'missing') return ok(stored)
  const { outTradeNo, refundId, refundFee, refundStatus } = asked.value
  if (refundFee !== stored.refundFee || outTradeNo !== stored.outTradeNo) return contradict(deps, stored, asked.value)
  if (refundStatus === stored.refundStatus)
    return ok(stored.refundId === refundId ? stored : await deps.refunds.accepted(stored, refundId, deps.clock.now()))
  if (refundStatus === 'PROCESSING') return ok(stored)
  const settled = await deps.refunds.settle(stored, { refundStatus, refundId, errCode: null }, deps.clock.now())
  deps.later(() => deliver(deps))
  // Somebody closed it meanwhile, and WeChat has paid it: the ledger does not go back, a person must know.
  if (isFinalRefund(settled) && settled.refundStatus !== refundStatus && refundStatus !== 'CHANGE')
    return contradict(deps, settled, asked.value)
  return ok(settled)
}

/** Asks, and sends it under its own number when WeChat never heard of it. */
export async function pursue(deps: Deps, stored: Refund): Promise<Result<Refund, Failure>> {
  const fresh = await refresh(deps, stored)
  if (!fresh.ok || fresh.value.refundId !== null || isFinalRefund(fresh.value)) return fresh
  const order = await deps.ledger.find({ outTradeNo: stored.outTradeNo })
  if (order === null || !isPaid(order)) throw new Error('a refund of an order that is not paid')
  return send(deps, stored, order)
}

async function send(deps: Deps, claimed: Refund, order: PaidOrder): Promise<Result<Refund, Failure>> {
  const answer = await deps.wechat.sendRefund(claimed, order)
  if (!answer.ok) return answer
  switch (answer.value.outcome) {
    case 'accepted':
      return ok(await deps.refunds.accepted(claimed, answer.value.refundId, deps.clock.now()))
    case 'later': {
      const { code, cure, text } = answer.value
      deps.log({ event: 'refund_postponed', order: claimed.outTradeNo, code, detail: describeRefusal(cure, text) })
      return ok(await deps.refunds.postponed(claimed, code))
    }
    case 'never': {
      const { code, cure, text } = answer.value
      await deps.refunds.settle(claimed, { refundStatus: 'REFUNDCLOSE', refundId: null, errCode: code }, deps.clock.now())
      deps.later(() => deliver(deps))
      return err({ reason: 'refund_refused', code, cure, text })
    }
  }
}

/**
 * Takes a refund notice, which carries no signature: it only says which refund to ask WeChat about. Acknowledged once the
 * ledger says the same on WeChat's own, signed word; until then WeChat calls again.
 */
export async function takeRefundNotice(deps: Deps, notice: Extract<Notice, { kind: 'refund' }>): Promise<Result<'taken', Failure>> {
  const outRefundNo = parseOutRefundNo(notice.outRefundNo)
  if (!outRefundNo.ok) return err({ reason: 'refund_not_found' })
  const known = await deps.refunds.find(outRefundNo.value)
  const found = known === null ? await adopt(deps, outRefundNo.value, notice.outTradeNo) : ok(known)
  if (!found.ok) return found
  const stored = found.value
  if (stored === null) return err({ reason: 'refund_not_found' })
  deps.about(stored.outTradeNo)
  if (stored.refundStatus === notice.refundStatus) return ok('taken')
  const fresh = await refresh(deps, stored)
  if (!fresh.ok) return fresh
  return fresh.value.refundStatus === notice.refundStatus ? ok('taken') : err({ reason: 'wechat_unknown' })
}

/**
 * A refund made in the merchant console: real money all the same, so it lays its claim, on WeChat's signed word only. Null
 * when WeChat does not know it, or it is of no order of ours that could cover it.
 */
export async function adopt(deps: Deps, outRefundNo: OutRefundNo, orderNumber: string): Promise<Result<Refund | null, Failure>> {
  const outTradeNo = parseOutTradeNo(orderNumber)
  const order = outTradeNo.ok ? await deps.ledger.find({ outTradeNo: outTradeNo.value }) : null
  if (order === null || !isPaid(order)) return ok(null)
  const asked = await deps.wechat.askRefund(outRefundNo)
  if (!asked.ok) return asked
  if (asked.value.state === 'missing' || asked.value.outTradeNo !== order.outTradeNo) return ok(null)
  const draft = { outRefundNo, outTradeNo: order.outTradeNo, refundFee: asked.value.refundFee, refundDesc: null }
  const claimed = await deps.refunds.claim(draft, deps.clock.now())
  // The money is gone all the same, while a waiting refund of ours has laid claim to it: for a person.
  if (claimed === 'too_much')
    await recordRefundIncident(deps, order.outTradeNo, { outRefundNo }, { outRefundNo, refundFee: asked.value.refundFee })
  if (claimed === 'too_much' || claimed === 'number_taken') return ok(null)
  return ok(await deps.refunds.accepted(claimed, asked.value.refundId, null))
}

/** WeChat's signed word is another than the ledger's: for a person. */
async function contradict(deps: Deps, stored: Refund, said: Extract<RefundAtWechat, { state: 'known' }>): Promise<Result<never, Failure>> {
  const { outRefundNo, outTradeNo, refundFee, refundStatus } = stored
  const received = { outRefundNo, outTradeNo: said.outTradeNo, refundFee: said.refundFee, refundStatus: said.refundStatus }
  await recordRefundIncident(deps, outTradeNo, { outRefundNo, outTradeNo, refundFee, refundStatus }, received)
  return err({ reason: 'notice_contradicts', field: 'refund' })
}

async function recordRefundIncident(
  deps: Deps,
  outTradeNo: OutTradeNo,
  expected: Incident['expected'],
  received: Incident['received'],
): Promise<void> {
  await deps.ledger.recordIncident({ kind: 'refund', outTradeNo, expected, received, source: 'query', at: deps.clock.now() })
  deps.log({ event: 'incident', order: outTradeNo, reason: 'notice_contradicts', detail: 'refund' })
  deps.later(() => deliver(deps))
}
