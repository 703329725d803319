import type { Outcome } from '../core/failure.ts'
import { parseOutTradeNo } from '../core/ids.ts'
import { isPaid, type Order } from '../core/order.ts'
import { ok } from '../core/result.ts'
import type { Deps, IncomingMessage, Notification } from '../ports.ts'
import { handleRefundNotification } from './handle-refund-notification.ts'
import { settleAnswer } from './refresh-order.ts'
import { recordContradiction, settle } from './settle.ts'

/** About as long as another copy takes to be settled. */
const BUSY_PAUSE_MS = 250

type PaidNotification = Extract<Notification, { kind: 'paid' }>

/**
 * Takes a notification from WeChat: verified, settled, and only then acknowledged.
 *
 * The lock keeps copies that come at once from all working; it decides nothing. A copy that finds it busy gives the other
 * one a moment and then settles by itself, for the holder may have died, and settling twice has the effect of once.
 */
export async function handleNotification(
  deps: Deps,
  message: IncomingMessage,
): Promise<Outcome<'taken'>> {
  const notification = await deps.notifications.read(message)
  if (!notification.ok) return notification
  if (notification.value.kind === 'not_paid') return ok('taken')
  if (notification.value.kind === 'refund')
    return handleRefundNotification(deps, notification.value)
  const { confirmation } = notification.value
  const outTradeNo = parseOutTradeNo(confirmation.outTradeNo)
  if (!outTradeNo.ok)
    return recordContradiction(
      deps,
      null,
      confirmation,
      'notify',
      kindOfUnknown(notification.value),
    )
  deps.setLogOrder(outTradeNo.value)

  const locking = deps.cache.lockNotification(outTradeNo.value)
  let isTaken = false
  try {
    let [lock, order] = await Promise.all([
      locking,
      deps.ledger.find({ outTradeNo: outTradeNo.value }),
    ])
    if (lock === 'busy' && order !== null && !isPaid(order)) {
      await deps.clock.sleep(BUSY_PAUSE_MS)
      order = await deps.ledger.find({ outTradeNo: outTradeNo.value })
    }
    if (order === null)
      return await recordContradiction(
        deps,
        null,
        confirmation,
        'notify',
        kindOfUnknown(notification.value),
      )
    const doubtful = isPaid(order) ? null : findDoubtful(notification.value, order)
    const settled = await (doubtful === null
      ? settle(deps, order, confirmation, 'notify')
      : confirmFirst(deps, order, confirmation, doubtful))
    isTaken = settled.ok
    return settled.ok ? ok('taken') : settled
  } finally {
    // Nobody waits for a lock on an order that is paid: that one may run out by itself.
    if (!isTaken) {
      deps.waitUntil(async () => {
        const lock = await locking
        if (typeof lock === 'object') await deps.cache.release(lock)
      })
    }
  }
}

/**
 * The field that makes a correctly signed message suspect: it could be a text of another product, cut into other fields. Null
 * if there is none. WeChat returns the order's own `attach` unchanged, so only a different `attach` can hide fields.
 */
const findDoubtful = (
  { undocumented, attach, mayAttachHideFields }: PaidNotification,
  order: Order | null,
): string | null =>
  undocumented ?? (attach !== order?.attach && mayAttachHideFields ? 'attach' : null)

/** A doubtful notification is no proof that an order was lost, so it must not leave the incident `order`. */
const kindOfUnknown = (notification: PaidNotification) =>
  findDoubtful(notification, null) === null ? 'order' : 'unconfirmed'

/** Asks WeChat first, and settles the order only if WeChat confirms that it is paid. */
async function confirmFirst(
  deps: Deps,
  order: Order,
  confirmation: PaidNotification['confirmation'],
  doubtful: string,
): Promise<Outcome<Order>> {
  deps.log({ event: 'notice_doubted', detail: doubtful })
  const asked = await deps.gateway(order.account).queryOrder(order)
  if (!asked.ok) return asked
  if (!('confirmation' in asked.value))
    return recordContradiction(deps, order, confirmation, 'notify', 'unconfirmed')
  const settled = await settleAnswer(deps, order, asked.value, 'notify')
  return settled.ok ? settle(deps, settled.value, confirmation, 'notify') : settled
}
