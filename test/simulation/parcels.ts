/** The merchant ships an order in parcels over time, and may correct the shipment once. */
import type { Accepted, ParcelOrder } from './accepted.ts'
import type { Answer } from './check-answer.ts'
import type { Client } from './client.ts'
import type { Random } from './random.ts'
import { TEXTS } from './texts.ts'
import type { World } from './world.ts'

export interface ParcelRequest {
  readonly parcels: readonly string[]
  /** Delay after the start of the request before, in milliseconds. Requests may overlap. */
  readonly afterMs: number
  /** Requests with this content at the same time. */
  readonly times: number
}

export interface ShipParcels {
  readonly kind: 'ship parcels'
  readonly which: number
  readonly requests: readonly ParcelRequest[]
  /** The request that says that nothing is left to ship. Null: it never comes. */
  readonly last: ParcelRequest | null
  readonly isCorrected: boolean
  /** A request after the correction. WeChat refuses it, because it allows one correction. */
  readonly late: 'last' | 'another' | null
  /** The text in each tracking number and description. */
  readonly text: number
}

/**
 * No request from before is still under way after this time, and the payer has not confirmed the
 * receipt yet.
 */
const QUIET_MS = 2 * 60_000
const TRIES = 3
const LAST = 'Z'
const CORRECTION = 'X'

export async function shipInParcels(
  world: World,
  client: Client,
  outTradeNo: string,
  operation: ShipParcels,
  random: Random,
): Promise<void> {
  const order: ParcelOrder = {
    requested: new Set(),
    accepted: new Set(),
    last: 'no',
    correction: null,
  }
  world.parcels.set(outTradeNo, order)
  const { requests, last, isCorrected, late, text } = operation
  const named = (names: readonly string[]) =>
    names.map((name) => (text === 0 ? name : `${name}${TEXTS[text]}`))
  const send = (names: readonly string[], isAllDelivered: boolean, source: Random) => {
    const items = named(names).map((trackingNo) => ({
      itemDesc: TEXTS[text],
      trackingNo,
      expressCompany: 'ZTO',
    }))
    const body = { outTradeNo, logisticsType: 'express', items, isAllDelivered }
    return sendUntilAnswered(world, client, { body, isHostile: text > 0 }, source)
  }
  const sendCopies = async (request: ParcelRequest, isAllDelivered: boolean, source: Random) => {
    for (const parcel of named(request.parcels)) order.requested.add(parcel)
    if (isAllDelivered) order.last = 'maybe'
    const answers = await Promise.all(
      Array.from({ length: request.times }, () =>
        send(request.parcels, isAllDelivered, source.next()),
      ),
    )
    const accepted = acceptedBy(answers)
    if (isAllDelivered) order.last = accepted
    if (accepted === 'yes') for (const one of named(request.parcels)) order.accepted.add(one)
    world.count('world', `parcels ${accepted === 'yes' ? 'accepted' : 'not accepted'}`)
    return answers
  }
  const sent: Promise<unknown>[] = []
  for (const request of requests) {
    await world.time.sleep(request.afterMs)
    sent.push(sendCopies(request, false, random.next()))
  }
  if (last === null) return void (await Promise.all(sent))
  await world.time.sleep(last.afterMs)
  const complete = { ...last, parcels: [...last.parcels, LAST] }
  const answers = await sendCopies(complete, true, random.next())
  await Promise.all(sent)
  const isUploaded = answers.some(({ json }) => json['shippingState'] === 'UPLOADED')
  if (!isCorrected || !isUploaded) return
  await world.time.sleep(QUIET_MS)
  const corrected = [CORRECTION, ...last.parcels]
  const correction: ParcelOrder['correction'] = {
    parcels: new Set(named(corrected)),
    accepted: 'maybe',
  }
  order.correction = correction
  const answer = await send(corrected, true, random.next())
  correction.accepted = acceptedBy([answer])
  world.count('world', `parcels corrected: ${correction.accepted}`)
  if (late === null || answer.json['shippingState'] !== 'UPLOADED') return
  await world.time.sleep(random.between(0, QUIET_MS))
  const refused = await send(late === 'last' ? complete.parcels : [late], true, random.next())
  world.count('world', `late parcels: ${refused.status} ${refused.code}`)
}

async function sendUntilAnswered(
  world: World,
  client: Client,
  request: { readonly body: unknown; readonly isHostile: boolean },
  random: Random,
): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await client.request('shipping', 'POST', '/api/shipping', request, random)
    if (isFinal(answer) || tries === TRIES) return answer
    await world.time.sleep(random.between(200, 3_000))
  }
}

const isFinal = ({ status, code }: Answer): boolean =>
  status === 200 || (status >= 400 && status < 500 && status !== 429 && code !== 'order_not_paid')

const acceptedBy = (answers: readonly Answer[]): Accepted =>
  answers.some(({ status }) => status === 200) ? 'yes' : answers.every(isFinal) ? 'no' : 'maybe'
