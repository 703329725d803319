/**
 * How a history ends: without faults, WeChat repeats due notifications and cron runs until no work
 * is left.
 */
import { FINISH_WITHIN_MS } from '../../dev/wechat/v3/complaints.ts'
import { isEarlier } from './earlier-number.ts'
import { findContradicted } from './earlier-order.ts'
import type { History } from './history.ts'
import { runAs } from './instance.ts'
import type { Answer } from './check-answer.ts'
import type { Random } from './random.ts'
import { findWaiting } from './unlisted-refunds.ts'
import type { World } from './world.ts'

const STEP_MS = 3 * 3_600_000
/**
 * 45 steps are five and a half days. WeChat repeats a notification for one day, and the functions
 * repeat the delivery of an event for three.
 */
const MAX_STEPS = 45
/** Time for the work that a function does after its answer. */
const BACKGROUND_MS = 30_000
/** The shortest wait between two rounds of notifications. */
const MIN_PAUSE_MS = 5_000

/** Returns a description of each broken promise. */
export async function converge(
  world: World,
  recovery: History['recovery'],
  random: Random,
  callCron: () => Promise<Answer>,
): Promise<readonly string[]> {
  const { simulator, time } = world
  const problems: string[] = []
  const isDoubled = random.chance(0.5)
  if (recovery === 'only cron') simulator.misbehave({ on: 'notify', do: 'drop' })
  if (recovery === 'WeChat first') problems.push(...(await repeatNotifications(world, random)))
  for (let step = 0; step < MAX_STEPS; step += 1) {
    await time.sleep(STEP_MS)
    await runAs({ instance: null, random: random.next() }, () => simulator.tick())
    // Two runs at the same time share the work.
    const runs = step === 0 && isDoubled ? [callCron(), callCron()] : [callCron()]
    for (const { status, code } of await Promise.all(runs))
      if (status !== 200) problems.push(`cron answered ${status} ${code} without faults`)
    await time.sleep(BACKGROUND_MS)
    if ((await countUnfinished(world, recovery)) === 0) return problems
  }
  return [...problems, `6: no convergence: ${await countUnfinished(world, recovery)} left to do`]
}

/** Longer than the wait after the first failed delivery. */
const RETRY_MS = 5 * 60_000
const MAX_RETRIES = 10

/**
 * A request of the console also does work that has become due, and the merchant's system may refuse
 * the first delivery of its events. Not as long as `converge`, because in its hours more becomes
 * due.
 */
export async function deliverRest(world: World, callCron: () => Promise<unknown>): Promise<void> {
  for (let retry = 0; retry < MAX_RETRIES; retry += 1) {
    const [left] = await world.sql('select from events where delivered_at is null limit 1')
    if (left === undefined) return
    await world.time.sleep(RETRY_MS)
    await callCron()
  }
}

const DAY_MS = 86_400_000
/** Half past ten in the morning in Beijing, in UTC. The bill of the day before is ready by then. */
const BILL_AT_MS = 2.5 * 3_600_000
/** A refund that WeChat is still making at the end of a day is in the bill of the next day. */
const BILLS = 2
/**
 * A day whose bill has a refund that WeChat's query does not confirm is compared again for four
 * days. A history may end on the day after it began.
 */
const BILLS_WITH_UNKNOWN_REFUND = 6

/** Cron compares the bill of each day of the history. */
export async function compareBills(
  world: World,
  random: Random,
  callCron: () => Promise<Answer>,
  bill: History['bill'],
): Promise<readonly string[]> {
  const { time, simulator, sql } = world
  const problems: string[] = []
  // WeChat pays back the money of complaints that stay open. The first bill is compared after that,
  // so that the last one contains these refunds.
  const paidBackAt = simulator
    .complaints()
    .filter(({ state, paidBackAt: at }) => state !== 'PROCESSED' && at === null)
    .map(({ createdAt }) => createdAt + FINISH_WITHIN_MS)
  await time.sleep(Math.max(0, ...paidBackAt.map((at) => at - time.now())))
  const count = bill === 'unknown refund' ? BILLS_WITH_UNKNOWN_REFUND : BILLS
  for (let bills = 0; bills < count; bills += 1) {
    const next = Math.floor((time.now() - BILL_AT_MS) / DAY_MS + 1) * DAY_MS + BILL_AT_MS
    await time.sleep(next - time.now())
    await runAs({ instance: null, random: random.next() }, () => simulator.tick())
    const { status, code } = await callCron()
    if (status !== 200) problems.push(`cron answered ${status} ${code} without faults`)
    await time.sleep(BACKGROUND_MS)
  }
  const days = await sql(
    `select distinct to_char(paid_at at time zone 'Asia/Shanghai', 'YYYY-MM-DD') as day, coalesce(b.outcome, 'missing') as outcome
     from orders left join bills b on b.day = (paid_at at time zone 'Asia/Shanghai')::date
     where paid_at is not null`,
  )
  for (const { day, outcome } of days)
    if (outcome === 'missing') problems.push(`the bill of ${String(day)} was not compared`)
    else world.count('world', `bill ${String(outcome)}`)
  return problems
}

/**
 * Returns how much work is left, without the work that waits for a person: a refund or a reused
 * number with an incident, or unlisted refunds. Notifications count only if they can arrive.
 */
async function countUnfinished(world: World, recovery: History['recovery']): Promise<number> {
  const { sql } = world
  const due = recovery === 'only cron' ? [] : dueNotifications(world)
  const [row] = await sql(
    `
    select (select count(*) from events where delivered_at is null)
      + (select count(*) from refunds r
         where (refund_status = 'PROCESSING' or (refund_status = 'REFUNDCLOSE' and next_attempt_at is not null))
           and not exists (select from incidents where kind = 'refund' and received ->> 'outRefundNo' = r.out_refund_no))
      + (select count(*) from shipments where shipping_state = 'PENDING')
      + (select count(*) from orders where (trade_state = 'NOTPAY' or (trade_state = 'CLOSED' and not closed_at_wechat))
          and out_trade_no <> all($1)) as left`,
    [[...findWaiting(world), ...(await findContradicted(world))]],
  )
  return Number(row?.['left']) + due.length
}

/**
 * The times of WeChat's next notifications. Those of earlier orders are left out: WeChat repeats
 * them for a day, because the shop refuses them or the earlier system's address does not answer.
 */
const dueNotifications = ({ simulator }: World): readonly number[] =>
  simulator
    .notifications()
    .flatMap(({ nextDueAt, outTradeNo }) =>
      nextDueAt === null || isEarlier(outTradeNo) ? [] : [nextDueAt],
    )

/**
 * Promise 2 without cron: a payment is in the ledger once WeChat has delivered its notification.
 */
async function repeatNotifications(world: World, random: Random): Promise<readonly string[]> {
  const { simulator, time, sql } = world
  for (;;) {
    const due = dueNotifications(world)
    if (due.length === 0) break
    await time.sleep(Math.max(MIN_PAUSE_MS, Math.min(...due) - simulator.now()))
    await runAs({ instance: null, random: random.next() }, () => simulator.tick())
  }
  const problems: string[] = []
  for (const { outTradeNo, acknowledged, attempts } of simulator.notifications()) {
    // A complaint has no order number.
    if (outTradeNo === '') continue
    const [row] = await sql(
      `select from orders where out_trade_no = $1 and trade_state in ('SUCCESS', 'REFUND')`,
      [outTradeNo],
    )
    if (row !== undefined) continue
    if (acknowledged)
      problems.push(`2: ${outTradeNo} was acknowledged and is not paid in the ledger`)
    else if (!isEarlier(outTradeNo) && attempts.at(-1)?.status !== null)
      problems.push(`2: ${outTradeNo} was notified without faults and is not paid in the ledger`)
  }
  return problems
}
