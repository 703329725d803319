import { orderViewFor, type Caller } from '../core/caller.ts'
import type { Order, OrderView } from '../core/order.ts'
import type { Deps } from '../ports.ts'

/** An order in an answer. `payerPhone`: for the merchant, if the payer gave the number. */
type ShownOrder = OrderView & { readonly payerPhone?: string }

/**
 * The orders as this caller reads them. Phone numbers are looked up for the answer. They are not
 * part of an order, so no event and no log line contains one.
 */
export async function viewOrders(
  deps: Pick<Deps, 'users'>,
  caller: Caller,
  orders: readonly Order[],
): Promise<readonly ShownOrder[]> {
  const toView = orderViewFor(caller)
  if (caller.kind !== 'merchant' || orders.length === 0) return orders.map(toView)
  const payers = orders.map(({ account, openid }) => ({ appid: account.appid, openid }))
  const known = await deps.users.findPhoneNumbers(payers)
  return orders.map((order): ShownOrder => {
    const payer = known.find(
      ({ appid, openid }) => openid === order.openid && appid === order.account.appid,
    )
    return {
      ...toView(order),
      ...(payer === undefined ? {} : { payerPhone: payer.phoneNumber }),
    }
  })
}
