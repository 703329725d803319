/** What one server does in its turn: payments, notifications for the first time and again, and payments while the webhook hangs. */
import { rush, type Crowd } from './load-crowd.ts'
import { notificationOf, sendNotification } from './load-notices.ts'
import { type Server, type Stage } from './load-stage.ts'
import { payOnce } from './shopper.ts'

export const AT_ONCE = 32

export interface Windows {
  readonly paymentsMs: number
  /** For a payer alone, and as long again for one notification after another. */
  readonly aloneMs: number
  readonly notificationsMs: number
  readonly againMs: number
  /** Longer than anybody waits for the webhook. */
  readonly hangingMs: number
}

export interface Turn {
  readonly payments: Crowd
  readonly notifications: Crowd
  readonly again: Crowd
  /** With nobody else about. */
  readonly alone: { readonly payments: Crowd; readonly notifications: Crowd }
  /** Of the server's process, milliseconds for one. */
  readonly cpu: { readonly payment: number; readonly notification: number }
}

export async function takeTurn(server: Server, windows: Windows): Promise<Turn> {
  const before = await server.cpuMs()
  const payments = await pay(server, AT_ONCE, windows.paymentsMs)
  const between = await server.cpuMs()
  const prepared = await prepareNotifications(
    server,
    Math.ceil((windows.notificationsMs + windows.aloneMs) * MOST_NOTICES_PER_MS),
  )
  const sent: string[] = []
  const tell = async () => {
    const notification = prepared.pop()
    if (notification === undefined) return false
    await sendNotification(server.url, notification)
    sent.push(notification)
    return true
  }
  const notifications = await rush(AT_ONCE, windows.notificationsMs, tell)
  const after = await server.cpuMs()
  let copies = 0
  // So many that no two copies of one are under way at once: a server may refuse one of these.
  const again = await rush(
    Math.min(AT_ONCE, Math.ceil(sent.length / 4)),
    windows.againMs,
    async () => {
      copies += 1
      await sendNotification(server.url, sent[copies % sent.length] ?? '')
      return true
    },
  )
  await server.cpuMs()
  const alone = {
    payments: await pay(server, 1, windows.aloneMs),
    notifications: await rush(1, windows.aloneMs, tell),
  }
  const cpu = {
    payment: (between - before) / payments.ms.length,
    notification: (after - between) / notifications.ms.length,
  }
  return { payments, notifications, again, alone, cpu }
}

export interface Hanging {
  readonly payments: Crowd
  /** Of the payments per second just before. */
  readonly share: number
}

export async function takeHangingTurn(
  stage: Stage,
  server: Server,
  { paymentsMs, hangingMs }: Windows,
): Promise<Hanging> {
  const before = await pay(server, AT_ONCE, paymentsMs)
  await stage.hang()
  const payments = await pay(server, AT_ONCE, hangingMs)
  await stage.mend()
  await server.cpuMs()
  return { payments, share: payments.perSecond / before.perSecond }
}

const pay = (server: Server, atOnce: number, forMs: number): Promise<Crowd> =>
  rush(atOnce, forMs, async () => {
    await payOnce({ ...server, headers: { 'x-forwarded-for': nextAddress() } })
    return true
  })

let payers = 0
/** Each payer's own, or the limit of an address would be what is measured. */
function nextAddress(): string {
  payers += 1
  return `9.${(payers >> 16) & 255}.${(payers >> 8) & 255}.${payers & 255}`
}

const MOST_NOTICES_PER_MS = 2

let numbered = 0
async function prepareNotifications(server: Server, count: number): Promise<string[]> {
  const numbers = Array.from({ length: count }, () => {
    numbered += 1
    return `LOAD${String(numbered).padStart(20, '0')}`
  })
  await server.storeOrders(numbers)
  const paidAt = new Date()
  return numbers.map((number) => notificationOf(number, paidAt))
}
