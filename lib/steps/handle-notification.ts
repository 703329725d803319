import { parseOutTradeNo } from '../core/ids.ts'
import { isPaid, type Order } from '../core/order.ts'
import { ok, type Outcome } from '../core/result.ts'
import type { Deps, IncomingMessage, Notification } from '../ports.ts'
import { handleRefundNotification } from './handle-refund-notification.ts'
import { handleComplaintNotification, type ComplaintDeps } from './watch-complaints.ts'
import { settleAnswer, type OrderDeps } from './refresh-order.ts'
import type { SettlementDeps } from './refresh-settlement.ts'
import { recordContradiction, settle } from './settle.ts'

/** About as long as the holder of the lock needs to settle. */
const BUSY_PAUSE_MS = 250

type PaidNotification = Extract<Notification, { kind: 'paid' }>

/**
 * Handles a notification from WeChat: it is verified and settled before it is acknowledged.
 *
 * The lock saves concurrent copies the same work; it decides nothing. A copy that does not get the
 * lock waits a moment and then settles by itself, because the holder may have died, and settling
 * twice has the effect of once.
 */
export async function handleNotification(
  deps: OrderDeps & SettlementDeps & ComplaintDeps & Pick<Deps, 'notifications' | 'setLogOrder'>,
  message: IncomingMessage,
): Promise<Outcome<'taken'>> {
  const read = await deps.notifications.read(message)
  if (!read.ok) return read
  const notification = read.value
  if (notification.kind === 'not_paid' || notification.kind === 'push_check') return ok('taken')
  if (notification.kind === 'push') {
    const { handlePush } = await import('./handle-push.ts')
    return handlePush(deps, notification.push)
  }
  if (notification.kind === 'unknown') {
    deps.log({ event: 'notice_unknown', detail: notification.name })
    return ok('taken')
  }
  if (notification.kind === 'echo') {
    await deps.cache.keepEcho(notification.message)
    return ok('taken')
  }
  if (notification.kind === 'complaint') {
    return handleComplaintNotification(deps, notification.complaintId)
  }
  if (notification.kind === 'refund') return handleRefundNotification(deps, notification)
  const parsed = parseOutTradeNo(notification.confirmation.outTradeNo)
  if (!parsed.ok) return recordUnknown(deps, notification)
  const outTradeNo = parsed.value
  deps.setLogOrder(outTradeNo)

  const locking = deps.cache.lockNotification(outTradeNo)
  let isSettled = false
  try {
    let [lock, order] = await Promise.all([locking, deps.ledger.find({ outTradeNo })])
    if (lock === 'busy' && order !== null && !isPaid(order)) {
      await deps.clock.sleep(BUSY_PAUSE_MS)
      order = await deps.ledger.find({ outTradeNo })
    }
    const settled = await (order === null
      ? recordUnknown(deps, notification)
      : settleNotified(deps, order, notification))
    isSettled = settled.ok
    return settled.ok ? ok('taken') : settled
  } finally {
    // After a settlement the lock may expire by itself: copies do not wait if the order is paid.
    if (!isSettled) {
      deps.waitUntil(async () => {
        const lock = await locking
        if (typeof lock === 'object') await deps.cache.release(lock)
      })
    }
  }
}

/**
 * Returns why a correctly signed message is no proof of the payment; null if it is.
 *
 * A message of another protocol than the order's is only a hint, because that protocol's key alone
 * must not be able to pay the order. A field that hides another one, or is not documented, means
 * that the signed text could be another product's. WeChat returns the order's own `attach`
 * unchanged, so only a different `attach` can hide fields.
 */
function findDoubtful(
  { protocol, undocumented, attach, mayAttachHideFields }: PaidNotification,
  order: Order | null,
): string | null {
  if (order !== null && order.account.protocol !== protocol) return `protocol ${protocol}`
  return undocumented ?? (attach !== order?.attach && mayAttachHideFields ? 'attach' : null)
}

/**
 * A doubtful notification is no proof that an order was lost, so it must not leave the incident
 * `order`.
 */
const recordUnknown = (
  deps: OrderDeps,
  notification: PaidNotification,
): Promise<Outcome<never>> => {
  const kind = findDoubtful(notification, null) === null ? 'order' : 'unconfirmed'
  return recordContradiction(deps, null, notification.confirmation, 'notify', kind)
}

/** A doubtful notification settles the order only if WeChat confirms that it is paid. */
async function settleNotified(
  deps: OrderDeps,
  order: Order,
  notification: PaidNotification,
): Promise<Outcome<Order>> {
  const { confirmation } = notification
  const doubtful = isPaid(order) ? null : findDoubtful(notification, order)
  if (doubtful === null) return settle(deps, order, confirmation, 'notify')
  deps.log({ event: 'notice_doubted', detail: doubtful })
  const asked = await deps.gateway(order.account).queryOrder(order)
  // Without settings for the order's account, WeChat cannot be asked: a person must look.
  if (!asked.ok && asked.error.reason !== 'not_configured') return asked
  if (!asked.ok || !('confirmation' in asked.value))
    return recordContradiction(deps, order, confirmation, 'notify', 'unconfirmed')
  const settled = await settleAnswer(deps, order, asked.value, 'notify')
  return settled.ok ? settle(deps, settled.value, confirmation, 'notify') : settled
}
