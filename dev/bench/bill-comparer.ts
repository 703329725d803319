/**
 * The process that is measured: the product's own code compares one day. A comparison that exceeds
 * its deadline is resumed, as by the next cron run. Sends the result to its parent.
 */
import { parseDay } from '../../lib/core/day.ts'
import { reconcileAgain } from '../../lib/steps/reconcile-bill.ts'
import { createInstance } from '../../lib/composition.ts'

const MOST_RUNS = 5

const day = parseDay('2026-11-20')
if (!day.ok) throw new Error('this is no day')
const deps = createInstance(process.env).deps
const startedAt = performance.now()
let compared = await reconcileAgain(deps, day.value)
let runs = 1
while (!compared.ok && runs < MOST_RUNS) {
  compared = await reconcileAgain(deps, day.value)
  runs += 1
}
const seconds = (performance.now() - startedAt) / 1000
process.send?.({ compared, runs, seconds, peakBytes: process.resourceUsage().maxRSS * 1024 })
process.disconnect()
