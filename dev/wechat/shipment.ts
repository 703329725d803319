/** The shipping reports of one order. */
import { findOrder } from './order.ts'
import { refundStatusOf } from './refund.ts'
import type { Settings } from './settings.ts'
import type { Simulation } from './simulation.ts'
import type { Shipment, State, StoredOrder } from './state.ts'

/** A shipment with its order. */
export type SimulatedShipment = Shipment & {
  readonly outTradeNo: string
  readonly orderState: number
}

const TO_SHIP = 1
const SHIPPED = 2
const RECEIVED = 3
const FINISHED = 4
const REFUNDED = 5
const AWAITING_SETTLEMENT = 6

/**
 * The numbers are WeChat's. After the receipt is confirmed, the order is RECEIVED for half of the
 * time until its settlement, and then AWAITING_SETTLEMENT.
 */
export function orderStateOf(
  order: StoredOrder,
  now: number,
  { autoConfirmMs, settleMs }: Pick<Settings, 'autoConfirmMs' | 'settleMs'>,
): number {
  if (isFullyRefunded(order, now)) return REFUNDED
  if (order.shipment?.finished !== true) return TO_SHIP
  const { shippedAt, uploadedAt, confirmedAt } = order.shipment
  const confirmed = confirmedAt ?? (shippedAt ?? uploadedAt) + autoConfirmMs
  if (now < confirmed) return SHIPPED
  if (now >= confirmed + settleMs) return FINISHED
  return now < confirmed + settleMs / 2 ? RECEIVED : AWAITING_SETTLEMENT
}

/**
 * The payer confirms the receipt. @throws TypeError if the order is not shipped, or the receipt was
 * confirmed before
 */
export function confirmReceipt({ state, now }: Simulation, outTradeNo: string): void {
  const order = findOrder(state, outTradeNo)
  if (
    order === undefined ||
    order.shipment === null ||
    orderStateOf(order, now(), state.settings) !== SHIPPED
  )
    throw new TypeError('only the receipt of a shipped order can be confirmed, and only once')
  order.shipment = { ...order.shipment, confirmedAt: now() }
}

export function isFullyRefunded(order: StoredOrder, now: number): boolean {
  const arrived = order.refunds.filter((refund) => refundStatusOf(refund, now) === 'SUCCESS')
  return arrived.reduce((total, { refundFee }) => total + refundFee, 0) >= order.totalFee
}

export const listShipments = (state: State, now: number): readonly SimulatedShipment[] =>
  state.orders.flatMap((order) =>
    order.shipment === null
      ? []
      : [
          {
            ...structuredClone(order.shipment),
            outTradeNo: order.outTradeNo,
            orderState: orderStateOf(order, now, state.settings),
          },
        ],
  )
