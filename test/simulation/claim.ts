/**
 * A false notification with a valid signature: it reports one order's payment for another, unpaid
 * order.
 */
import type { Protocol } from './account.ts'
import { isEarlier } from './earlier-number.ts'
import { writePaymentNotification } from './forged-notification.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

interface Claim {
  /** A description of each broken promise. */
  readonly problems: readonly string[]
  readonly isRefused: boolean
}

const NOT_SENT: Claim = { problems: [], isRefused: false }

/** Sends the notification, if there is another order's payment to claim. */
export async function claimAnotherPayment(
  world: World,
  outTradeNo: string,
  protocol: Protocol,
  random: Random,
): Promise<Claim> {
  const orders = world.simulator.orders()
  const paid =
    orders.find((one) => one.payment !== null && !isEarlier(one.outTradeNo))?.payment ?? null
  const wanted = orders.find((order) => order.outTradeNo === outTradeNo)
  if (paid === null || wanted === undefined || wanted.payment !== null) return NOT_SENT
  // The ledger can refuse the claim only after it has stored this payment for its own order.
  const [row] = await world.sql('select 1 from payments where transaction_id = $1', [
    paid.transactionId,
  ])
  if (row === undefined) return NOT_SENT
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
  if (isTaken === false) world.count('world', `a claim of ${protocol} refused`)
  return {
    problems: isTaken === true ? ['3: one payment was taken for two orders'] : [],
    isRefused: isTaken === false,
  }
}
