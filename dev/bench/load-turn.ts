/**
 * The turn of one server: payments, notifications for the first time and again, and payments while
 * the webhook hangs.
 */
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { payOnce, type Shop } from './client.ts'
import { rush, type Crowd } from './measure.ts'
import { notificationOf } from './message-samples.ts'

export interface Server extends Shop {
  readonly name: string
  /** CPU time since its start in milliseconds, once the server and WeChat have no work left. */
  readonly cpuMs: () => Promise<number>
  /** Stores unpaid orders with these numbers. */
  readonly storeOrders: (numbers: readonly string[]) => Promise<void>
}

/** Payers and notifications side by side. */
export const AT_ONCE = 32

export interface Windows {
  readonly paymentsMs: number
  /** For one payer alone, and for one notification after another. */
  readonly aloneMs: number
  readonly notificationsMs: number
  readonly againMs: number
  /** Longer than the deadline of a webhook call. */
  readonly hangingMs: number
}

export interface Turn {
  readonly payments: Crowd
  readonly notifications: Crowd
  readonly again: Crowd
  readonly alone: { readonly payments: Crowd; readonly notifications: Crowd }
  /** CPU time of the server's process for one, in milliseconds. */
  readonly cpu: { readonly payment: number; readonly notification: number }
}

const MOST_NOTIFICATIONS_PER_MS = 2

export async function takeTurn(server: Server, windows: Windows): Promise<Turn> {
  const before = await server.cpuMs()
  const payments = await pay(server, AT_ONCE, windows.paymentsMs)
  const between = await server.cpuMs()
  const prepared = await prepareNotifications(
    server,
    Math.ceil((windows.notificationsMs + windows.aloneMs) * MOST_NOTIFICATIONS_PER_MS),
  )
  const sent: string[] = []
  const notify = async () => {
    const notification = prepared.pop()
    if (notification === undefined) return false
    await sendNotification(server.url, notification)
    sent.push(notification)
    return true
  }
  const notifications = await rush(AT_ONCE, windows.notificationsMs, notify)
  const after = await server.cpuMs()
  let copies = 0
  // Few enough that two copies of a notification are never sent at the same time, because a server
  // may refuse the second one.
  const atOnce = Math.min(AT_ONCE, Math.ceil(sent.length / 4))
  const again = await rush(atOnce, windows.againMs, async () => {
    copies += 1
    await sendNotification(server.url, sent[copies % sent.length] ?? '')
    return true
  })
  await server.cpuMs()
  const alone = {
    payments: await pay(server, 1, windows.aloneMs),
    notifications: await rush(1, windows.aloneMs, notify),
  }
  const cpu = {
    payment: (between - before) / payments.ms.length,
    notification: (after - between) / notifications.ms.length,
  }
  return { payments, notifications, again, alone, cpu }
}

export interface Hanging {
  readonly payments: Crowd
  /** The share of the payments per second just before. */
  readonly share: number
}

export async function takeHangingTurn(
  server: Server,
  { paymentsMs, hangingMs }: Windows,
  tell: (message: 'hang' | 'recover') => Promise<void>,
): Promise<Hanging> {
  const before = await pay(server, AT_ONCE, paymentsMs)
  await tell('hang')
  const payments = await pay(server, AT_ONCE, hangingMs)
  await tell('recover')
  await server.cpuMs()
  return { payments, share: payments.perSecond / before.perSecond }
}

let payers = 0
/** Each payer has an address of its own, or the limit of an address would be measured. */
const pay = (server: Server, atOnce: number, forMs: number): Promise<Crowd> =>
  rush(atOnce, forMs, async () => {
    payers += 1
    const address = `9.${(payers >> 16) & 255}.${(payers >> 8) & 255}.${payers & 255}`
    await payOnce({ ...server, headers: { 'x-forwarded-for': address } })
    return true
  })

let numbered = 0
async function prepareNotifications(server: Server, count: number): Promise<string[]> {
  const numbers = Array.from({ length: count }, () => {
    numbered += 1
    return `LOAD${String(numbered).padStart(20, '0')}`
  })
  await server.storeOrders(numbers)
  const paidAt = new Date()
  return numbers.map((number) => notificationOf('MD5', number, paidAt).toString())
}

const agent = new Agent({ keepAlive: true })

/** @throws Error if it is not acknowledged. */
async function sendNotification(url: string, notification: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const headers = {
    'content-type': 'text/xml; charset=utf-8',
    'content-length': Buffer.byteLength(notification),
  }
  request(
    `${url}/api/notify`,
    { method: 'POST', agent, headers },
    (response) => void text(response).then(resolve, reject),
  )
    .on('error', reject)
    .end(notification)
  const answer = await promise
  if (!answer.includes('SUCCESS')) throw new Error(`a notification was answered with ${answer}`)
}
