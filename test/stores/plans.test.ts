/**
 * No statement may scan a table that grows. A small table does not show how fast an index is, but
 * it shows whether the statement can use one.
 */
import * as v from 'valibot'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { schemaStatements } from '../../dev/migrate/migrate.ts'
import type { Database } from '../../dev/stand-ins/postgres.ts'
import { parseOpenid, parseOutTradeNo } from '../../lib/core/ids.ts'
import { createLedger } from '../../lib/stores/ledger.ts'
import type { Sql } from '../../lib/stores/neon.ts'
import { countOpenWork } from '../../lib/stores/open-work.ts'
import { createRefunds } from '../../lib/stores/refunds.ts'
import { borrowDatabase } from '../support/embedded.ts'
import { theAccount } from '../support/latte.ts'
import { must } from '../support/must.ts'

let database: Database
beforeAll(async () => {
  database = await borrowDatabase()
  for (const statement of schemaStatements(theAccount)) await database.pool.query(statement)
  await database.pool.query('set enable_seqscan = off')
})
afterAll(async () => {
  await database.pool.query('reset enable_seqscan')
  await database.stop()
})

const lines = v.array(v.object({ 'QUERY PLAN': v.string() }))
let plan = ''
const sql: Sql = {
  async query(text, params = []) {
    const { rows } = await database.pool.query(`explain ${text}`, [...params])
    plan = v
      .parse(lines, rows)
      .map((row) => row['QUERY PLAN'])
      .join('\n')
    return []
  },
  transaction: () => Promise.reject(new Error('no transaction is planned here')),
}
const [ledger, refunds] = [createLedger(sql), createRefunds(sql)]
const now = new Date('2025-01-01T19:05:00Z')

test.each([
  [
    'an order by the number of its payment',
    () => ledger.find({ transactionId: '4200002500202501020000000001' }),
  ],
  ['unfinished orders', () => ledger.takeUnfinished(10, now, now)],
  ['unfinished refunds', () => refunds.takeUnfinished(10, now, now)],
  ['the refunds of an order', () => refunds.listByOrder(must(parseOutTradeNo('T20250102000001')))],
  ['whether the ledger is reachable', () => ledger.isReachable()],
])('finds %s by an index', async (_, run) => {
  await run()
  expect(plan).toContain('Index')
  // The list of databases is short.
  expect(plan).not.toMatch(/Seq Scan on (?!pg_database )/)
})

test.each([
  [
    'orders',
    () => ledger.takeUnfinished(10, now, now),
    /Index Cond: \(COALESCE\(asked_at, created_at\) <=/,
  ],
  [
    'refunds',
    () => refunds.takeUnfinished(10, now, now),
    /refunds_due.*\n.*Index Cond: \(COALESCE\(next_attempt_at, created_at\) <=/,
  ],
])('unfinished %s that are not due are not scanned', async (_, take, indexCondition) => {
  await take()
  expect(plan).toMatch(indexCondition)
})

test('a count of open orders and refunds scans only unfinished ones', async () => {
  await countOpenWork(sql)
  expect(plan).toMatch(/Index (?:Only )?Scan (?:using|on) orders_unfinished/)
  expect(plan).toMatch(/Index (?:Only )?Scan (?:using|on) refunds_unfinished/)
  expect(plan).not.toContain('Seq Scan')
})

test('placing an order scans only the payer’s open orders', async () => {
  const draft = {
    outTradeNo: must(parseOutTradeNo('T20250102000001')),
    account: theAccount,
    openid: must(parseOpenid('oDemo000000000000000000User1')),
    attach: null,
    clientIp: '192.0.2.1',
    notifyUrl: 'https://shop.example/api/notify',
    createdAt: now,
    timeExpire: new Date(now.getTime() + 7_200_000),
    requestKey: null,
    requestHash: 'a',
  }
  await ledger.placeFromCatalogue(draft, [{ sku: 'latte', quantity: 1 }], 50)
  expect(plan).toMatch(
    /Index Only Scan using orders_open_by_payer|Index Scan using orders_open_by_payer/,
  )
  expect(plan).toMatch(/Index Cond: \(\(openid = .* AND \(time_expire > /)
  expect(plan).not.toContain('Seq Scan')
})

test.each([[['REFUND']], [['SUCCESS', 'REFUND']], [['NOTPAY', 'SUCCESS', 'CLOSED']]] as const)(
  'a list of orders in %j scans no order in another state',
  async (tradeStates) => {
    await ledger.list({ payer: null, tradeStates, before: null, limit: 20 })
    expect(plan.match(/Index Cond: \(trade_state = /g)).toHaveLength(tradeStates.length)
    expect(plan).not.toContain('Seq Scan on orders')
  },
)

test('a list of all orders scans only its page', async () => {
  await ledger.list({ payer: null, tradeStates: null, before: null, limit: 20 })
  expect(plan).toMatch(/Limit.*Index Scan Backward using orders_id_key/s)
})
