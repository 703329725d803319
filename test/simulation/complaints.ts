/** Payers complain, and the merchant replies, finishes and decides about refunds. */
import type { ProblemType } from '../../dev/wechat/v3/complaint-state.ts'
import type { MerchantAction } from './accepted.ts'
import type { Answer } from './check-answer.ts'
import type { Client } from './client.ts'
import { writeV3Event, type Message } from './forged-notification.ts'
import type { Random } from './random.ts'
import { TEXTS } from './texts.ts'
import { tickAfter } from './tick.ts'
import type { World } from './world.ts'

export interface Complain {
  readonly kind: 'complain'
  readonly which: number
  readonly problemType: ProblemType
  readonly text: number
  readonly isNotifiedSoon: boolean
}

/** The merchant can act on it in every way. */
export const FIRST_COMPLAINT = {
  kind: 'complain',
  problemType: 'REFUND',
  text: 0,
  isNotifiedSoon: true,
} as const

export interface ActOnComplaint {
  readonly kind: 'act on complaint'
  readonly which: number
  /** One after the other. */
  readonly actions: readonly MerchantAction[]
  /** Requests with the same content at the same time. */
  readonly times: number
  readonly text: number
}

/** `tampered`: not signed by WeChat. The others are signed, as by someone with a leaked key. */
export const FORGERIES = ['tampered', 'of an unknown complaint', 'of a known complaint'] as const

export interface ForgeComplaint {
  readonly kind: 'forge complaint'
  readonly which: number
  readonly forgery: (typeof FORGERIES)[number]
}

/** The payer's phone number. It is stored and logged nowhere. */
export const PAYER_PHONE = '13957702468'
/** The payer's words. They are in no log line and in no event. */
export const PAYER_TEXT = '东西一直没有收到'
const UNKNOWN_COMPLAINT = '200299999999999999999999999999'

/** The payer of the order complains, or complains again. */
export async function complain(
  world: World,
  outTradeNo: string,
  { problemType, text, isNotifiedSoon }: Complain,
  random: Random,
): Promise<void> {
  const { simulator } = world
  if (!simulator.orders().some((one) => one.outTradeNo === outTradeNo && one.payment)) return
  const detail = `${PAYER_TEXT} ${TEXTS[text]}`
  const { times } = simulator.complain({ outTradeNo, detail, phone: PAYER_PHONE, problemType })
  world.count('world', times === 1 ? 'complained' : 'complained again')
  if (isNotifiedSoon) await tickAfter(world, random, random.between(0, 30_000))
}

const TRIES = 2

export async function actOnComplaint(
  world: World,
  client: Client,
  { which, actions, times, text }: ActOnComplaint,
  random: Random,
): Promise<void> {
  const complaintId = world.simulator.complaints().at(-1 - which)?.complaintId
  if (complaintId === undefined) return
  for (const action of actions) {
    const body = { complaintId, ...contentOf(action, TEXTS[text] ?? '') }
    const request = { body, isHostile: text > 0 }
    const answers = await Promise.all(
      Array.from({ length: times }, () => sendAction(world, client, request, random.next())),
    )
    if (!answers.some(({ status }) => status === 200)) continue
    world.count('world', `complaint: ${action} accepted`)
    world.acceptedActions.push({ complaintId, action })
  }
}

async function sendAction(
  world: World,
  client: Client,
  request: { readonly body: object; readonly isHostile: boolean },
  random: Random,
): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    const path = '/api/console/complaints'
    const answer = await client.request('complaint', 'POST', path, request, random)
    if (answer.status === 200 || tries === TRIES) return answer
    await world.time.sleep(random.between(1_000, 40_000))
  }
}

function contentOf(action: MerchantAction, text: string): object {
  switch (action) {
    case 'reply':
      return { action, content: text }
    case 'finish':
      return { action }
    case 'approve':
      return { action: 'refund', decision: action }
    case 'reject':
      return { action: 'refund', decision: action, reason: text }
  }
}

export async function lookAtComplaints(
  world: World,
  client: Client,
  which: number,
  random: Random,
): Promise<void> {
  const complaintId = world.simulator.complaints().at(-1 - which)?.complaintId
  const path = '/api/console/complaints'
  const query = complaintId === undefined ? '' : `?id=${complaintId}&phone=1`
  await client.request('complaint', 'GET', path + query, {}, random)
}

/** Sends a notification of a complaint that is not WeChat's. Returns the broken promises. */
export async function forgeComplaint(
  world: World,
  { which, forgery }: ForgeComplaint,
  random: Random,
): Promise<readonly string[]> {
  const known = world.simulator.complaints().at(-1 - which)?.complaintId
  if (forgery === 'of a known complaint' && known === undefined) return []
  const complaint_id =
    forgery === 'of a known complaint' ? (known ?? UNKNOWN_COMPLAINT) : UNKNOWN_COMPLAINT
  const plain = { complaint_id, action_type: 'CREATE_COMPLAINT' }
  const written = writeV3Event(world, 'COMPLAINT.CREATE', 'complaint', plain)
  const message = forgery === 'tampered' ? tampered(written) : written
  const isTaken = await world.call(random, '/api/notify', { method: 'POST', ...message }).then(
    ({ ok }) => ok,
    () => null,
  )
  if (isTaken !== null)
    world.count('world', `notification ${forgery} ${isTaken ? 'taken' : 'refused'}`)
  return isTaken === true && forgery === 'tampered' ? ['a forged complaint was taken'] : []
}

const tampered = ({ body, headers }: Message): Message => ({
  body: body.replace('COMPLAINT.CREATE', 'COMPLAINT.STATE_CHANGE'),
  headers,
})
