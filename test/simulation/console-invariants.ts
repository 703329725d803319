/**
 * Compares the answers of the console, when all work is done, with WeChat's books and with the rows
 * of the database.
 */
import * as v from 'valibot'
import { toBeijingText } from '../../dev/wechat/beijing.ts'
import type { Answer } from './check-answer.ts'
import { hasFalseAmounts } from './faults.ts'
import type { Random } from './random.ts'
import { DAYS_APART, type World } from './world.ts'

/** A request of the merchant. With a body, it is a POST. */
export type Ask = (name: 'console' | 'health', path: string, body?: unknown) => Promise<Answer>

/** With two rows a page, most lists have several pages. */
const PAGES = [2, 20, 20, 20]
const MOST_PAGES = 100

const count = v.object({ count: v.number() })
const sums = v.object({
  day: v.string(),
  payments: v.object({ count: v.number(), totalFee: v.number() }),
  refunds: v.object({ count: v.number(), refundFee: v.number() }),
})
const takings = v.object({ days: v.array(sums) })
const overview = v.object({
  incidents: count,
  parkedEvents: count,
  complaints: v.object({ unanswered: count, unfinished: count }),
  bills: v.array(v.object({ day: v.string(), differences: v.optional(v.number(), 0) })),
  takings: sums,
})
type Overview = v.InferOutput<typeof overview>
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
  differences: v.optional(v.number(), 0),
})
const difference = v.object({ incident: v.object({}) })
const numbered = v.object({ outTradeNo: v.string() })
const complaint = v.object({ complaintId: v.string(), state: v.string() })
const timeline = v.object({
  timeline: v.array(
    v.object({
      at: v.pipe(
        v.string(),
        v.transform((text) => Date.parse(text)),
        v.number(),
      ),
      kind: v.string(),
      facts: v.record(v.string(), v.unknown()),
    }),
  ),
})

/**
 * Called after convergence, without faults. Returns a description of each difference.
 *
 * @param isBillRight whether WeChat's bills are as its books
 */
export async function inConsole(
  world: World,
  isBillRight: boolean,
  ask: Ask,
  random: Random,
): Promise<readonly string[]> {
  const { sql } = world
  const events = 'select id, type from events order by seq desc'
  const before = await sql(events)
  const reader = new Reader(ask, random)
  const shown = await reader.read('/api/console/overview', overview)
  if (shown !== null) {
    await inTakings(world, shown, reader)
    await inIncidents(world, shown, reader)
    await inEvents(before, shown, reader)
    await inBills(world, isBillRight, shown, reader)
    await inOrders(world, reader, random)
    await inOrderLists(world, reader, random)
    await inComplaints(world, shown, reader)
  }
  // A console request also does work that has become due, such as an event for an overdue order.
  const isUnchanged = isSame(await sql(events), before)
  if (!isUnchanged) world.count('world', 'console not compared')
  const problems = isUnchanged ? reader.problems : []
  return [...problems, ...(await inHealth(world, ask))].map((problem) => `console: ${problem}`)
}

class Reader {
  readonly problems: string[] = []
  readonly #ask: Ask
  readonly #limit: number

  constructor(ask: Ask, random: Random) {
    this.#ask = ask
    this.#limit = random.pick(PAGES)
  }

  report(problem: string): void {
    this.problems.push(problem)
  }

  compare(what: string, shown: unknown, expected: unknown): void {
    if (!isSame(shown, expected))
      this.report(`${what}: ${JSON.stringify(shown)}, expected ${JSON.stringify(expected)}`)
  }

  /** Null if the answer has another shape. */
  async read<const S extends v.GenericSchema>(
    path: string,
    shape: S,
    body?: unknown,
  ): Promise<v.InferOutput<S> | null> {
    const { status, json } = await this.#ask('console', path, body)
    const read = v.safeParse(shape, json)
    if (read.success) return read.output
    this.report(`${path} answered ${status} ${v.summarize(read.issues)}`)
    return null
  }

  /** Reads all pages of a list. */
  async readList<const S extends v.GenericSchema>(
    name: string,
    path: string,
    row: S,
  ): Promise<readonly v.InferOutput<S>[]> {
    const page = v.pipe(
      v.looseObject({ nextCursor: v.optional(v.string()) }),
      v.transform(({ nextCursor, ...json }) => ({ rows: json[name], nextCursor })),
      v.object({ rows: v.array(row), nextCursor: v.optional(v.string()) }),
    )
    const rows: v.InferOutput<S>[] = []
    let cursor = ''
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const joint = path.includes('?') ? '&' : '?'
      const found = await this.read(`${path}${joint}limit=${this.#limit}${cursor}`, page)
      if (found === null) return rows
      rows.push(...found.rows)
      if (found.nextCursor === undefined) return rows
      cursor = `&cursor=${encodeURIComponent(found.nextCursor)}`
    }
    this.report(`${path} has no last page`)
    return rows
  }
}

/**
 * The payments of each day, and the sum of all refunds, because WeChat and the shop may date a
 * refund differently.
 */
async function inTakings(
  { sql, simulator, record }: World,
  { takings: today }: Overview,
  reader: Reader,
): Promise<void> {
  const path = `/api/console/takings?days=${DAYS_APART}`
  const { days = [] } = (await reader.read(path, takings)) ?? {}
  // Midnight may pass between the two requests.
  const same = days.find(({ day }) => day === today.day)
  if (same !== undefined && !isSame(same, today))
    reader.report('the overview and the takings show different sums')
  // The payments that wait for a person are not in the ledger.
  const paid = new Set(
    (await sql('select out_trade_no as no from payments')).map(({ no }) => String(no)),
  )
  const orders = simulator.orders().filter(({ outTradeNo }) => paid.has(outTradeNo))
  for (const { day, payments } of days) {
    const expected = sumOf(orders, day)
    reader.compare(`the payments of ${day}`, payments, expected)
  }
  if (hasFalseAmounts(record.counts)) return
  const made = simulator
    .refunds()
    .filter(
      ({ outTradeNo, refundStatus }) => paid.has(outTradeNo) && refundStatus !== 'REFUNDCLOSE',
    )
  const expected = {
    count: made.length,
    refundFee: made.reduce((sum, { refundFee }) => sum + refundFee, 0),
  }
  const refunded = {
    count: days.reduce((sum, { refunds }) => sum + refunds.count, 0),
    refundFee: days.reduce((sum, { refunds }) => sum + refunds.refundFee, 0),
  }
  reader.compare('refunds', refunded, expected)
}

/** The field that shows the difference. */
const CONTRADICTED = new Map([
  ['amount', 'totalFee'],
  ['currency', 'feeType'],
  ['transaction', 'transactionId'],
  ['payer', 'openid'],
])

async function inIncidents({ sql }: World, shown: Overview, reader: Reader): Promise<void> {
  const incidents = await reader.readList('incidents', '/api/console/incidents', incident)
  const stored = await sql('select id from incidents order by id desc')
  const ids = stored.map(({ id }) => Number(id))
  reader.compare(
    'incidents',
    incidents.map(({ id }) => id),
    ids,
  )
  if (shown.incidents.count !== ids.length)
    reader.report(`${shown.incidents.count} open incidents of ${ids.length}`)
  for (const { kind, outTradeNo, expected, received } of incidents) {
    const field = CONTRADICTED.get(kind)
    if (field !== undefined && expected[field] === received[field])
      reader.report(`the incident ${kind} of ${outTradeNo} shows no difference`)
  }
}

async function inEvents(
  stored: readonly unknown[],
  shown: Overview,
  reader: Reader,
): Promise<void> {
  const path = '/api/console/events'
  const events = await reader.readList('events', path, event)
  const undelivered = await reader.readList('events', `${path}?state=undelivered`, event)
  const rows = events.map(({ id, type }) => ({ id, type }))
  reader.compare('events', rows, stored)
  const isDelivered = events.every(({ state }) => state === 'delivered')
  if (!isDelivered || undelivered.length > 0 || shown.parkedEvents.count > 0)
    reader.report('an event is shown as not delivered')
}

async function inBills(
  { sql, simulator }: World,
  isBillRight: boolean,
  shown: Overview,
  reader: Reader,
): Promise<void> {
  const bills = await reader.readList('bills', '/api/console/bills', bill)
  const compared = await sql(
    'select day::text as day from bills where compared_at is not null order by day desc',
  )
  const listed = bills.filter(({ state }) => state !== 'not_compared').map(({ day }) => ({ day }))
  reader.compare('compared bills', listed, compared)
  const differing = bills.filter(({ state }) => state === 'differs').map(({ day }) => day)
  const open = shown.bills.filter(({ differences }) => differences > 0).map(({ day }) => day)
  if (!isSame(differing, open))
    reader.report(`the bills of ${differing.join()} differ, and the overview has ${open.join()}`)
  for (const { day, state, outcome, payments, differences } of bills) {
    if (state === 'differs' && outcome !== 'too_different') {
      const path = `/api/console/bills?day=${day}`
      const found = await reader.readList('differences', path, difference)
      if (found.length !== differences)
        reader.report(`${found.length} differences of ${differences} on ${day}`)
    }
    const expected = sumOf(simulator.orders(), day)
    if (isBillRight && payments !== undefined && !isSame(payments, expected))
      reader.report(`a bill with ${JSON.stringify(payments)}, not ${JSON.stringify(expected)}`)
  }
}

/** All orders, a search for one, and the history of another one. */
async function inOrders({ sql, simulator }: World, reader: Reader, random: Random): Promise<void> {
  const orders = await reader.readList('orders', '/api/orders', numbered)
  const numberOf = (what: string) =>
    `(select count(*) from ${what} one where one.out_trade_no = o.out_trade_no)::integer`
  const stored = await sql(`
    select o.out_trade_no as no, o.openid, p.transaction_id as payment, r.out_refund_no as refund, r.refund_id,
      ${numberOf('events')} as event, ${numberOf('incidents')} as incident, ${numberOf('refunds')} as refund_requested
    from orders o left join payments p using (out_trade_no)
      left join lateral (
        select out_refund_no, refund_id from refunds r where r.out_trade_no = o.out_trade_no order by out_refund_no limit 1
      ) r on true
    order by o.id desc`)
  const numbers = stored.map(({ no }) => ({ outTradeNo: no }))
  reader.compare('orders', orders, numbers)
  if (stored.length === 0) return

  const { no, openid, payment, refund, refund_id } = random.pick(stored)
  const known = [no, openid, payment, refund, refund_id].filter((one) => typeof one === 'string')
  const body = { text: random.pick(known), limit: 100 }
  const found = await reader.read(
    '/api/console/search',
    v.object({ orders: v.array(numbered) }),
    body,
  )
  if (found?.orders.some(({ outTradeNo }) => outTradeNo === no) === false)
    reader.report(`a search for ${body.text} did not find ${String(no)}`)

  const told = random.pick(stored)
  const name = `the history of ${String(told['no'])}`
  const read = await reader.read(`/api/console/orders?outTradeNo=${String(told['no'])}`, timeline)
  if (read === null) return
  const times = read.timeline.map(({ at }) => at)
  if (
    !isSame(
      times,
      times.toSorted((a, b) => a - b),
    )
  )
    reader.report(`${name} is not in order of time`)
  const expected: Readonly<Record<string, unknown>> = {
    ...told,
    placed: 1,
    paid: told['payment'] === null ? 0 : 1,
  }
  for (const kind of ['placed', 'paid', 'event', 'incident', 'refund_requested'] as const)
    if (read.timeline.filter((one) => one.kind === kind).length !== Number(expected[kind]))
      reader.report(`${name} has another number of entries: ${kind}`)
  const facts = read.timeline.find(({ kind }) => kind === 'paid')?.facts
  const paid = simulator.orders().find(({ outTradeNo }) => outTradeNo === told['no'])
  if (
    facts !== undefined &&
    !isSame([facts['transactionId'], facts['totalFee']], [told['payment'], paid?.totalFee])
  )
    reader.report(`${name} has another payment`)
}

const timeOf = ({ at }: Readonly<Record<string, unknown>>) => new Date(String(at)).getTime()

/** The lists of orders between two times, in some states, and of a payer. */
async function inOrderLists({ sql }: World, reader: Reader, random: Random): Promise<void> {
  const orders = await sql('select created_at::text as at, openid from orders')
  if (orders.length === 0) return
  const [one, other] = [random.pick(orders), random.pick(orders)]
  const [first, last] = [Math.min(timeOf(one), timeOf(other)), Math.max(timeOf(one), timeOf(other))]
  // A period without time is refused.
  const from = new Date(first).toISOString()
  const to = new Date(first === last ? last + 1 : last).toISOString()
  const placed = `created_at >= '${from}' and created_at < '${to}'`
  const placedPath = `createdFrom=${from}&createdTo=${to}`
  const isPaid = `trade_state in ('SUCCESS', 'REFUND')`
  const payer = String(one['openid'])
  const lists = [
    [placedPath, placed, 'created_at desc, id desc'],
    [
      `${placedPath}&tradeState=SUCCESS,REFUND`,
      `${placed} and ${isPaid}`,
      'created_at desc, id desc',
    ],
    ['tradeState=SUCCESS,REFUND', isPaid, 'id desc'],
    [`openid=${payer}`, `openid = '${payer}'`, 'id desc'],
    [
      `openid=${payer}&createdFrom=${from}`,
      `openid = '${payer}' and created_at >= '${from}'`,
      'created_at desc, id desc',
    ],
  ] as const
  for (const [filter, condition, order] of lists) {
    const shown = await reader.readList('orders', `/api/orders?${filter}`, numbered)
    const stored = await sql(
      `select out_trade_no as "outTradeNo" from orders where ${condition} order by ${order}`,
    )
    reader.compare(filter, shown, stored)
  }
}

async function inComplaints(
  { simulator }: World,
  { complaints: { unanswered, unfinished } }: Overview,
  reader: Reader,
): Promise<void> {
  const shown = await reader.readList('complaints', '/api/console/complaints', complaint)
  const atWechat = simulator.complaints().map(({ complaintId, state }) => ({ complaintId, state }))
  const byId = (one: v.InferOutput<typeof complaint>, other: typeof one) =>
    one.complaintId < other.complaintId ? -1 : 1
  reader.compare('complaints', shown.toSorted(byId), atWechat.toSorted(byId))
  const open = atWechat.filter(({ state }) => state !== 'PROCESSED').length
  if (unanswered.count + unfinished.count !== open)
    reader.report(`${unanswered.count} and ${unfinished.count} open complaints of ${open}`)
}

/** Longer than the five seconds for which an answer is kept. */
const HEALTH_LIFE_MS = 6_000

/** Asks while every request is refused, and again without faults. */
async function inHealth({ network, time }: World, ask: Ask): Promise<readonly string[]> {
  const problems: string[] = []
  const expectState = async (state: 'up' | 'down', status: number) => {
    const answer = await ask('health', '/api/health')
    const { database, redis, wechat } = answer.json
    // Some refusals of WeChat show that it can be reached.
    const expected = [status, state, state, state === 'up' ? 'up' : wechat]
    if (!isSame([answer.status, database, redis, wechat], expected))
      problems.push(`health answered ${answer.status} ${answer.text}, and all is ${state}`)
  }
  network.faultSettings = { faults: ['refused'], probability: 1 }
  await expectState('down', 503)
  network.faultSettings = { faults: [], probability: 0 }
  await time.sleep(HEALTH_LIFE_MS)
  await expectState('up', 200)
  return problems
}

/** The payments of a day. */
function sumOf(orders: ReturnType<World['simulator']['orders']>, day: string) {
  const paid = orders.filter(
    ({ payment }) => payment !== null && toBeijingText(payment.paidAt).startsWith(day),
  )
  return { count: paid.length, totalFee: paid.reduce((sum, { totalFee }) => sum + totalFee, 0) }
}

const isSame = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other)
