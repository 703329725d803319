import { maySee, type Caller } from '../core/caller.ts'
import type { OutTradeNo } from '../core/ids.ts'
import type { PaidOrder } from '../core/order.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { OrderState } from '../core/settlement.ts'
import type { Shipment } from '../core/shipment.ts'
import type { Deps } from '../ports.ts'
import { refreshSettlement, type SettlementDeps } from './refresh-settlement.ts'

export interface Shipping {
  readonly order: PaidOrder
  readonly shipment: Shipment | null
  readonly state: OrderState | null
}

/**
 * A paid order with its shipment and its state at WeChat. WeChat is asked first, and its answer is
 * stored.
 */
export async function readShipping(
  deps: SettlementDeps & Pick<Deps, 'shipments'>,
  caller: Caller,
  outTradeNo: OutTradeNo,
): Promise<Outcome<Shipping>> {
  const order = await deps.ledger.find({ outTradeNo })
  if (order === null || !maySee(caller, order)) return err({ reason: 'order_not_found' })
  const [refreshed, shipment] = await Promise.all([
    refreshSettlement(deps, outTradeNo),
    deps.shipments.find(outTradeNo),
  ])
  return refreshed.ok ? ok({ ...refreshed.value, shipment }) : refreshed
}

/** A page of the orders whose money is frozen, because they are not shipped in time or refused. */
export async function listFrozen(
  deps: Pick<Deps, 'settlements'>,
  page: { readonly before: OutTradeNo | null; readonly limit: number },
): Promise<{ readonly found: readonly Shipping[]; readonly next: OutTradeNo | null }> {
  const { found, next } = await deps.settlements.listFrozen(page.before, page.limit)
  return { found: found.map((one) => ({ ...one, state: null })), next }
}
