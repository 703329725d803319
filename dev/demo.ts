/**
 * `npm run demo`: one WeChat payment from login to query, and the steps after it, on the real
 * protocol in a world of its own.
 *
 * Exits with 0 only if the order was paid and all later steps agree.
 */
import { styleText } from 'node:util'
import { readNoOptions } from './program/command-line.ts'
import { answerComplaint } from './demo/complaint.ts'
import { runStepsAfterPayment } from './demo/after-payment.ts'
import { takeOnePayment } from './demo/payment.ts'
import { openStage } from './demo/stage.ts'
import { startWorld } from './world/world.ts'

readNoOptions(
  'npm run demo    plays one payment, from login to the bill, and shows every message; over APIv3 if WECHAT_PAY_API is v3',
)

// The functions log one JSON line for each request. The lines would disturb the page, so they are
// printed only if the demo fails.
const logLines: unknown[] = []
console.log = console.error = (line: unknown) => logLines.push(line)

// A reader such as `head` may close the pipe.
process.stdout.on('error', () => process.exit(0))

async function main(): Promise<boolean> {
  // The rest of the user's environment is ignored, so that the demo is the same everywhere.
  const { WECHAT_PAY_API } = process.env
  const world = await startWorld({ env: { WECHAT_PAY_API }, complaints: true })
  try {
    const stage = openStage(world)
    const outTradeNo = await takeOnePayment(stage)
    if (outTradeNo === null) return false
    const agrees = await runStepsAfterPayment(stage, outTradeNo)
    return (await answerComplaint(stage, outTradeNo)) && agrees
  } finally {
    await world.stop()
  }
}

const isGood = await main().catch((cause: unknown) => {
  process.stdout.write(`\n${cause instanceof Error ? cause.message : String(cause)}\n`)
  return false
})
if (!isGood) process.stdout.write(`\nThe log of the functions:\n${logLines.join('\n')}\n`)
process.stdout.write(
  isGood
    ? styleText(
        'green',
        '\nThe order was paid (SUCCESS); it now reads REFUND because a part was refunded. It was shipped, the bill agrees, the money is settled, and a complaint was answered in time.\n',
      )
    : styleText('red', '\nThe order was not paid, or a later step does not agree.\n'),
)
if (isGood) process.stdout.write('Next: npm start, and point a Mini Program at it.\n')
process.exitCode = isGood ? 0 : 1
