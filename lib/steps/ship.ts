import { waitForAll } from '../core/wait-for-all.ts'
import type { Failure } from '../core/failure.ts'
import { isPaid, type PaidOrder } from '../core/order.ts'
import { describeRefusal } from '../core/describe-failure.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Shipment, ShippingError } from '../core/shipment.ts'
import type { Deps, MiniProgram, ShipmentDraft } from '../ports.ts'
import { accessToken, forgetAccessToken } from './access-token.ts'
import { unguarded, type Guard } from './guard.ts'

/**
 * WeChat's shipping service often learns of a payment later than we do, so the pauses begin at a minute and grow. The last
 * one repeats; it is short enough for an attempt soon after a daily quota is reset.
 */
const PAUSES_SECONDS = [60, 120, 300, 600, 1_800, 3_600, 10_800, 21_600] as const
const LONGEST_PAUSE_SECONDS = 21_600

/**
 * The money is frozen until WeChat has the shipment, so it is given up late: after a week, which outlasts a daily quota and
 * an outage of days, and only after every pause was used once, so that a week without cron costs no attempt.
 */
const GIVE_UP_AFTER_MS = 7 * 86_400_000
const FEWEST_ATTEMPTS = PAUSES_SECONDS.length + 1

/**
 * Longer than one upload may take, so that two runs never upload at once. It covers two waits of ten seconds for a token, two
 * uploads of seven seconds, and the statements before and after them.
 */
const LEASE_MS = 60_000

/** Tells WeChat how a paid order reaches the payer. Kept first, told then: what does not get through is told again. */
export async function ship(deps: Deps, draft: ShipmentDraft): Promise<Result<Shipment, Failure>> {
  const order = await deps.ledger.find({ outTradeNo: draft.outTradeNo })
  if (order === null) return err({ reason: 'order_not_found' })
  if (!isPaid(order)) return err({ reason: 'order_not_paid' })
  const now = deps.clock.now()
  const shipment = await deps.shipments.save(draft, now, new Date(now.getTime() + LEASE_MS))
  return shipment.shippingState === 'UPLOADED' ? ok(shipment) : upload(deps, shipment, order)
}

/** Uploads a few shipments that are due; returns how many were taken. */
export async function shipDue(
  deps: Deps,
  limit: number,
  guard: Guard = unguarded,
): Promise<number> {
  const at = deps.clock.now()
  const due = await deps.shipments.takeDue(limit, at, new Date(at.getTime() + LEASE_MS))
  await waitForAll(
    due.map((shipment) =>
      guard({ event: 'shipping_not_finished', order: shipment.outTradeNo }, async () => {
        const order = await deps.ledger.find({ outTradeNo: shipment.outTradeNo })
        if (order === null || !isPaid(order))
          throw new Error('a shipment of an order that is not paid')
        return upload(deps, shipment, order)
      }),
    ),
  )
  return due.length
}

async function upload(
  deps: Deps,
  shipment: Shipment,
  order: PaidOrder,
): Promise<Result<Shipment, Failure>> {
  const answer = await uploadWithToken(deps, shipment, order)
  if (!answer.ok) {
    await tryLater(deps, shipment, order, errorOf(answer.error), adviceOf(answer.error))
    return answer
  }
  const { value } = answer
  if (value.outcome === 'uploaded') return ok(await deps.shipments.uploaded(shipment))
  // WeChat has an earlier upload. It is this one, unless the content was changed since.
  if (value.outcome === 'already' && !shipment.wasChanged)
    return ok(await deps.shipments.uploaded(shipment))
  const { code, remedy, text } = value
  const error = { errCode: code, errText: text || null }
  switch (value.outcome) {
    case 'token_refused':
    case 'later':
      return ok(await tryLater(deps, shipment, order, error, remedy))
    case 'already':
    case 'never':
      deps.log({ event: 'shipping_refused', ...toLogFields(shipment, error, remedy) })
      await deps.shipments.failed(shipment, error, order, deps.clock.now())
      return err({ reason: 'shipping_refused', code, remedy, text })
  }
}

/** Records a failed attempt, and schedules the next one after a growing pause or gives up. */
async function tryLater(
  deps: Deps,
  shipment: Shipment,
  order: PaidOrder,
  error: ShippingError,
  remedy: string,
): Promise<Shipment> {
  const now = deps.clock.now()
  const isOld = now.getTime() - shipment.requestedAt.getTime() >= GIVE_UP_AFTER_MS
  if (isOld && shipment.attempts + 1 >= FEWEST_ATTEMPTS) {
    deps.log({ event: 'shipping_given_up', ...toLogFields(shipment, error, NO_MORE) })
    return deps.shipments.failed(shipment, error, order, now)
  }
  deps.log({ event: 'shipping_postponed', ...toLogFields(shipment, error, remedy) })
  const pause = PAUSES_SECONDS[shipment.attempts] ?? LONGEST_PAUSE_SECONDS
  return deps.shipments.postponed(shipment, error, new Date(now.getTime() + pause * 1_000))
}

const NO_MORE =
  'WeChat did not accept it for a week; it is not retried until the merchant sends it again'

const toLogFields = (
  { outTradeNo, attempts }: Shipment,
  { errCode, errText }: ShippingError,
  remedy: string,
) => ({
  order: outTradeNo,
  code: errCode,
  detail: describeRefusal(remedy, errText ?? ''),
  count: attempts + 1,
})

/** WeChat's own code, or our reason if WeChat gave none. */
const errorOf = (failure: Failure): ShippingError => ({
  errCode: 'code' in failure ? failure.code : failure.reason,
  errText: ('text' in failure && failure.text) || null,
})

const adviceOf = (failure: Failure): string =>
  'remedy' in failure ? failure.remedy : 'it is sent again automatically'

/** A token that WeChat refuses is renewed once. A second refusal does not depend on the token's age. */
async function uploadWithToken(
  deps: Deps,
  shipment: Shipment,
  order: PaidOrder,
): ReturnType<MiniProgram['uploadShipping']> {
  const { appid } = order.account
  const send = (token: string) =>
    deps.miniProgram(appid).uploadShipping(token, shipment, order, deps.clock.now())
  const token = await accessToken(deps, appid)
  if (!token.ok) return token
  const first = await send(token.value)
  if (!first.ok || first.value.outcome !== 'token_refused') return first
  await forgetAccessToken(deps, appid, token.value)
  const renewed = await accessToken(deps, appid)
  return renewed.ok ? send(renewed.value) : renewed
}
