import { fingerprint } from '../core/fingerprint.ts'
import { toMerchantOrderView } from '../core/order.ts'
import { hashShipment, planShipment } from '../core/plan-shipment.ts'
import { ok } from '../core/result.ts'
import type { Shipment } from '../core/shipment.ts'
import type { FailedShipmentView, Shipments } from '../ports.ts'
import { REPEATABLE, type Sql } from './neon.ts'
import { readShipment } from './rows.ts'
import {
  FAILED,
  FIND,
  KEPT,
  POSTPONED,
  RELEASE,
  SAVE,
  TAKE,
  TAKE_DUE,
  UPLOADED,
} from './shipment-statements.ts'

/** A shipment cannot change this often between reading and storing it. */
const MOST_READS = 16

/**
 * The time of migration 0014 is the time of the upgrade. The migration runs before the new version
 * serves requests, so a day is added for the deployment. In a new database all migrations run
 * together, and there are no earlier orders.
 */
const MAY_STILL_BE_VIRTUAL = `
  select from migrations first join migrations rule on rule.name = '0014-virtual-goods'
  where first.name = '0001-payments' and first.applied_at < rule.applied_at - interval '1 hour'
    and $1::timestamptz < rule.applied_at + interval '1 day'`

/** A late repetition of an older request is not recognised. */
const MOST_EARLIER_REQUESTS = 50

export function createShipments(sql: Sql): Shipments {
  const find = async (outTradeNo: string) => {
    const [row] = await sql.query(FIND, [outTradeNo], REPEATABLE)
    return row === undefined ? null : readShipment(row['shipment'])
  }
  /**
   * @param acceptedAt the time of the report, if WeChat has accepted it
   * @param isUnanswered whether WeChat may still receive the report
   */
  const record = async (
    { outTradeNo, contentHash, claim, parcels }: Shipment,
    text: string,
    params: readonly unknown[],
    acceptedAt: Date | null = null,
    isUnanswered = false,
  ) => {
    const [row] = await sql.query(text, [outTradeNo, contentHash, ...params])
    if (row !== undefined) return readShipment(row['shipment'])
    const reported = [outTradeNo, contentHash, claim, acceptedAt, JSON.stringify(parcels)]
    const [released] = await sql.query(RELEASE, [...reported, isUnanswered])
    if (released !== undefined) return readShipment(released['shipment'])
    const shipment = await find(outTradeNo)
    if (shipment === null) throw new Error('a shipment vanished')
    return shipment
  }
  return {
    find,
    async save({ outTradeNo, ...request }, at, claim) {
      const { logisticsType, parcels, isAllDelivered } = request
      const requestHash = fingerprint([logisticsType, parcels, isAllDelivered])
      for (let reads = 0; reads < MOST_READS; reads += 1) {
        const stored = await find(outTradeNo)
        const planned = planShipment(stored, request, repeatedBy(requestHash, stored))
        if (!planned.ok) return planned
        if (planned.value === null && stored?.shippingState === 'UPLOADED') return ok(stored)
        const content = planned.value ?? stored
        if (content === null) throw new Error('nothing was planned for a new shipment')
        // A repeated earlier request does not become the last one.
        const last = planned.value === null ? (stored?.requestHash ?? requestHash) : requestHash
        const [row] = await sql.query(SAVE, [
          outTradeNo,
          content.logisticsType,
          JSON.stringify(content.parcels),
          hashShipment(content),
          content.isAllDelivered,
          content.isSplit,
          content.reportedParcels,
          last,
          at,
          claim.ms,
          stored?.contentHash ?? null,
          stored?.shippingState ?? null,
          stored?.reportedParcels ?? null,
          stored?.requestHash ?? null,
          claim.by,
          earlierThan(last, stored),
        ])
        if (row !== undefined) return ok(readShipment(row['shipment']))
      }
      throw new Error('a shipment changed each time that it was stored')
    },
    uploaded: (shipment, at) => record(shipment, UPLOADED, [at], at),
    kept: (shipment, atWechat, { errCode, errText }, at) =>
      record(shipment, KEPT, [
        at,
        atWechat.logisticsType,
        JSON.stringify(atWechat.parcels),
        hashShipment(atWechat),
        atWechat.isAllDelivered,
        atWechat.isSplit,
        errCode,
        errText,
      ]),
    postponed: (shipment, { errCode, errText }, pauseMs) =>
      record(
        shipment,
        POSTPONED,
        [errCode, errText, pauseMs, shipment.claim],
        null,
        errCode === 'wechat_unknown',
      ),
    failed: (shipment, { errCode, errText }, order, at) => {
      const event: FailedShipmentView = {
        ...toMerchantOrderView({ ...order, shippingState: 'FAILED' }),
        errCode,
        ...(errText === null ? {} : { errText }),
      }
      return record(shipment, FAILED, [errCode, errText, event, at])
    },
    async mayStillBeVirtual({ paidAt }) {
      return (await sql.query(MAY_STILL_BE_VIRTUAL, [paidAt], REPEATABLE)).length > 0
    },
    async take(outTradeNo, { by, ms }) {
      const [row] = await sql.query(TAKE, [outTradeNo, by, ms])
      return row === undefined ? null : readShipment(row['shipment'])
    },
    async takeDue(limit, { by, ms }) {
      const rows = await sql.query(TAKE_DUE, [limit, by, ms])
      return rows.map((row) => readShipment(row['shipment']))
    },
  }
}

function repeatedBy(requestHash: string, stored: Shipment | null): 'last' | 'earlier' | null {
  if (stored?.requestHash === requestHash) return 'last'
  return stored?.earlierRequests.includes(requestHash) === true ? 'earlier' : null
}

/** The requests before `last`, if it is the last one. */
const earlierThan = (last: string, stored: Shipment | null): readonly string[] =>
  [...(stored?.earlierRequests ?? []), stored?.requestHash ?? last]
    .filter((one) => one !== last)
    .slice(-MOST_EARLIER_REQUESTS)
