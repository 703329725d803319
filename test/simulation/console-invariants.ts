/**
 * Compares the answers of the console, when all work is done, with WeChat's books and with the rows
 * of the database.
 */
import * as v from 'valibot'
import { toBeijingText } from '../../dev/wechat/beijing.ts'
import type { Answer } from './check-answer.ts'
import { hasFalseAmounts } from './faults.ts'
import type { History } from './history.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** A request of the merchant. With a body, it is a POST. */
export type Ask = (name: string, path: string, body?: unknown) => Promise<Answer>

/** The smallest gives most lists several pages. */
const PAGES = [2, 20, 20, 20]
const MOST_PAGES = 100
/** Longer than any history lasts. */
const DAYS = 20

const count = v.object({ count: v.number() })
const sums = v.object({
  day: v.string(),
  payments: v.object({ count: v.number(), totalFee: v.number() }),
  refunds: v.object({ count: v.number(), refundFee: v.number() }),
})
const overview = v.object({
  incidents: count,
  parkedEvents: count,
  complaints: v.object({ unanswered: count, unfinished: count }),
  refunds: v.object({ count: v.number(), first: v.array(v.object({ outRefundNo: v.string() })) }),
  bills: v.array(v.object({ day: v.string(), differences: v.optional(v.number()) })),
  takings: sums,
})
const incident = v.object({
  id: v.number(),
  kind: v.string(),
  outTradeNo: v.nullable(v.string()),
  expected: v.record(v.string(), v.unknown()),
  received: v.record(v.string(), v.unknown()),
})
const event = v.object({ id: v.string(), type: v.string(), state: v.string() })
const bill = v.object({
  day: v.string(),
  state: v.string(),
  outcome: v.optional(v.string()),
  payments: v.optional(v.object({ count: v.number(), totalFee: v.optional(v.number()) })),
  differences: v.optional(v.number()),
})
const shownOrder = v.object({ outTradeNo: v.string() })
const complaint = v.object({ complaintId: v.string(), state: v.string() })
const timeline = v.object({
  timeline: v.array(
    v.object({ at: v.string(), kind: v.string(), facts: v.record(v.string(), v.unknown()) }),
  ),
})

/** Called after convergence, without faults. Returns a description of each difference. */
export async function inConsole(
  world: World,
  { bill: error }: Pick<History, 'bill'>,
  ask: Ask,
  random: Random,
): Promise<readonly string[]> {
  const lists = new Lists(ask, random)
  const shown = v.parse(overview, (await ask('console', '/api/console/overview')).json)
  const incidents = await lists.read('incidents', '/api/console/incidents', incident)
  const bills = await lists.read('bills', '/api/console/bills', bill)
  const problems = [
    ...(await inTakings(world, shown.takings, ask)),
    ...(await inIncidents(world, shown.incidents.count, incidents)),
    ...(await inEvents(world, shown.parkedEvents.count, lists)),
    ...(await inBills(world, error === 'right' || error === 'not compared', bills, lists)),
    ...(await inOrders(world, ask, lists, random)),
    ...(await inComplaints(world, shown.complaints, lists)),
    ...(await inHealth(world, ask)),
  ]
  const differing = bills.filter(({ state }) => state === 'differs').map(({ day }) => day)
  const open = shown.bills.filter(({ differences = 0 }) => differences > 0).map(({ day }) => day)
  if (!isSame(differing, open))
    problems.push(`the bills of ${differing.join()} differ, and the overview has ${open.join()}`)
  if (shown.refunds.count !== shown.refunds.first.length)
    problems.push(`${shown.refunds.count} refunds wait, and the list differs`)
  return [...problems, ...lists.problems].map((problem) => `console: ${problem}`)
}

class Lists {
  readonly problems: string[] = []
  readonly #ask: Ask
  readonly #limit: number

  constructor(ask: Ask, random: Random) {
    this.#ask = ask
    this.#limit = random.pick(PAGES)
  }

  /** Reads all pages of a list. */
  async read<const S extends v.GenericSchema>(
    name: string,
    path: string,
    row: S,
  ): Promise<readonly v.InferOutput<S>[]> {
    const rows: v.InferOutput<S>[] = []
    const page = v.object({ [name]: v.array(row), nextCursor: v.optional(v.string()) })
    let cursor = ''
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const joint = path.includes('?') ? '&' : '?'
      const from = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const { status, json } = await this.#ask(
        'console',
        `${path}${joint}limit=${this.#limit}${from}`,
      )
      const read = v.safeParse(page, json)
      if (!read.success) {
        this.problems.push(`${path} answered ${status} ${v.summarize(read.issues)}`)
        return rows
      }
      const { [name]: found = [], nextCursor = '' } = read.output
      rows.push(...v.parse(v.array(row), found))
      cursor = String(nextCursor)
      if (cursor === '') return rows
    }
    this.problems.push(`${path} has no last page`)
    return rows
  }
}

/** The payments of each day, and all refunds. WeChat and the shop date a refund differently. */
async function inTakings(
  { sql, simulator, record }: World,
  today: v.InferOutput<typeof sums>,
  ask: Ask,
): Promise<readonly string[]> {
  const { json } = await ask('console', `/api/console/takings?days=${DAYS}`)
  const { days } = v.parse(v.object({ days: v.array(sums) }), json)
  const problems: string[] = []
  // Near midnight, two instances may have different days.
  const same = days.find(({ day }) => day === today.day)
  if (same !== undefined && !isSame(same, today))
    problems.push('the overview and the takings show different sums')
  const paid = new Set(
    (await sql('select out_trade_no as no from payments')).map(({ no }) => String(no)),
  )
  const orders = simulator.orders().filter(({ outTradeNo }) => paid.has(outTradeNo))
  for (const { day, payments } of days) {
    const ofDay = orders.filter(({ payment }) => payment !== null && dayOf(payment.paidAt) === day)
    const totalFee = ofDay.reduce((sum, order) => sum + order.totalFee, 0)
    if (!isSame(payments, { count: ofDay.length, totalFee }))
      problems.push(`${JSON.stringify(payments)} on ${day}, and ${totalFee} at WeChat`)
  }
  if (hasFalseAmounts(record.counts)) return problems
  const refunded = days.reduce((sum, { refunds }) => sum + refunds.refundFee, 0)
  const atWechat = simulator
    .refunds()
    .filter(
      ({ outTradeNo, refundStatus }) => paid.has(outTradeNo) && refundStatus !== 'REFUNDCLOSE',
    )
    .reduce((sum, { refundFee }) => sum + refundFee, 0)
  if (refunded !== atWechat) problems.push(`${refunded} refunded, and ${atWechat} at WeChat`)
  return problems
}

/** The field that shows the difference. */
const CONTRADICTED = new Map([
  ['amount', 'totalFee'],
  ['currency', 'feeType'],
  ['transaction', 'transactionId'],
])

async function inIncidents(
  { sql }: World,
  open: number,
  shown: readonly v.InferOutput<typeof incident>[],
): Promise<readonly string[]> {
  const stored = await sql('select id from incidents order by id desc')
  const ids = shown.map(({ id }) => id)
  const problems = [
    ...(isSame(
      ids,
      stored.map(({ id }) => Number(id)),
    )
      ? []
      : [`incidents ${ids.join()} of ${stored.length}`]),
    ...(open === stored.length ? [] : [`${open} open incidents of ${stored.length}`]),
  ]
  for (const { kind, outTradeNo, expected, received } of shown) {
    const field = CONTRADICTED.get(kind)
    const isExplained =
      field !== undefined
        ? expected[field] !== received[field]
        : kind === 'time'
          ? typeof received['paidAt'] === 'string'
          : kind === 'payer' || !isSame(expected, received)
    if (!isExplained) problems.push(`the incident ${kind} of ${outTradeNo} shows no difference`)
  }
  return problems
}

async function inEvents(world: World, parked: number, lists: Lists): Promise<readonly string[]> {
  const shown = await lists.read('events', '/api/console/events', event)
  const undelivered = await lists.read('events', '/api/console/events?state=undelivered', event)
  const stored = await world.sql('select id, type from events order by seq desc')
  const isAllDelivered = shown.every(({ state }) => state === 'delivered')
  const rows = shown.map(({ id, type }) => ({ id, type }))
  return [
    ...(isSame(rows, stored) ? [] : [`${shown.length} events of ${stored.length}`]),
    ...(isAllDelivered && undelivered.length === 0 && parked === 0
      ? []
      : ['an event is shown as not delivered']),
  ]
}

/** @param isRight whether WeChat's bills are as its books */
async function inBills(
  { simulator }: World,
  isRight: boolean,
  bills: readonly v.InferOutput<typeof bill>[],
  lists: Lists,
): Promise<readonly string[]> {
  const problems: string[] = []
  for (const { day, state, outcome, payments, differences = 0 } of bills) {
    if (state === 'differs' && outcome === 'compared') {
      const path = `/api/console/bills?day=${day}`
      const listed = await lists.read('differences', path, v.object({ incident: v.object({}) }))
      if (listed.length !== differences)
        problems.push(`${listed.length} differences of ${differences} on ${day}`)
    }
    if (!isRight || payments === undefined) continue
    const paid = simulator
      .orders()
      .filter(({ payment }) => payment !== null && dayOf(payment.paidAt) === day)
    const totalFee = paid.reduce((sum, order) => sum + order.totalFee, 0)
    if (!isSame(payments, { count: paid.length, totalFee }))
      problems.push(`${JSON.stringify(payments)} in the bill of ${day}, and ${totalFee} at WeChat`)
  }
  return problems
}

/** All orders, a search for one, and the history of another one. */
async function inOrders(
  { sql, simulator }: World,
  ask: Ask,
  lists: Lists,
  random: Random,
): Promise<readonly string[]> {
  const problems: string[] = []
  const shown = await lists.read('orders', '/api/orders', shownOrder)
  const stored = await sql(`
    select o.out_trade_no as no, o.openid, p.transaction_id as payment, p.total_fee as fee, r.no as refund, r.id as refund_id,
      (select count(*)::integer from events e where e.out_trade_no = o.out_trade_no) as event,
      (select count(*)::integer from incidents i where i.out_trade_no = o.out_trade_no) as incident,
      (select count(*)::integer from refunds r where r.out_trade_no = o.out_trade_no) as refund_requested
    from orders o left join payments p using (out_trade_no)
      left join lateral (select out_refund_no as no, refund_id as id from refunds where out_trade_no = o.out_trade_no limit 1) r on true
    order by o.id desc`)
  const numbers = stored.map(({ no }) => no)
  if (
    !isSame(
      shown.map(({ outTradeNo }) => outTradeNo),
      numbers,
    )
  )
    problems.push(`${shown.length} orders of ${stored.length}`)
  if (stored.length === 0) return problems
  const wanted = random.pick(stored)
  const texts = [
    wanted['no'],
    wanted['openid'],
    wanted['payment'],
    wanted['refund'],
    wanted['refund_id'],
  ]
  const text = random.pick(texts.filter((one) => typeof one === 'string'))
  const search = await ask('console', '/api/console/search', { text, limit: 100 })
  const found = v.safeParse(v.object({ orders: v.array(shownOrder) }), search.json)
  const isFound =
    found.success && found.output.orders.some(({ outTradeNo }) => outTradeNo === wanted['no'])
  if (!isFound) problems.push(`a search for ${text} did not find ${String(wanted['no'])}`)
  const told = random.pick(stored)
  const path = `/api/console/orders?outTradeNo=${String(told['no'])}`
  const read = v.safeParse(timeline, (await ask('console', path)).json)
  const entries = read.success ? read.output.timeline : []
  const times = entries.map(({ at }) => Date.parse(at))
  if (times.some((at, index) => at < (times[index - 1] ?? 0)))
    problems.push(`the history of ${String(told['no'])} is not in order of time`)
  for (const kind of ['event', 'incident', 'refund_requested'] as const)
    if (entries.filter((one) => one.kind === kind).length !== Number(told[kind]))
      problems.push(`the history of ${String(told['no'])} lacks ${kind}`)
  const payment = entries.find(({ kind }) => kind === 'paid')?.facts
  const atWechat = simulator.orders().find(({ outTradeNo }) => outTradeNo === told['no'])
  if (
    (payment?.['transactionId'] ?? null) !== told['payment'] ||
    (payment !== undefined && payment['totalFee'] !== atWechat?.totalFee)
  )
    problems.push(`the history of ${String(told['no'])} has another payment`)
  return problems
}

async function inComplaints(
  { simulator }: World,
  { unanswered, unfinished }: v.InferOutput<typeof overview>['complaints'],
  lists: Lists,
): Promise<readonly string[]> {
  const shown = await lists.read('complaints', '/api/console/complaints', complaint)
  const atWechat = simulator.complaints().map(({ complaintId, state }) => ({ complaintId, state }))
  const byId = (one: { readonly complaintId: string }, other: typeof one) =>
    one.complaintId < other.complaintId ? -1 : 1
  const open = atWechat.filter(({ state }) => state !== 'PROCESSED').length
  return [
    ...(isSame(shown.toSorted(byId), atWechat.toSorted(byId))
      ? []
      : [`complaints ${JSON.stringify(shown)}, at WeChat ${JSON.stringify(atWechat)}`]),
    ...(unanswered.count + unfinished.count === open
      ? []
      : [`${unanswered.count} and ${unfinished.count} open complaints of ${open}`]),
  ]
}

/** Longer than an answer is kept. */
const HEALTH_LIFE_MS = 6_000

/**
 * Asks while every request is refused, and again without faults. Some refusals of WeChat show that
 * it can be reached.
 */
async function inHealth({ network, time }: World, ask: Ask): Promise<readonly string[]> {
  const problems: string[] = []
  const expectState = async (state: 'up' | 'down') => {
    const { status, json } = await ask('health', '/api/health')
    const { database, redis, wechat } = json
    const isWechatRight = state === 'down' || wechat === 'up'
    if (
      !isSame([database, redis], [state, state]) ||
      !isWechatRight ||
      status !== (state === 'up' ? 200 : 503)
    )
      problems.push(`health answered ${status} ${JSON.stringify(json)}, and all is ${state}`)
  }
  network.faultSettings = { faults: ['refused'], probability: 1 }
  await expectState('down')
  network.faultSettings = { faults: [], probability: 0 }
  await time.sleep(HEALTH_LIFE_MS)
  await expectState('up')
  return problems
}

const dayOf = (at: number): string => toBeijingText(at).slice(0, 10)
const isSame = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other)
