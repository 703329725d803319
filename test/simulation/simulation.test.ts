/**
 * A few random histories with every run of the tests; `npm run simulate` plays as many as asked for. And the search
 * itself put to the test: it is the same twice, and it sees what is wrong.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { CALM, historyOf } from './history.ts'
import { findProblems } from './invariants.ts'
import { Observer } from './observer.ts'
import { play } from './play.ts'
import { World } from './world.ts'

const HISTORIES = Number(process.env['HISTORIES'] ?? 25)
const SEED = Number(process.env['SIMULATION_SEED'] ?? Date.now() % 1_000_000_000)

let world: World
beforeAll(async () => {
  world = await World.open({ isTraced: true })
  await play(world, CALM)
})
afterAll(() => world.close())

test(
  'whatever goes wrong between everybody, every promise holds',
  async () => {
    for (let seed = SEED; seed < SEED + HISTORIES; seed += 1)
      expect(
        await play(world, historyOf(seed)),
        `npm run simulate -- --seed ${seed} --trace`,
      ).toEqual([])
  },
  60_000 + HISTORIES * 1_000,
)

test.each([4, 6, 7])(
  'history %i is the same history every time, message by message',
  async (seed) => {
    const once = async () => {
      await play(world, historyOf(seed))
      // Days differ, and numbers made of them; hours do not.
      return world.record.trace.map((line) => line.slice('2026-01-01T'.length))
    }
    const [first, second] = [await once(), await once()]
    expect(first.length).toBeGreaterThan(20)
    expect(second).toEqual(first)
  },
)

describe('of a calm day nothing is said, and of a day on which', () => {
  /** Past every constraint and trigger that can be gone past. */
  const spoil = (statement: string) =>
    world.sql(
      `set session_replication_role = replica; ${statement}; set session_replication_role = origin`,
    )
  beforeEach(async () => {
    expect(await play(world, CALM)).toEqual([])
  })

  test.each([
    [
      '1',
      'an order is paid that nobody paid',
      `update orders set trade_state = 'SUCCESS', transaction_id = 'x', paid_at = now() where trade_state = 'CLOSED'`,
    ],
    [
      '2',
      'a payment is not in the ledger',
      `update orders set trade_state = 'CLOSED', closed_at = now(), transaction_id = null, paid_at = null, refunded_fee = 0 where trade_state = 'REFUND'`,
    ],
    [
      '3',
      'a payment is told of once more',
      `drop index events_paid_once; insert into events (type, out_trade_no, data, created_at) select type, out_trade_no, data, created_at from events where type = 'order.paid'`,
    ],
    [
      '3',
      'an order has a payment that is not its own',
      `insert into payments select 'another', 'y', total_fee, cash_fee, bank_type, payer_openid, paid_at, source, recorded_at from payments; update payments set out_trade_no = (select out_trade_no from orders where transaction_id is null) where transaction_id = 'y'`,
    ],
    [
      '4',
      'less is counted as given back than was',
      'update orders set refunded_fee = 500 where refunded_fee = 1000',
    ],
    ['4', 'a refund is another than at WeChat', `update refunds set refund_fee = 999`],
    [
      '6',
      'an event never arrived',
      `insert into events (type, out_trade_no, data, created_at) select 'order.other', out_trade_no, data, created_at from events limit 1`,
    ],
  ])('%s: %s, it is', async (number, _, statement) => {
    await spoil(statement)
    expect(
      (await findProblems(world)).filter((problem) => problem.startsWith(`${number}:`)),
    ).not.toEqual([])
  })

  test('5: an order goes back to where it was, it is', async () => {
    const observer = new Observer(world)
    await observer.look()
    await spoil(`update orders set trade_state = 'NOTPAY' where trade_state = 'CLOSED'`)
    await observer.look()
    expect(observer.problems).toMatchObject([
      expect.stringMatching(/^5: \w+ went from CLOSED to NOTPAY$/),
    ])
  })

  test('7: a log line shows a key, it is', async () => {
    world.record.logs.push(JSON.stringify({ detail: world.env.WECHAT_PAY_KEY }))
    expect(await findProblems(world)).toEqual(['7: a log line showed WECHAT_PAY_KEY'])
  })
})
