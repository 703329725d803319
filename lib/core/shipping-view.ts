import { orderViewFor, type Caller } from './caller.ts'
import type { OrderView, PaidOrder } from './order.ts'
import type { OrderState } from './settlement.ts'
import type { LogisticsType, Parcel, Shipment } from './shipment.ts'
import { toRfc3339 } from './time.ts'

/** An order with its shipment. */
export type ShippingView = OrderView & {
  /** Absent in lists, and while WeChat's shipping management does not know the payment. */
  readonly orderState?: OrderState
  readonly overdueAt?: string
  /** Absent if none was reported here. */
  readonly shipment?: ShipmentOfView
}

interface ShipmentOfView {
  readonly logisticsType: LogisticsType
  readonly isAllDelivered: boolean
  readonly items: readonly Omit<Parcel, 'contact'>[]
  readonly errCode?: string
  readonly errText?: string
}

/** Only the merchant gets WeChat's reasons and `overdueAt`. */
export const shippingViewFor =
  (caller: Caller) =>
  (found: {
    readonly order: PaidOrder
    readonly shipment: Shipment | null
    readonly state: OrderState | null
  }): ShippingView => {
    const { order, shipment, state } = found
    const { overdueAt, shippedAt } = order.settlement
    const isWaiting = caller.kind === 'merchant' && overdueAt !== null && shippedAt === null
    return {
      ...orderViewFor(caller)(order),
      ...(state === null ? {} : { orderState: state }),
      ...(isWaiting ? { overdueAt: toRfc3339(overdueAt) } : {}),
      ...(shipment === null ? {} : { shipment: toShipmentOfView(shipment, caller) }),
    }
  }

const toShipmentOfView = (shipment: Shipment, caller: Caller): ShipmentOfView => ({
  logisticsType: shipment.logisticsType,
  isAllDelivered: shipment.isAllDelivered,
  items: shipment.parcels.map(({ itemDesc, trackingNo, expressCompany }) => ({
    itemDesc,
    ...(trackingNo === undefined ? {} : { trackingNo }),
    ...(expressCompany === undefined ? {} : { expressCompany }),
  })),
  ...(caller.kind !== 'merchant' || shipment.errCode === null ? {} : { errCode: shipment.errCode }),
  ...(caller.kind !== 'merchant' || shipment.errText === null ? {} : { errText: shipment.errText }),
})
