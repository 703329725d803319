/**
 * Checks the numbered promises of docs/reliability.md. Compares the ledger with WeChat's orders and
 * refunds, the merchant's deliveries and the log.
 */
import * as v from 'valibot'
import { secretsIn } from './check-answer.ts'
import { inComplaints } from './complaint-invariants.ts'
import { isEarlier } from './earlier-number.ts'
import { findContradicted } from './earlier-order.ts'
import { inShipments } from './shipment-invariants.ts'
import { hasFalseAmounts } from './faults.ts'
import { PAYOUT_SECRETS } from './payout-accounts.ts'
import { findWaiting } from './unlisted-refunds.ts'
import { USERS } from './users.ts'
import type { World } from './world.ts'

/** Returns a description of each broken promise. Called after convergence. */
export async function findProblems(world: World): Promise<readonly string[]> {
  return [
    ...(await inTheLedger(world)),
    ...(await inRefunds(world)),
    ...(await inRefundEvents(world)),
    ...(await inSettlements(world)),
    ...(await inShipments(world)),
    ...(await inComplaints(world)),
    ...(await inDeliveries(world)),
    ...(await inIncidents(world)),
    ...(await inLogs(world)),
    ...world.locks.problems,
  ]
}

/**
 * Promises 1, 2, 3 and 5: an order is paid in the ledger exactly when it is paid at WeChat, by the
 * same single payment, and has one `order.paid` event. Orders that wait for a person are excepted.
 */
async function inTheLedger(world: World): Promise<readonly string[]> {
  const { sql, simulator, earlier } = world
  const waiting = new Set([...findWaiting(world), ...(await findContradicted(world))])
  const problems: string[] = []
  const atWechat = new Map(simulator.orders().map((order) => [order.outTradeNo, order]))
  const orders = await sql(`
    select o.out_trade_no as no, o.trade_state as state, o.transaction_id as payment, o.total_fee as fee,
      (select count(*)::integer from payments p where p.out_trade_no = o.out_trade_no) as payments,
      (select count(*)::integer from payments p where p.out_trade_no = o.out_trade_no and p.transaction_id = o.transaction_id and p.total_fee = o.total_fee) as matching,
      (select coalesce(string_agg(e.type, ' ' order by e.seq), '') from events e where e.out_trade_no = o.out_trade_no and e.type in ('order.paid', 'order.closed')) as events
    from orders o`)
  for (const { no, state, payment, fee, payments, matching, events } of orders) {
    const order = atWechat.get(String(no))
    const paid = order?.payment ?? null
    const report = (text: string) => void problems.push(`${text} (${String(no)})`)
    const isPaid = state === 'SUCCESS' || state === 'REFUND'
    if (isPaid && paid === null) report('1: paid here, not at WeChat')
    if (isPaid && earlier.get(String(no)) === 'never')
      report('1: paid by the payment of an earlier order')
    if (!isPaid && paid !== null && !waiting.has(String(no))) report('2: paid at WeChat, not here')
    if (isPaid && paid !== null && paid.transactionId !== payment)
      report('1: paid by another payment here than at WeChat')
    if (order !== undefined && !isEarlier(String(no)) && String(order.totalFee) !== String(fee))
      report('1: another amount at WeChat')
    if (Number(payments) !== (isPaid ? 1 : 0) || Number(matching) !== Number(payments))
      report(`3: ${String(payments)} payments`)
    const allowedEvents = isPaid
      ? ['order.paid', 'order.closed order.paid']
      : state === 'CLOSED'
        ? ['order.closed']
        : ['']
    if (!allowedEvents.includes(String(events)))
      report(`3: ${String(state)} after ${String(events)}`)
  }
  for (const { no, times } of await sql(
    'select transaction_id as no, count(*)::integer as times from payments group by 1 having count(*) > 1',
  ))
    problems.push(`3: payment ${String(no)} paid ${String(times)} orders`)
  return problems
}

/**
 * Promise 4: the ledger holds the refunds that WeChat made, with the same amounts, except console
 * refunds that WeChat closed. WeChat lacks a refund of ours only if too little was left for it.
 */
async function inRefunds({ sql, simulator, record }: World): Promise<readonly string[]> {
  const problems: string[] = []
  const atWechat = simulator.refunds()
  if (new Set(atWechat.map(({ outRefundNo }) => outRefundNo)).size !== atWechat.length)
    problems.push('4: a number was refunded twice')
  const rows = await sql(
    'select out_refund_no as no, out_trade_no as of, refund_fee as fee, refund_status as status, refund_id as id from refunds',
  )
  const here = new Map(rows.map((row) => [String(row['no']), row]))
  const incidents = await sql(
    `select received ->> 'outRefundNo' as no from incidents where kind in ('refund', 'refund_unknown')`,
  )
  const reported = new Set(incidents.map(({ no }) => no))
  for (const {
    outRefundNo,
    outTradeNo,
    refundFee,
    refundStatus,
    refundId,
    requestSource,
  } of atWechat) {
    const row = here.get(outRefundNo)
    // A console refund that WeChat closed has moved no money.
    if (requestSource === 'VENDOR_PLATFORM' && refundStatus === 'REFUNDCLOSE' && row === undefined)
      continue
    const isFalseAmount =
      requestSource === 'VENDOR_PLATFORM' &&
      hasFalseAmounts(record.counts) &&
      (row === undefined ? reported.has(outRefundNo) : Number(row['fee']) !== refundFee)
    const isSame =
      row?.['of'] === outTradeNo &&
      Number(row['fee']) === refundFee &&
      row['status'] === refundStatus &&
      row['id'] === refundId
    if (!isSame && !isFalseAmount)
      problems.push(
        `4: refund ${outRefundNo} is ${refundStatus} at WeChat and ${JSON.stringify(row ?? null)} here`,
      )
    here.delete(outRefundNo)
  }
  const refundedInConsole = new Set(
    atWechat
      .filter(({ requestSource }) => requestSource === 'VENDOR_PLATFORM')
      .map(({ outTradeNo }) => outTradeNo),
  )
  const roomLeft = (outTradeNo: string): number =>
    atWechat
      .filter((one) => one.outTradeNo === outTradeNo && one.refundStatus === 'SUCCESS')
      .reduce(
        (room, { refundFee }) => room - refundFee,
        simulator.orders().find((one) => one.outTradeNo === outTradeNo)?.totalFee ?? 0,
      )
  for (const [no, { status, of, fee }] of here)
    if (status !== 'REFUNDCLOSE')
      problems.push(`4: refund ${no} is ${String(status)} here and unknown to WeChat`)
    // Our refunds alone never exceed the payment, so WeChat has no reason to refuse one.
    else if (!refundedInConsole.has(String(of)))
      problems.push(`4: refund ${no} was sent, and WeChat refused it`)
    // Only successful refunds count. One in progress can be closed, and then ours can be made.
    else if (!hasFalseAmounts(record.counts) && roomLeft(String(of)) >= Number(fee))
      problems.push(`4: refund ${no} was given up, and there is room for it`)
  const totals = await sql(`
    select o.out_trade_no as no, o.refunded_fee as refunded, o.claimed_fee as claimed,
      coalesce(sum(r.refund_fee) filter (where r.refund_status = 'SUCCESS'), 0)::integer as given,
      coalesce(sum(r.refund_fee) filter (where r.refund_status <> 'REFUNDCLOSE'), 0)::integer as asked
    from orders o left join refunds r using (out_trade_no) group by 1, 2, 3`)
  for (const { no, refunded, claimed, given, asked } of totals)
    if (refunded !== given || claimed !== asked)
      problems.push(
        `4: ${String(no)} has refunded_fee ${String(refunded)}, not ${String(given)}, and claimed_fee ${String(claimed)}, not ${String(asked)}`,
      )
  return problems
}

/**
 * Each refund that has ended has one event, and one in CHANGE has at least one that it needs
 * attention. The tables of refunds, events and incidents do not have the account of a payout.
 */
async function inRefundEvents({ sql }: World): Promise<readonly string[]> {
  const numberOf = (type: string) =>
    `count(e.id) filter (where e.type = 'refund.${type}')::integer as ${type}`
  const rows = await sql(`
    select r.out_refund_no as no, r.refund_status as status, ${['succeeded', 'failed', 'needs_attention'].map(numberOf).join(', ')}
    from refunds r left join events e on e.out_trade_no = r.out_trade_no and e.data ->> 'outRefundNo' = r.out_refund_no
    group by 1, 2`)
  const problems = rows.flatMap(({ no, status, succeeded, failed, needs_attention }) =>
    Number(succeeded) === Number(status === 'SUCCESS') &&
    Number(failed) === Number(status === 'REFUNDCLOSE') &&
    Number(needs_attention) >= Number(status === 'CHANGE')
      ? []
      : [
          `4: ${String(no)} is ${String(status)} after ${JSON.stringify({ succeeded, failed, needs_attention })}`,
        ],
  )
  const [found] = await sql(
    `select from (select to_jsonb(r)::text as row from refunds r union all select to_jsonb(e)::text from events e
       union all select to_jsonb(i)::text from incidents i) every where row like any ($1)`,
    [PAYOUT_SECRETS.map((secret) => `%${secret}%`)],
  )
  return found === undefined ? problems : [...problems, '7: a table has the account of a payout']
}

const [FINISHED, REFUNDED] = [4, 5]

/**
 * Pushes are lost, doubled, forged and out of order. Here an order is settled only if it is
 * finished or refunded at WeChat, and then it has one event.
 */
async function inSettlements({ sql, simulator }: World): Promise<readonly string[]> {
  const states = new Map(
    simulator.shipments().map(({ outTradeNo, orderState }) => [outTradeNo, orderState]),
  )
  const rows = await sql(`
    select o.out_trade_no as no, (o.settled_at is not null)::integer as settled,
      (select count(*)::integer from events e where e.out_trade_no = o.out_trade_no and e.type = 'order.settled') as events
    from orders o`)
  return rows.flatMap(({ no, settled, events }) => {
    const state = states.get(String(no)) ?? 0
    const isConfirmed = state === FINISHED || state === REFUNDED
    if (Number(settled) === 1 && !isConfirmed)
      return [`settled here, and not at WeChat (${String(no)})`]
    return events === settled ? [] : [`${String(events)} events of a settlement (${String(no)})`]
  })
}

/** Longer than the lease of an event that an instance with a wrong clock has taken. */
const LONGEST_LEASE_MS = 10 * 60_000

/**
 * Promise 6: every event arrived with a valid signature and in its order's sequence, and only
 * events of the ledger arrived.
 */
async function inDeliveries({ sql, merchant, calmFrom }: World): Promise<readonly string[]> {
  const problems: string[] = []
  const inCalm = new Set<string>()
  for (const { id, type, at } of merchant.deliveries) {
    if (at < calmFrom + LONGEST_LEASE_MS) continue
    if (inCalm.has(id)) problems.push(`6: ${type} arrived twice without faults`)
    inCalm.add(id)
  }
  const arrived = new Map(merchant.deliveries.map((delivery) => [delivery.id, delivery]))
  for (const { id, type, no } of await sql('select id, type, out_trade_no as no from events')) {
    const delivery = arrived.get(String(id))
    if (delivery === undefined) problems.push(`6: ${String(type)} of ${String(no)} never arrived`)
    else if (delivery.type !== type) problems.push(`6: ${String(type)} arrived as ${delivery.type}`)
    arrived.delete(String(id))
  }
  for (const { type } of arrived.values())
    problems.push(`6: ${type} arrived and is not in the ledger`)
  if (merchant.deliveries.some(({ isSignatureValid }) => !isSignatureValid))
    problems.push('6: an event had an invalid signature')
  const firstArrivals = new Map<string, number>()
  for (const [index, { id }] of merchant.deliveries.entries())
    if (!firstArrivals.has(id)) firstArrivals.set(id, index)
  const last = new Map<string, number>()
  for (const { id, type, no } of await sql(
    'select id, type, out_trade_no as no from events where out_trade_no is not null order by seq',
  )) {
    const position = firstArrivals.get(String(id)) ?? Infinity
    if (position < (last.get(String(no)) ?? -1))
      problems.push(`6: ${String(type)} of ${String(no)} arrived before an earlier event`)
    last.set(String(no), position)
  }
  return problems
}

/**
 * An incident calls a person, so each has a cause: a false message, a wrong bill, a reused number,
 * or a refund in the console.
 */
async function inIncidents({
  sql,
  simulator,
  suspects,
  record,
}: World): Promise<readonly string[]> {
  if (hasFalseAmounts(record.counts)) return []
  const refunded = new Set(
    simulator
      .refunds()
      .filter(({ requestSource }) => requestSource === 'VENDOR_PLATFORM')
      .map(({ outTradeNo }) => outTradeNo),
  )
  const incidents = await sql('select kind, out_trade_no as no from incidents')
  return incidents
    .filter(({ no }) => !suspects.has(String(no)) && !refunded.has(String(no)))
    .map(({ kind, no }) => `an incident without a cause: ${String(kind)} of ${String(no)}`)
}

const logLine = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown()))

/**
 * Promise 7. In addition, the log contains no `bug`, each order whose contradiction was logged has
 * an incident, and no limit has refused a notification.
 */
async function inLogs(world: World): Promise<readonly string[]> {
  const problems: string[] = []
  const incidents = new Set(
    (await world.sql('select out_trade_no as no from incidents')).map(({ no }) => String(no)),
  )
  for (const line of world.record.logs) {
    problems.push(...secretsIn(world, line).map((secret) => `7: a log line showed ${secret}`))
    if (USERS.some((openid) => line.includes(openid)))
      problems.push('7: a log line showed an openid')
    const read = v.safeParse(logLine, line)
    if (!read.success) {
      problems.push(`7: a log line is not JSON: ${line.slice(0, 80)}`)
      continue
    }
    const { event, detail, reason, order, outcome } = read.output
    if (typeof event === 'string' && event !== 'request') world.count('world', `log ${event}`)
    if (event === 'bug') problems.push(`a bug: ${String(detail)}`)
    if (event === 'incident' && reason === 'notice_contradicts' && !incidents.has(String(order)))
      problems.push('an incident was not stored')
    // Read from the log, because the answer to WeChat does not name the reason.
    if (read.output['function'] === 'notify' && outcome === 'too_many_requests')
      problems.push('a notification was refused by a limit')
  }
  return problems
}
