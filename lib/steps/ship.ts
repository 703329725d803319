import { waitForAll } from '../core/wait-for-all.ts'
import type { Failure } from '../core/failure.ts'
import { isPaid, type PaidOrder } from '../core/order.ts'
import { describeRefusal } from '../core/describe-failure.ts'
import { MOST_PARCELS, type PlanRefusal } from '../core/plan-shipment.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { Shipment, ShippingError } from '../core/shipment.ts'
import { virtualGoodsRefused } from '../core/virtual-goods.ts'
import type { Claim, Deps, ShipmentDraft, UploadAnswer } from '../ports.ts'
import { unguarded } from './guard.ts'
import { reportShipment } from './report-shipment.ts'

type ShipDeps = Pick<
  Deps,
  'ledger' | 'shipments' | 'miniProgram' | 'cache' | 'clock' | 'randomBytes' | 'waitUntil' | 'log'
>
type ShipOnRequestDeps = ShipDeps & Pick<Deps, 'virtualGoodsAllowed'>

/**
 * WeChat's shipping service often learns of a payment later than we do, so the pauses begin at a
 * minute and grow. The last one repeats; it is short enough for an attempt soon after a daily quota
 * is reset.
 */
const PAUSES_SECONDS = [60, 120, 300, 600, 1_800, 3_600, 10_800, 21_600] as const
const LONGEST_PAUSE_SECONDS = 21_600

/**
 * The money is frozen until WeChat has the shipment, so the shipment is given up late. A week
 * outlasts a daily quota and an outage of days. Every pause must have been used once, so that a
 * shipment is not given up only because cron did not run.
 */
const GIVE_UP_AFTER_MS = 7 * 86_400_000
const FEWEST_ATTEMPTS = PAUSES_SECONDS.length + 1

const TOO_MANY: Failure = {
  reason: 'invalid_request',
  field: 'items',
  expected: `at most ${MOST_PARCELS} parcels of one order in all`,
}

/**
 * Longer than one report, so two runs never report at the same time. A report makes at most three
 * calls of seven seconds each. If WeChat refuses the token, each call is made twice. The report
 * waits for a token at most three times, ten seconds each.
 */
const CLAIM_MS = 90_000

/**
 * Reports to WeChat how a paid order reaches the payer. The shipment is stored first, and an upload
 * that fails is retried automatically.
 */
export async function ship(
  deps: ShipOnRequestDeps,
  draft: ShipmentDraft,
): Promise<Outcome<Shipment>> {
  const order = await deps.ledger.find({ outTradeNo: draft.outTradeNo })
  if (order === null) return err({ reason: 'order_not_found' })
  if (!isPaid(order)) return err({ reason: 'order_not_paid' })
  if (
    draft.logisticsType === 'virtual' &&
    !deps.virtualGoodsAllowed &&
    !(await deps.shipments.mayStillBeVirtual(order))
  )
    return err(virtualGoodsRefused)
  const claim = newClaim(deps)
  const saved = await deps.shipments.save(draft, deps.clock.now(), claim)
  if (!saved.ok) return err(REFUSALS[saved.error])
  const shipment = saved.value
  return shipment.claim === claim.by ? uploadShipment(deps, shipment, order) : ok(shipment)
}

const REFUSALS: Readonly<Record<PlanRefusal, Failure>> = {
  too_many_parcels: TOO_MANY,
  complete: { reason: 'shipping_complete' },
  corrected: { reason: 'shipping_corrected' },
}

/** Uploads a few shipments that are due; returns how many were taken. */
export async function shipDue(deps: ShipDeps, limit: number, guard = unguarded): Promise<number> {
  const due = await deps.shipments.takeDue(limit, newClaim(deps))
  await waitForAll(
    due.map((shipment) =>
      guard({ event: 'shipping_not_finished', order: shipment.outTradeNo }, async () => {
        const order = await deps.ledger.find({ outTradeNo: shipment.outTradeNo })
        if (order === null || !isPaid(order))
          throw new Error('a shipment of an order that is not paid')
        return uploadShipment(deps, shipment, order)
      }),
    ),
  )
  return due.length
}

/**
 * Reports a claimed shipment. Content that was stored meanwhile is reported after the answer, or a
 * minute later if WeChat did not answer. Two concurrent reports could use up the one correction.
 */
async function uploadShipment(
  deps: ShipDeps,
  shipment: Shipment,
  order: PaidOrder,
): Promise<Outcome<Shipment>> {
  const reportedAt = laterThan(shipment.uploadedAt, deps.clock.now())
  const answer = await reportShipment(deps, shipment, order, reportedAt)
  const stored = await recordAnswer(deps, shipment, order, { answer, reportedAt })
  if (stored.contentHash !== shipment.contentHash && stored.shippingState === 'PENDING')
    deps.waitUntil(() => uploadIfDue(deps, order))
  if (!answer.ok) return answer
  const { value } = answer
  if (value.outcome !== 'already' && value.outcome !== 'never') return ok(stored)
  const { code, remedy, text } = value
  return err({ reason: 'shipping_refused', code, remedy, text })
}

async function uploadIfDue(deps: ShipDeps, order: PaidOrder): Promise<void> {
  const shipment = await deps.shipments.take(order.outTradeNo, newClaim(deps))
  if (shipment !== null) await uploadShipment(deps, shipment, order)
}

const newClaim = ({ randomBytes }: ShipDeps): Claim => ({
  by: Buffer.from(randomBytes(16)).toString('hex'),
  ms: CLAIM_MS,
})

/** Returns the shipment as it is stored then, perhaps with later content. */
function recordAnswer(
  deps: ShipDeps,
  shipment: Shipment,
  order: PaidOrder,
  { answer, reportedAt }: { readonly answer: Outcome<UploadAnswer>; readonly reportedAt: Date },
): Promise<Shipment> {
  if (!answer.ok) return retryLater(deps, shipment, order, toRefusal(answer.error))
  const { value } = answer
  switch (value.outcome) {
    case 'uploaded':
      return deps.shipments.uploaded(shipment, reportedAt)
    case 'token_refused':
    case 'later':
      return retryLater(deps, shipment, order, value)
    case 'already': {
      const error = logShippingRefusal(deps, 'shipping_kept', shipment, value)
      return deps.shipments.kept(shipment, value.shipment, error, deps.clock.now())
    }
    case 'never': {
      const error = logShippingRefusal(deps, 'shipping_refused', shipment, value)
      return deps.shipments.failed(shipment, error, order, deps.clock.now())
    }
  }
}

/**
 * The time of a report. WeChat refuses one that is not later than the report before. The clock of
 * this instance may be behind, so it alone does not decide.
 */
const laterThan = (before: Date | null, now: Date): Date =>
  before === null ? now : new Date(Math.max(now.getTime(), before.getTime() + 1))

/** Records a failed attempt, and schedules the next one after a growing pause or gives up. */
async function retryLater(
  deps: ShipDeps,
  shipment: Shipment,
  order: PaidOrder,
  refusal: Refusal,
): Promise<Shipment> {
  const now = deps.clock.now()
  const isOld = now.getTime() - shipment.requestedAt.getTime() >= GIVE_UP_AFTER_MS
  if (isOld && shipment.attempts + 1 >= FEWEST_ATTEMPTS) {
    const error = logShippingRefusal(deps, 'shipping_given_up', shipment, {
      ...refusal,
      remedy: NO_MORE,
    })
    return deps.shipments.failed(shipment, error, order, now)
  }
  const error = logShippingRefusal(deps, 'shipping_postponed', shipment, refusal)
  const pause = PAUSES_SECONDS[shipment.attempts] ?? LONGEST_PAUSE_SECONDS
  return deps.shipments.postponed(shipment, error, pause * 1_000)
}

const NO_MORE =
  'WeChat did not accept it for a week; it is not retried until the merchant sends it again'

interface Refusal {
  readonly code: string
  readonly remedy: string
  readonly text: string
}

/** WeChat's own code, or our reason if WeChat gave none. */
const toRefusal = (failure: Failure): Refusal => ({
  code: 'code' in failure ? failure.code : failure.reason,
  remedy: 'remedy' in failure ? failure.remedy : 'it is sent again automatically',
  text: ('text' in failure && failure.text) || '',
})

function logShippingRefusal(
  { log }: ShipDeps,
  event: string,
  { outTradeNo, attempts }: Shipment,
  { code, remedy, text }: Refusal,
): ShippingError {
  const detail = describeRefusal(remedy, text)
  log({ event, order: outTradeNo, code, detail, count: attempts + 1 })
  return { errCode: code, errText: text || null }
}
