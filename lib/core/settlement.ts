/**
 * The states of a paid order in WeChat's order and shipping management, from 1 to 6 in WeChat's
 * numbers. The payer has the goods in RECEIVED, FINISHED and AWAITING_SETTLEMENT. The shop has its
 * money in FINISHED.
 */
export const ORDER_STATES = [
  'TO_SHIP',
  'SHIPPED',
  'RECEIVED',
  'FINISHED',
  'REFUNDED',
  'AWAITING_SETTLEMENT',
] as const
export type OrderState = (typeof ORDER_STATES)[number]

/**
 * The delivery and the money of an order, as WeChat has confirmed them. WeChat's order and shipping
 * management reports states without times. So each time is when WeChat first reported the state to
 * this project.
 */
export interface Settlement {
  /** WeChat has the whole shipment, from this deployment or from the console. */
  readonly shippedAt: Date | null
  /** The payer has the goods, or WeChat assumes it after some days. */
  readonly confirmedAt: Date | null
  /** WeChat has released the money. */
  readonly settledAt: Date | null
  /** When the order was found not to be shipped in time, with the event `shipping.overdue`. */
  readonly overdueAt: Date | null
}

export const NOT_SHIPPED: Settlement = {
  shippedAt: null,
  confirmedAt: null,
  settledAt: null,
  overdueAt: null,
}

/** The settlement after WeChat has reported a state. A time that was stored before stays. */
export function advance(settlement: Settlement, state: OrderState, at: Date): Settlement {
  const hasGoods = state === 'RECEIVED' || state === 'FINISHED' || state === 'AWAITING_SETTLEMENT'
  const isShipped = hasGoods || state === 'SHIPPED'
  return {
    ...settlement,
    shippedAt: settlement.shippedAt ?? (isShipped ? at : null),
    confirmedAt: settlement.confirmedAt ?? (hasGoods ? at : null),
    settledAt: settlement.settledAt ?? (state === 'FINISHED' ? at : null),
  }
}
