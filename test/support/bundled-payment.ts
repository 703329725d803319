/**
 * Takes one payment, and all steps after it, through bundled functions in a separate process: `node
 * bundled-payment.ts <root>`, where `<root>/api/` contains the bundles. It exits with 0 only if
 * every step succeeded, and uses QStash if the environment names it.
 */
import { runStepsAfterPayment } from '../../dev/demo/after-payment.ts'
import { takeOnePayment } from '../../dev/demo/payment.ts'
import { openStage } from '../../dev/demo/stage.ts'
import { startWorld } from '../../dev/world/world.ts'

const [root = ''] = process.argv.slice(2)
const { QSTASH_TOKEN, QSTASH_URL } = process.env
const world = await startWorld({ env: { QSTASH_TOKEN, QSTASH_URL }, root })
try {
  const stage = openStage(world)
  const outTradeNo = await takeOnePayment(stage)
  await runStepsAfterPayment(stage, outTradeNo)
} finally {
  await world.stop()
}
