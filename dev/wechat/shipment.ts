/** The shipping reports of one order. */
import { refundStatusOf } from './refund.ts'
import type { Shipment, State, StoredOrder } from './state.ts'

/** A shipment with its order. */
export type SimulatedShipment = Shipment & {
  readonly outTradeNo: string
  readonly orderState: number
}

const TO_SHIP = 1
const SHIPPED = 2
const REFUNDED = 5

/** The numbers are WeChat's. Receipt and settlement, which follow, are not simulated. */
export function orderStateOf(order: StoredOrder, now: number): number {
  if (isFullyRefunded(order, now)) return REFUNDED
  return order.shipment?.finished === true ? SHIPPED : TO_SHIP
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
            orderState: orderStateOf(order, now),
          },
        ],
  )
