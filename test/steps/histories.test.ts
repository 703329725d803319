/**
 * Random histories: two payers and a merchant act while WeChat, the database, Redis, the network
 * and the clock fail. Then every fault ends, notifications and cron run until nothing is left to
 * do, and WeChat, ledger and webhook must agree.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openReceiver, type Receiver } from '../webhook/receiver.ts'
import { openShop, type Shop } from '../support/shop.ts'
import { findContradictions, runUntilIdle } from './convergence.ts'
import { History, type Action } from './history.ts'

/** Set both in the environment to replay a failure or to search longer. */
const RUNS = Number(process.env['HISTORY_RUNS'] ?? 8)
const SEED = Number(process.env['HISTORY_SEED'] ?? Date.now() % 2 ** 31)

let shop: Shop
let merchant: Receiver
/**
 * On real servers only: on the embedded ones `test/simulation/` searches further, with its own
 * clock.
 */
const isReal = process.env['TEST_DATABASE_URL'] !== undefined
beforeAll(async () => {
  if (!isReal) return
  merchant = await openReceiver()
  shop = await openShop({ ORDER_WEBHOOK_URL: merchant.url, ORDER_WEBHOOK_SECRET: merchant.secret })
  // So that orders that are not shipped send no events.
  shop.wechat.changeSettings({ tradeManaged: false })
  await shop.wechat.stop()
})
afterAll(async () => {
  if (!isReal) return
  await shop.close()
  await merchant.close()
})

const user = fc.constantFrom(0, 1)
/** Which of a payer's orders, newest first. */
const which = fc.constantFrom(0, 0, 0, 1)
const notification = fc.constantFrom(
  'well',
  'well',
  'well',
  'well',
  'drop',
  'lose-answer',
  'garble',
  'tamper',
  'wrong-key',
  'unsigned',
  'wrong-amount',
  'reorder',
  'copies',
)
const condition = fc.constantFrom('down', 'lose answers')
/** How many steps a fault lasts. */
const lasting = fc.constantFrom(1, 2, 3, 5)
const step: fc.Arbitrary<Action> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constant('order'), user }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('order and prepay'), user }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('order, prepay and pay'), user }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('prepay'), user, which }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pay'), user, which }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('deliver notifications'), notification }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('query'), user, which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('close'), user, which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cron') }) },
)
const fault: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('database'), is: condition, lasting }),
  fc.record({ do: fc.constant('redis'), is: condition, lasting }),
  fc.record({
    do: fc.constant('wechat'),
    is: fc.constantFrom('down', 'lose answers', 'html', 'wrong key'),
    lasting,
  }),
  fc.record({ do: fc.constant('merchant'), is: fc.constant('down'), lasting }),
  fc.record({
    do: fc.constant('time passes'),
    minutes: fc.constantFrom(2, 2, 4, 6, 6, 20, 118, 126),
  }),
)
const together: fc.Arbitrary<Action> = fc.record({
  do: fc.constant('together'),
  actions: fc.array(fc.oneof({ weight: 5, arbitrary: step }, { weight: 1, arbitrary: fault }), {
    minLength: 2,
    maxLength: 4,
  }),
})
const history = fc.array(
  fc.oneof(
    { weight: 7, arbitrary: step },
    { weight: 3, arbitrary: fault },
    { weight: 2, arbitrary: together },
  ),
  {
    minLength: 20,
    maxLength: 30,
    size: 'max',
  },
)

test.runIf(isReal)(
  'after any history the ledger and WeChat agree, and the merchant has received every event',
  async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.boolean(), async (actions, notificationsAreLost) => {
        const run = new History(shop, merchant)
        await run.play(actions)
        await run.endFaults()
        if (notificationsAreLost) shop.wechat.misbehave({ on: 'notify', do: 'drop' })
        await runUntilIdle(shop, merchant)
        shop.wechat.clearFaults()
        expect(run.surprises).toEqual([])
        expect(await findContradictions(shop, merchant)).toEqual([])
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    )
    const [paid] = await shop.sql(
      `select count(*)::integer as orders from orders where trade_state = 'SUCCESS'`,
    )
    expect(paid?.['orders'], 'histories with too few payments prove nothing').toBeGreaterThan(
      RUNS / 2,
    )
  },
  60_000 + RUNS * 5_000,
)
