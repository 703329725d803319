/**
 * A false notification with a valid signature: it reports one order's payment for another, unpaid
 * order.
 */
import type { Protocol } from './account.ts'
import { writePaymentNotification } from './forged-notification.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** Sends the notification. Returns a description of each broken promise. */
export async function claimAnotherPayment(
  world: World,
  outTradeNo: string,
  protocol: Protocol,
  random: Random,
): Promise<readonly string[]> {
  const orders = world.simulator.orders()
  const paid = orders.find(({ payment }) => payment !== null)?.payment ?? null
  const wanted = orders.find((order) => order.outTradeNo === outTradeNo)
  if (paid === null || wanted === undefined || wanted.payment !== null) return []
  // The ledger can refuse the claim only after it has stored this payment for its own order.
  const [row] = await world.sql('select 1 from payments where transaction_id = $1', [
    paid.transactionId,
  ])
  if (row === undefined) return []
  world.suspects.add(outTradeNo)
  const message = writePaymentNotification(world, protocol, {
    ...wanted,
    transactionId: paid.transactionId,
    paidAt: new Date(),
    attach: wanted.request['attach'] ?? '',
  })
  const isTaken = await world.call(random, '/api/notify', { method: 'POST', ...message }).then(
    async (response) => response.ok && (await response.text()).includes('SUCCESS'),
    () => null,
  )
  if (isTaken === true) return ['3: one payment was taken for two orders']
  if (isTaken === false) world.count('world', `a claim of ${protocol} refused`)
  return []
}
