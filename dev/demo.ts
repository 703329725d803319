/**
 * `npm run demo`: one WeChat payment from login to query, and the steps after it, on the real
 * protocol in a world of its own.
 *
 * Exits with 0 only if every step is verified.
 */
import { styleText } from 'node:util'
import { readOptions } from './program/command-line.ts'
import { answerComplaint } from './demo/complaint.ts'
import { runStepsAfterPayment } from './demo/after-payment.ts'
import { REFUND_FEE, TOTAL_FEE, yuan } from './demo/amounts.ts'
import { takeOnePayment } from './demo/payment.ts'
import { openStage } from './demo/stage.ts'
import { startWorld } from './world/world.ts'

const { wire } = readOptions(
  'npm run demo [-- --wire]    plays one payment, from login to the bill, and verifies every step. --wire prints every message. The payment uses APIv3 if WECHAT_PAY_API is v3.',
  { wire: { type: 'boolean', default: false } },
)

// The functions log one JSON line for each request. The lines would disturb the page, so they are
// printed only if the demo fails.
const logLines: unknown[] = []
console.log = console.error = (line: unknown) => logLines.push(line)

// A reader such as `head` may close the pipe.
process.stdout.on('error', () => process.exit(0))

/** @returns the order and what became of it */
async function main(): Promise<string> {
  // The rest of the user's environment is ignored, so that the demo is the same everywhere.
  const { WECHAT_PAY_API } = process.env
  const world = await startWorld({ env: { WECHAT_PAY_API }, complaints: true })
  try {
    const stage = openStage(world, { wire })
    const outTradeNo = await takeOnePayment(stage)
    await runStepsAfterPayment(stage, outTradeNo)
    await answerComplaint(stage, outTradeNo)
    return `Order ${outTradeNo}: ${yuan(TOTAL_FEE)} paid, ${yuan(REFUND_FEE)} refunded, shipped in two parcels, settled; one complaint answered in time.`
  } finally {
    await world.stop()
  }
}

try {
  const outcome = await main()
  process.stdout.write(styleText('green', `${wire ? '\n' : ''}${outcome}\n`))
} catch (cause) {
  process.stdout.write(`\n${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.stdout.write(`\nThe log of the functions:\n${logLines.join('\n')}\n`)
  process.stdout.write(
    styleText('red', '\nThe order was not paid, or a later step does not agree.\n'),
  )
  process.exitCode = 1
}
