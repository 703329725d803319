/** What one server does in its turn: payments, notifications for the first time and again, and payments while the webhook hangs. */
import { rush, type Crowd } from './load-crowd.ts'
import { noticeOf, sendNotice } from './load-notices.ts'
import { type Server, type Stage } from './load-stage.ts'
import { payOnce } from './shopper.ts'

export const AT_ONCE = 32

export interface Windows {
  readonly paymentsMs: number
  /** For a payer alone, and as long again for one notification after another. */
  readonly aloneMs: number
  readonly noticesMs: number
  readonly againMs: number
  /** Longer than anybody waits for the webhook. */
  readonly hangingMs: number
}

export interface Turn {
  readonly payments: Crowd
  readonly notices: Crowd
  readonly again: Crowd
  /** With nobody else about. */
  readonly alone: { readonly payments: Crowd; readonly notices: Crowd }
  /** Of the server's process, milliseconds for one. */
  readonly cpu: { readonly payment: number; readonly notice: number }
}

export async function takeTurn(server: Server, windows: Windows): Promise<Turn> {
  const before = await server.cpuMs()
  const payments = await pay(server, AT_ONCE, windows.paymentsMs)
  const between = await server.cpuMs()
  const prepared = await prepareNotices(
    server,
    Math.ceil((windows.noticesMs + windows.aloneMs) * MOST_NOTICES_PER_MS),
  )
  const sent: string[] = []
  const tell = async () => {
    const notice = prepared.pop()
    if (notice === undefined) return false
    await sendNotice(server.url, notice)
    sent.push(notice)
    return true
  }
  const notices = await rush(AT_ONCE, windows.noticesMs, tell)
  const after = await server.cpuMs()
  let copies = 0
  // So many that no two copies of one are under way at once: a server may refuse one of these.
  const again = await rush(
    Math.min(AT_ONCE, Math.ceil(sent.length / 4)),
    windows.againMs,
    async () => {
      copies += 1
      await sendNotice(server.url, sent[copies % sent.length] ?? '')
      return true
    },
  )
  await server.cpuMs()
  const alone = {
    payments: await pay(server, 1, windows.aloneMs),
    notices: await rush(1, windows.aloneMs, tell),
  }
  const cpu = {
    payment: (between - before) / payments.ms.length,
    notice: (after - between) / notices.ms.length,
  }
  return { payments, notices, again, alone, cpu }
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
async function prepareNotices(server: Server, count: number): Promise<string[]> {
  const numbers = Array.from({ length: count }, () => {
    numbered += 1
    return `LOAD${String(numbered).padStart(20, '0')}`
  })
  await server.storeOrders(numbers)
  const paidAt = new Date()
  return numbers.map((number) => noticeOf(number, paidAt))
}
