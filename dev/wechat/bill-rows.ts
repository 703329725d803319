/** A payment or a refund, as one row of a bill. */
import { findOrder } from './order.ts'
import { refundStatusOf } from './refund.ts'
import type { Simulation } from './simulation.ts'
import type { State, StoredOrder, StoredRefund } from './state.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** WeChat makes the bill at 09:00 of the next day and does not change it later. */
const MADE_AFTER_MS = DAY_MS + 9 * HOUR_MS

export type BillType = 'ALL' | 'SUCCESS' | 'REFUND' | 'RECHARGE_REFUND'

export interface BillRow {
  readonly at: number
  readonly transactionId: string
  readonly outTradeNo: string
  readonly openid: string
  readonly deviceInfo: string
  readonly body: string
  readonly attach: string
  readonly bankType: string
  /** Zero if the row is a refund. */
  readonly totalFee: number
  readonly refund: {
    readonly refundId: string
    readonly outRefundNo: string
    readonly refundFee: number
    readonly status: 'SUCCESS' | 'PROCESSING' | 'FAIL' | 'CHANGE'
    readonly succeededAt: number | null
  } | null
}

/**
 * Returns the payments of the day and the refunds started on it, in the state they had when the
 * bill was made.
 */
export function findBillRows(
  { state }: Simulation,
  dayStart: number,
  type: BillType,
): readonly BillRow[] {
  const isOfDay = (at: number): boolean => at >= dayStart && at < dayStart + DAY_MS
  const honest = state.orders.flatMap((order) => [
    ...(order.payment !== null && isOfDay(order.payment.paidAt)
      ? [toPaymentRow(order, order.payment.paidAt)]
      : []),
    ...order.refunds
      .filter(({ createdAt }) => isOfDay(createdAt))
      .map((refund) => toRefundRow(order, refund, dayStart + MADE_AFTER_MS)),
  ])
  const rows = tamper(state, honest, dayStart).toSorted((one, other) => one.at - other.at)
  return rows.filter(
    ({ refund }) =>
      type === 'ALL' ||
      (type === 'SUCCESS' && refund === null) ||
      (type === 'REFUND' && refund !== null),
  )
}

const toPaymentRow = (order: StoredOrder, at: number): BillRow => ({
  at,
  transactionId: order.payment?.transactionId ?? '',
  outTradeNo: order.outTradeNo,
  openid: order.openid,
  deviceInfo: order.request['device_info'] ?? '',
  body: order.request['body'] ?? '',
  attach: order.request['attach'] ?? '',
  bankType: order.payment?.bankType ?? '',
  totalFee: order.totalFee,
  refund: null,
})

const billStatus = {
  SUCCESS: 'SUCCESS',
  PROCESSING: 'PROCESSING',
  REFUNDCLOSE: 'FAIL',
  CHANGE: 'CHANGE',
} as const

function toRefundRow(order: StoredOrder, refund: StoredRefund, madeAt: number): BillRow {
  const status = billStatus[refundStatusOf(refund, madeAt)]
  const { refundId, outRefundNo, refundFee, createdAt } = refund
  const succeededAt = status === 'SUCCESS' ? refund.endsAt : null
  return {
    ...toPaymentRow(order, createdAt),
    totalFee: 0,
    refund: { refundId, outRefundNo, refundFee, status, succeededAt },
  }
}

function tamper(state: State, honest: readonly BillRow[], dayStart: number): readonly BillRow[] {
  const { drop, addOrder, changeAmount, addRefund } = state.billTampering
  const at = dayStart + 12 * HOUR_MS
  const rows = honest
    .filter(
      (row) =>
        drop === undefined ||
        drop !== (row.refund === null ? row.outTradeNo : row.refund.outRefundNo),
    )
    .map((row) =>
      changeAmount?.outTradeNo === row.outTradeNo && row.refund === null
        ? { ...row, totalFee: changeAmount.totalFee }
        : row,
    )
  if (addOrder !== undefined) rows.push(toStrangeRow(addOrder.outTradeNo, at, addOrder.totalFee))
  if (addRefund !== undefined) {
    const { outTradeNo, outRefundNo, refundFee } = addRefund
    const order = findOrder(state, outTradeNo)
    const row = order === undefined ? toStrangeRow(outTradeNo, at, 0) : toPaymentRow(order, at)
    const refund = {
      refundId: `5030000250${at}999`,
      outRefundNo,
      refundFee,
      status: 'SUCCESS',
      succeededAt: at,
    } as const
    rows.push({ ...row, totalFee: 0, refund })
  }
  return rows
}

const toStrangeRow = (outTradeNo: string, at: number, totalFee: number): BillRow => ({
  at,
  transactionId: `4200002500${at}99999`,
  outTradeNo,
  openid: 'oStranger0000000000000000000',
  deviceInfo: '',
  body: '陌生订单',
  attach: '',
  bankType: 'OTHERS',
  totalFee,
  refund: null,
})
