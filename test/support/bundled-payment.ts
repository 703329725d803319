/**
 * One payment through bundled functions, with all that follows it, in a process of its own: `node
 * bundled-payment.ts <root>`, where `api/` leads to the bundles. Exits 0 only if all went well.
 * What the environment names of QStash is used.
 */
import { goOn } from '../../dev/demo/afterwards.ts'
import { takeOnePayment } from '../../dev/demo/payment.ts'
import { openStage } from '../../dev/demo/stage.ts'
import { startWorld } from '../../dev/world/world.ts'

const [root = ''] = process.argv.slice(2)
const { QSTASH_TOKEN, QSTASH_URL } = process.env
const world = await startWorld({ env: { QSTASH_TOKEN, QSTASH_URL }, root })
try {
  const stage = openStage(world)
  const outTradeNo = await takeOnePayment(stage)
  process.exitCode = outTradeNo !== null && (await goOn(stage, outTradeNo)) ? 0 : 1
} finally {
  await world.stop()
}
