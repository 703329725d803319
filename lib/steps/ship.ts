import { allDone } from '../core/all-done.ts'
import type { Failure } from '../core/failure.ts'
import { isPaid, type PaidOrder } from '../core/order.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Shipment } from '../core/shipment.ts'
import { cleanText } from '../core/text.ts'
import type { Deps, ShipmentDraft } from '../ports.ts'
import { accessToken } from './access-token.ts'

/** WeChat often learns of a payment later than we do. A minute first, then growing, for about a day. */
const PAUSES_SECONDS = [60, 120, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200]

/** Longer than one upload may take, so that two runs never upload at once. */
const LEASE_MS = 30_000

/** WeChat takes 120 characters; each that it carries has three bytes at most. */
const DESC_BYTES = 360

/** Tells WeChat how a paid order reaches the payer. Kept first, told then: what does not get through is told again. */
export async function ship(deps: Deps, draft: ShipmentDraft): Promise<Result<Shipment, Failure>> {
  const nameless = draft.parcels.findIndex(({ itemDesc }) => cleanText(itemDesc, DESC_BYTES) === '')
  if (nameless >= 0) return err({ reason: 'invalid_request', field: `items.${nameless}.itemDesc`, expected: 'text that WeChat can show' })
  const order = await deps.ledger.find({ outTradeNo: draft.outTradeNo })
  if (order === null) return err({ reason: 'order_not_found' })
  if (!isPaid(order)) return err({ reason: 'order_not_paid' })
  const now = deps.clock.now()
  const shipment = await deps.shipments.save(draft, now, new Date(now.getTime() + LEASE_MS))
  return shipment.shippingState === 'UPLOADED' ? ok(shipment) : upload(deps, shipment, order)
}

/** Uploads a few shipments that are due; returns how many were taken. */
export async function shipDue(deps: Deps, limit: number): Promise<number> {
  const at = deps.clock.now()
  const due = await deps.shipments.takeDue(limit, at, new Date(at.getTime() + LEASE_MS))
  await allDone(
    due.map(async (shipment) => {
      const order = await deps.ledger.find({ outTradeNo: shipment.outTradeNo })
      if (order === null || !isPaid(order)) throw new Error('a shipment of an order that is not paid')
      await upload(deps, shipment, order)
    }),
  )
  return due.length
}

const HAS_ANOTHER = 'WeChat has an earlier report of this order and takes no other: look at it in the Mini Program console'

async function upload(deps: Deps, shipment: Shipment, order: PaidOrder): Promise<Result<Shipment, Failure>> {
  const answer = await uploadWithToken(deps, shipment, order)
  if (!answer.ok) {
    await deps.shipments.failed(shipment, answer.error.reason, nextAttempt(deps, shipment))
    return answer
  }
  const { value } = answer
  switch (value.outcome) {
    case 'uploaded':
      return ok(await deps.shipments.uploaded(shipment))
    case 'already':
      // Told once, it has what we last told it, unless the content was changed since: then it has something else.
      if (!shipment.wasChanged) return ok(await deps.shipments.uploaded(shipment))
      deps.log({ event: 'shipping_refused', order: shipment.outTradeNo, code: value.code, detail: HAS_ANOTHER })
      await deps.shipments.failed(shipment, value.code, null)
      return err({ reason: 'shipping_refused', code: value.code, cure: HAS_ANOTHER })
    case 'token_refused':
      return ok(await deps.shipments.failed(shipment, value.code, nextAttempt(deps, shipment)))
    case 'later':
      deps.log({ event: 'shipping_postponed', order: shipment.outTradeNo, code: value.code, detail: value.cure })
      return ok(await deps.shipments.failed(shipment, value.code, nextAttempt(deps, shipment)))
    case 'never':
      deps.log({ event: 'shipping_refused', order: shipment.outTradeNo, code: value.code, detail: value.cure })
      await deps.shipments.failed(shipment, value.code, null)
      return err({ reason: 'shipping_refused', code: value.code, cure: value.cure })
  }
}

/** A token that WeChat no longer takes is renewed once, and only once: a second refusal is no matter of its age. */
async function uploadWithToken(deps: Deps, shipment: Shipment, order: PaidOrder): ReturnType<Deps['wechat']['uploadShipping']> {
  const token = await accessToken(deps)
  if (!token.ok) return token
  const first = await deps.wechat.uploadShipping(token.value, shipment, order, deps.clock.now())
  if (!first.ok || first.value.outcome !== 'token_refused') return first
  await deps.cache.forgetAccessToken(token.value)
  const renewed = await accessToken(deps)
  return renewed.ok ? deps.wechat.uploadShipping(renewed.value, shipment, order, deps.clock.now()) : renewed
}

function nextAttempt(deps: Pick<Deps, 'clock'>, shipment: Shipment): Date | null {
  const pause = PAUSES_SECONDS[shipment.attempts]
  return pause === undefined ? null : new Date(deps.clock.now().getTime() + pause * 1_000)
}
