import * as v from 'valibot'
import { COMPLAINT_STATES, type Complaint, type KnownComplaint } from '../core/complaint.ts'
import { parseComplaintId, parseOutTradeNo } from '../core/ids.ts'
import type { TakenComplaint } from '../ports.ts'
import { parsed } from '../validation/parsed.ts'

const time = v.pipe(
  v.string(),
  v.transform((text) => new Date(text)),
  v.date(),
)

const content = v.object({
  detail: v.string(),
  problemType: v.nullable(v.string()),
  payment: v.nullable(
    v.object({ outTradeNo: v.string(), transactionId: v.string(), totalFee: v.number() }),
  ),
  applyRefundFee: v.nullable(v.number()),
  isFullyRefunded: v.boolean(),
  isReplyAwaited: v.boolean(),
  times: v.number(),
})

/** The part of a complaint that is stored as JSON. */
export const contentOf = (known: KnownComplaint): v.InferOutput<typeof content> => ({
  detail: known.detail,
  problemType: known.problemType,
  payment: known.payment,
  applyRefundFee: known.applyRefundFee,
  isFullyRefunded: known.isFullyRefunded,
  isReplyAwaited: known.isReplyAwaited,
  times: known.times,
})

const id = parsed(v.string(), parseComplaintId, 'the number of a complaint')

const complaintRow = v.object({
  complaint_id: id,
  state: v.picklist(COMPLAINT_STATES),
  complained_at: time,
  out_trade_no: v.nullable(parsed(v.string(), parseOutTradeNo, 'an order number')),
  openid: v.nullable(v.string()),
  content,
})

/** Reads a row that WeChat has described. */
export function readComplaintRow(json: unknown): Complaint {
  const row = v.parse(complaintRow, json)
  return {
    complaintId: row.complaint_id,
    state: row.state,
    complainedAt: row.complained_at,
    outTradeNo: row.out_trade_no,
    openid: row.openid,
    ...row.content,
  }
}

const takenRow = v.object({
  complaint_id: id,
  state: v.nullable(v.string()),
  attempts: v.number(),
})

export function readTaken(json: unknown): TakenComplaint {
  const row = v.parse(takenRow, json)
  return {
    complaintId: row.complaint_id,
    complaint: row.state === null ? null : readComplaintRow(json),
    attempts: row.attempts,
  }
}
