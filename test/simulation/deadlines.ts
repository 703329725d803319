/**
 * After the faults, days pass until the deadlines of complaints and of shipments. Cron runs within
 * half an hour after each warning becomes due; the runs at other times do nothing for them.
 */
import type { Answer } from './check-answer.ts'
import type { History } from './history.ts'
import { runAs } from './instance.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

export const HOUR_MS = 3_600_000
const HALF_HOUR_MS = HOUR_MS / 2
/** The warnings are due this long after the complaint. */
export const WARNINGS_MS = { reply: 20 * HOUR_MS, finish: 68 * HOUR_MS } as const
/** By this age of a payment, cron has asked WeChat whether the order is shipped. */
const UNSHIPPED_MS = 31 * HOUR_MS
/** Time for the work that a function does after its answer. */
const BACKGROUND_MS = 30_000

/** Returns a description of each broken promise. */
export async function passDeadlines(
  world: World,
  history: History,
  random: Random,
  callCron: () => Promise<Answer>,
): Promise<readonly string[]> {
  const { network, simulator, time, cluster, parcels } = world
  const problems: string[] = []
  for (const at of deadlinesOf(world)) {
    await time.sleep(Math.max(0, at + random.between(0, HALF_HOUR_MS) - time.now()))
    await runAs({ instance: null, random: random.next() }, () => simulator.tick())
    // If WeChat does not answer, it is asked about shipping hours later, which is in time, too.
    if (parcels.size === 0 && random.chance(0.3)) {
      network.faultSettings = { faults: history.faults, probability: history.probability }
      await callCron()
      await time.sleep(HALF_HOUR_MS)
      network.faultSettings = { faults: [], probability: 0 }
      simulator.clearFaults()
      if (history.recovery === 'only cron') simulator.misbehave({ on: 'notify', do: 'drop' })
      cluster.heal()
      world.calmFrom = time.now()
    }
    const { status, code } = await callCron()
    if (status !== 200) problems.push(`cron answered ${status} ${code} without faults`)
    await time.sleep(BACKGROUND_MS)
  }
  return problems
}

/** The times from which on cron must warn, in order. */
function deadlinesOf({ simulator, parcels, time }: World): readonly number[] {
  const ofComplaints = simulator
    .complaints()
    .flatMap(({ createdAt, state, paidBackAt }) => [
      ...(state === 'PENDING' ? [createdAt + WARNINGS_MS.reply] : []),
      ...(state !== 'PROCESSED' && paidBackAt === null ? [createdAt + WARNINGS_MS.finish] : []),
    ])
  const ofPayments = simulator
    .orders()
    .flatMap(({ payment }) => (payment === null ? [] : [payment.paidAt + UNSHIPPED_MS]))
  const lastPayment = parcels.size === 0 ? [] : ofPayments.toSorted((a, b) => a - b).slice(-1)
  return [...ofComplaints, ...lastPayment]
    .filter((at) => at > time.now() - HOUR_MS)
    .toSorted((a, b) => a - b)
}
