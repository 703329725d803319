/**
 * Runs a few random histories; `npm run simulate` runs any number. Then tests the simulation
 * itself: it is deterministic, and it finds broken promises.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { corpus } from './corpus.ts'
import { CALM, WITHOUT_ENDING } from './history.ts'
import { historyOf } from './workloads.ts'
import { findProblems } from './invariants.ts'
import { Observer } from './observer.ts'
import { runHistory } from './run-history.ts'
import { World } from './world.ts'

const HISTORIES = Number(process.env['HISTORIES'] ?? 25)
const SEED = Number(process.env['SIMULATION_SEED'] ?? Date.now() % 1_000_000_000)

let world: World
beforeAll(async () => {
  world = await World.open({ isTraced: true })
  await runHistory(world, CALM)
})
afterAll(() => world.close())

test.each(corpus)('a history that once failed holds: %s', async (_, history) => {
  expect(await runHistory(world, history)).toEqual([])
})

test(
  'every promise holds under random faults',
  async () => {
    for (let seed = SEED; seed < SEED + HISTORIES; seed += 1)
      expect(
        await runHistory(world, historyOf(seed)),
        `npm run simulate -- --seed ${seed} --trace`,
      ).toEqual([])
  },
  60_000 + HISTORIES * 1_000,
)

test.each([4, 11, 22, 26])('history %i sends the same messages every time', async (seed) => {
  const traceOfRun = async () => {
    await runHistory(world, historyOf(seed))
    // The date differs between two runs, the time of day does not.
    return world.record.trace.map((line) => line.slice('2026-01-01T'.length))
  }
  // The first run may load a library, which takes real time.
  await traceOfRun()
  const [first, second] = [await traceOfRun(), await traceOfRun()]
  expect(first.length).toBeGreaterThan(20)
  expect(second).toEqual(first)
})

describe('the simulation finds no problem in a history without faults, and it finds', () => {
  /** Runs a statement without foreign keys and triggers. */
  const corrupt = (statement: string) =>
    world.sql(
      `set session_replication_role = replica; ${statement}; set session_replication_role = origin`,
    )
  beforeEach(async () => {
    expect(await runHistory(world, WITHOUT_ENDING)).toEqual([])
  })

  test.each([
    [
      '1',
      'an order marked as paid without a payment',
      `update orders set trade_state = 'SUCCESS', transaction_id = 'x', paid_at = now() where trade_state = 'CLOSED'`,
    ],
    [
      '2',
      'a payment that the ledger does not hold',
      `update orders set trade_state = 'CLOSED', closed_at = now(), transaction_id = null, paid_at = null, refunded_fee = 0 where trade_state = 'REFUND'`,
    ],
    [
      '3',
      'a second event for one payment',
      `drop index events_paid_once; insert into events (type, out_trade_no, data, created_at) select type, out_trade_no, data, created_at from events where type = 'order.paid'`,
    ],
    [
      '3',
      'a payment of another order',
      `insert into payments select 'another', 'y', total_fee, cash_fee, bank_type, payer_openid, paid_at, source, recorded_at from payments; update payments set out_trade_no = (select out_trade_no from orders where transaction_id is null) where transaction_id = 'y'`,
    ],
    [
      '4',
      'a refunded total that is too small',
      'update orders set refunded_fee = 500 where refunded_fee = 1000',
    ],
    ['4', 'a refund that differs from WeChat’s', `update refunds set refund_fee = 999`],
    [
      '6',
      'an event that never arrived',
      `insert into events (type, out_trade_no, data, created_at) select 'order.other', out_trade_no, data, created_at from events limit 1`,
    ],
  ])('a breach of promise %s: %s', async (number, _, statement) => {
    await corrupt(statement)
    expect(
      (await findProblems(world)).filter((problem) => problem.startsWith(`${number}:`)),
    ).not.toEqual([])
  })

  test('a breach of promise 5: an order that returns to an earlier state', async () => {
    const observer = new Observer(world)
    await observer.check()
    await corrupt(`update orders set trade_state = 'NOTPAY' where trade_state = 'CLOSED'`)
    await observer.check()
    expect(observer.problems).toMatchObject([
      expect.stringMatching(/^5: \w+ went from CLOSED to NOTPAY$/),
    ])
  })

  test('a breach of promise 7: a log line with a key', async () => {
    world.record.logs.push(JSON.stringify({ detail: world.env.WECHAT_PAY_KEY }))
    expect(await findProblems(world)).toEqual(['7: a log line showed WECHAT_PAY_KEY'])
  })
})
