/** How a history ends: the mishaps are over, WeChat repeats what is due, cron runs, until nothing is left to be done. */
import type { History } from './history.ts'
import { actAs } from './instance.ts'
import type { Answer } from './judge.ts'
import type { Luck } from './luck.ts'
import type { World } from './world.ts'

const STEP_MS = 3 * 3_600_000
/** Five days and a half: WeChat repeats a notification for a day, the merchant is told for three. */
const MOST_STEPS = 45
/** What is done after an answer has its time, too. */
const AFTERWARDS_MS = 30_000
/** One that WeChat holds back for another is sent after a minute. */
const LEAST_PAUSE_MS = 5_000

/** What is not as promised, in words. */
export async function quieten(
  world: World,
  ending: History['ending'],
  luck: Luck,
  callCron: () => Promise<Answer>,
): Promise<readonly string[]> {
  const { simulator, time } = world
  const problems: string[] = []
  if (ending === 'only cron') simulator.misbehave({ on: 'notify', do: 'drop' })
  if (ending === 'first WeChat') problems.push(...(await letWechatFinish(world, luck)))
  for (let step = 0; step < MOST_STEPS; step += 1) {
    await time.sleep(STEP_MS)
    await actAs({ instance: null, luck: luck.next() }, () => simulator.tick())
    const { status, code } = await callCron()
    if (status !== 200) problems.push(`cron answered ${status} ${code} with nothing wrong`)
    await time.sleep(AFTERWARDS_MS)
    if ((await leftToDo(world)) === 0) return problems
  }
  return [...problems, `6: never quiet: ${await leftToDo(world)} left to do`]
}

/** A refund that an incident tells of is left to a person. */
async function leftToDo({ sql, simulator }: World): Promise<number> {
  const [row] = await sql(`
    select (select count(*) from events where delivered_at is null)
      + (select count(*) from refunds r
         where (refund_status = 'PROCESSING' or (refund_status = 'REFUNDCLOSE' and next_attempt_at is not null))
           and not exists (select from incidents where kind = 'refund' and received ->> 'outRefundNo' = r.out_refund_no))
      + (select count(*) from shipments where shipping_state = 'PENDING')
      + (select count(*) from orders where trade_state = 'NOTPAY' or (trade_state = 'CLOSED' and not closed_at_wechat)) as left`)
  return (
    Number(row?.['left']) +
    simulator.notifications().filter(({ nextDueAt }) => nextDueAt !== null).length
  )
}

/** 2, without cron: every payment WeChat still has news of is in the ledger once it has called. */
async function letWechatFinish(
  { simulator, time, sql }: World,
  luck: Luck,
): Promise<readonly string[]> {
  for (;;) {
    const due = simulator
      .notifications()
      .flatMap(({ nextDueAt }) => (nextDueAt === null ? [] : [nextDueAt]))
    if (due.length === 0) break
    await time.sleep(Math.max(LEAST_PAUSE_MS, Math.min(...due) - simulator.now()))
    await actAs({ instance: null, luck: luck.next() }, () => simulator.tick())
  }
  const problems: string[] = []
  for (const { outTradeNo, acknowledged, attempts } of simulator.notifications()) {
    const [row] = await sql(
      `select from orders where out_trade_no = $1 and trade_state in ('SUCCESS', 'REFUND')`,
      [outTradeNo],
    )
    if (row !== undefined) continue
    if (acknowledged)
      problems.push(`2: ${outTradeNo} was acknowledged and is not paid in the ledger`)
    else if (attempts.at(-1)?.status !== null)
      problems.push(`2: ${outTradeNo} was told of with nothing wrong and is not paid in the ledger`)
  }
  return problems
}
