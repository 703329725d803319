/** A payer's complaint about an order, as the simulator stores it. */
import * as v from 'valibot'

const entrySchema = v.object({
  logId: v.string(),
  operator: v.string(),
  at: v.number(),
  type: v.string(),
  details: v.string(),
})

export const complaintSchema = v.object({
  complaintId: v.string(),
  outTradeNo: v.string(),
  openid: v.string(),
  createdAt: v.number(),
  detail: v.string(),
  phone: v.string(),
  problemType: v.picklist(['REFUND', 'SERVICE_NOT_WORK', 'OTHERS']),
  /** In fen. Null unless the payer applies for a refund. */
  applyRefundAmount: v.nullable(v.number()),
  state: v.picklist(['PENDING', 'PROCESSING', 'PROCESSED']),
  /** Whether the payer has written and the merchant has not replied. */
  waitsForReply: v.boolean(),
  /** How often the payer has complained. */
  times: v.number(),
  decision: v.nullable(v.picklist(['APPROVE', 'REJECT'])),
  /** When WeChat paid the payer back, because the merchant did not finish in time. */
  paidBackAt: v.nullable(v.number()),
  history: v.array(entrySchema),
})

export type StoredComplaint = v.InferOutput<typeof complaintSchema>
export type ProblemType = StoredComplaint['problemType']
