import { setTimeout as sleep } from 'node:timers/promises'
import type { Simulator } from '../wechat/simulator.ts'

const LONGEST_MS = 10_000
const LOOK_EVERY_MS = 20

/** Whether every notification about the order is acknowledged. */
export const isAcknowledged = (wechat: Simulator, outTradeNo: string): boolean =>
  wechat
    .notifications()
    .filter((notification) => notification.outTradeNo === outTradeNo)
    .every(({ acknowledged }) => acknowledged)

/**
 * Sends the due notifications, and waits until those about the order are acknowledged. The
 * simulator also sends by itself, so a notification may be under way already.
 */
export async function deliverNotifications(wechat: Simulator, outTradeNo: string) {
  const endsAt = performance.now() + LONGEST_MS
  const notificationsSent = await wechat.tick()
  while (!isAcknowledged(wechat, outTradeNo) && performance.now() < endsAt)
    await sleep(LOOK_EVERY_MS)
  return { notificationsSent }
}
