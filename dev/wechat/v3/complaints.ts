/**
 * Complaints of payers. WeChat gives the merchant 24 hours for the first reply and 72 hours to
 * finish. After that it pays the payer back.
 */
import { randomInt } from 'node:crypto'
import { toBeijingDigits } from '../beijing.ts'
import { refundInConsole } from '../console-refund.ts'
import { findOrder } from '../order.ts'
import { refundedFeeOf } from '../refund.ts'
import type { Simulation } from '../simulation.ts'
import type { ProblemType, StoredComplaint } from './complaint-state.ts'
import { queueComplaintNotification } from './notification.ts'

export const FINISH_WITHIN_MS = 72 * 3_600_000
const LONGEST_DETAIL = 200

export interface Complaining {
  readonly outTradeNo: string
  /** Default: a new number. */
  readonly complaintId?: string | undefined
  readonly detail?: string | undefined
  readonly phone?: string | undefined
  readonly problemType?: ProblemType | undefined
}

/**
 * The payer of an order complains. A second complaint about the order continues the first one.
 *
 * @throws TypeError with the reason if the order cannot be complained about
 */
export function complain(
  simulation: Simulation,
  {
    outTradeNo,
    complaintId,
    detail = '没有收到商品',
    phone = '13800000000',
    problemType,
  }: Complaining,
): StoredComplaint {
  const { state, now } = simulation
  const order = findOrder(state, outTradeNo)
  if (order === undefined || order.payment === null)
    throw new TypeError('only a paid order can be complained about')
  if (detail.length === 0 || detail.length > LONGEST_DETAIL)
    throw new TypeError(`a complaint has 1 to ${LONGEST_DETAIL} characters`)
  const earlier = state.complaints.find((complaint) => complaint.outTradeNo === outTradeNo)
  const at = now()
  if (earlier !== undefined) {
    earlier.times += 1
    earlier.waitsForReply = true
    if (earlier.state === 'PROCESSED') earlier.state = 'PROCESSING'
    note(simulation, earlier, '投诉人', 'USER_CONTINUE_COMPLAINT', detail)
    queueComplaintNotification(simulation, earlier.complaintId, 'CONTINUE_COMPLAINT')
    return earlier
  }
  if (state.complaints.some((complaint) => complaint.complaintId === complaintId))
    throw new TypeError('another order has this complaint')
  const kind = problemType ?? 'OTHERS'
  const complaint: StoredComplaint = {
    complaintId: complaintId ?? newComplaintId(at),
    outTradeNo,
    openid: order.openid,
    createdAt: at,
    detail,
    phone,
    problemType: kind,
    applyRefundAmount: kind === 'REFUND' ? order.totalFee : null,
    state: 'PENDING',
    waitsForReply: true,
    times: 1,
    decision: null,
    paidBackAt: null,
    history: [],
  }
  state.complaints.push(complaint)
  note(simulation, complaint, '投诉人', 'USER_CREATE_COMPLAINT', detail)
  queueComplaintNotification(simulation, complaint.complaintId, 'CREATE_COMPLAINT')
  return complaint
}

const newComplaintId = (at: number): string =>
  `2002${toBeijingDigits(at)}${String(randomInt(10 ** 11)).padStart(11, '0')}`

export function note(
  { now }: Simulation,
  complaint: StoredComplaint,
  operator: string,
  type: string,
  details: string,
): void {
  const logId = `${complaint.complaintId}${String(complaint.history.length + 1).padStart(3, '0')}`
  complaint.history.push({ logId, operator, at: now(), type, details })
}

/** Pays back what is left of each payment whose complaint was not finished in time. */
export function processOverdueComplaints(simulation: Simulation): void {
  const { state } = simulation
  const now = simulation.now()
  for (const complaint of state.complaints) {
    if (complaint.state === 'PROCESSED' || complaint.paidBackAt !== null) continue
    if (now < complaint.createdAt + FINISH_WITHIN_MS) continue
    const order = findOrder(state, complaint.outTradeNo)
    if (order === undefined) continue
    complaint.paidBackAt = now
    complaint.state = 'PROCESSED'
    complaint.waitsForReply = false
    const rest = order.totalFee - refundedFeeOf(order, now)
    if (rest > 0) refundInConsole(simulation, order.outTradeNo, rest, 'reported')
    const type = 'COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE'
    note(simulation, complaint, '系统', type, '投诉单已全额退款')
    queueComplaintNotification(simulation, complaint.complaintId, 'SELLER_REFUND')
  }
}

/** Whether all money of the complaint's order was paid back. */
export function isFullyRefunded({ state, now }: Simulation, complaint: StoredComplaint): boolean {
  const order = findOrder(state, complaint.outTradeNo)
  return order !== undefined && refundedFeeOf(order, now()) === order.totalFee
}
