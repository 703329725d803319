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
export const SHIPPED = 2
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
  { autoConfirmMs, settleMs }: Periods,
): number {
  if (isFullyRefunded(order, now)) return REFUNDED
  if (order.shipment?.finished !== true) return TO_SHIP
  const { confirmedAt, settledAt } = timesOf(order.shipment, { autoConfirmMs, settleMs })
  if (now < confirmedAt) return SHIPPED
  if (now >= settledAt) return FINISHED
  return now < confirmedAt + settleMs / 2 ? RECEIVED : AWAITING_SETTLEMENT
}

type Periods = Pick<Settings, 'autoConfirmMs' | 'settleMs'>

/** When the order was shipped, is confirmed and is settled, if nothing else happens. */
function timesOf(shipment: Shipment, { autoConfirmMs, settleMs }: Periods) {
  const shippedAt = shipment.shippedAt ?? shipment.uploadedAt
  const confirmedAt = shipment.confirmedAt ?? shippedAt + autoConfirmMs
  return { shippedAt, confirmedAt, settledAt: confirmedAt + settleMs }
}

/** Null if the order is not shipped, or refunded. */
export function settlementOf(
  order: StoredOrder,
  shipment: Shipment,
  now: number,
  periods: Periods,
): (ReturnType<typeof timesOf> & { readonly isSettled: boolean }) | null {
  const orderState = orderStateOf(order, now, periods)
  if (orderState === TO_SHIP || orderState === REFUNDED) return null
  return { ...timesOf(shipment, periods), isSettled: orderState === FINISHED }
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
