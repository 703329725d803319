/**
 * No statement may scan a table that grows. A small table does not show how fast an index is, but
 * it shows whether the statement can use one.
 */
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schemaStatements } from '../../dev/migrate/migrate.ts'
import type { Database } from '../../dev/stand-ins/postgres.ts'
import { parseComplaintId, parseOpenid, parseOutTradeNo } from '../../lib/core/ids.ts'
import { createBillReports } from '../../lib/stores/bill-reports.ts'
import { createComplaints } from '../../lib/stores/complaints.ts'
import { createEventLog } from '../../lib/stores/event-log.ts'
import { createIncidents } from '../../lib/stores/incidents.ts'
import { createLedger } from '../../lib/stores/ledger.ts'
import type { Sql } from '../../lib/stores/neon.ts'
import { countOpenWork } from '../../lib/stores/open-work.ts'
import { createSettlements } from '../../lib/stores/settlements.ts'
import { createOrderHistory } from '../../lib/stores/order-history.ts'
import { createOrderSearch } from '../../lib/stores/order-search.ts'
import { createOverviews } from '../../lib/stores/overviews.ts'
import { createRefunds } from '../../lib/stores/refunds.ts'
import { createUsers } from '../../lib/stores/users.ts'
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
const complaints = createComplaints(sql)
const openid = must(parseOpenid('oDemo000000000000000000User1'))
const settlements = createSettlements(sql)
const [incidents, eventLog] = [createIncidents(sql), createEventLog(sql)]
const now = new Date('2025-01-01T19:05:00Z')

test.each([
  [
    'an order by the number of its payment',
    () => ledger.find({ transactionId: '4200002500202501020000000001' }),
  ],
  ['unfinished orders', () => ledger.takeUnfinished(10, now, now)],
  ['unfinished refunds', () => refunds.takeUnfinished(10, now, now)],
  ['the refunds of an order', () => refunds.listByOrder(must(parseOutTradeNo('T20250102000001')))],
  ['complaints that are due', () => complaints.takeDue(10, now, now)],
  [
    'a page of complaints',
    () =>
      complaints.list({
        states: ['PENDING'],
        before: must(parseComplaintId('200201820200101080076610000')),
        limit: 20,
      }),
  ],
  [
    'the phone numbers of payers',
    () => createUsers(sql).findPhoneNumbers([{ appid: 'wx', openid }]),
  ],
  ['orders whose settlement is due', () => settlements.takeDue(10, now)],
  ['orders whose money is frozen', () => settlements.listFrozen(null, 20)],
  ['whether the ledger is reachable', () => ledger.isReachable()],
])('finds %s by an index', async (_, run) => {
  await run()
  expect(plan).toContain('Index')
  // The list of databases is short, and so is that of apps. One shipment is enough.
  expect(plan).not.toMatch(/Seq Scan on (?!pg_database |trade_management |shipments)/)
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

test('orders that need not be shipped are not scanned', async () => {
  await settlements.takeDue(10, now)
  expect(plan).toMatch(/using orders_to_ship/)
})

test.each(['open', 'handled'] as const)(
  'a page of %s incidents scans no incident in another state',
  async (state) => {
    await incidents.list({ state, occurred: null, before: 1_000, limit: 20 })
    expect(plan).toMatch(new RegExp(`Limit.*Index Scan Backward using incidents_${state}`, 's'))
    expect(plan).not.toContain('Sort')
  },
)

const reports = createBillReports(sql)

test('a page of bills reads only its days', async () => {
  await reports.days('2026-11-19', '2026-10-01', 20)
  expect(plan).not.toContain('Seq Scan')
  expect(plan).toMatch(/Index (?:Only )?Scan using bills_pkey on bills b/)
  expect(plan).toMatch(/using orders_id_key on orders/)
})

test('a page of differences reads only its differences and their incidents', async () => {
  // There is no row to read in a plan.
  await reports.differences('2026-11-19', null, 20).catch(() => undefined)
  expect(plan).not.toContain('Seq Scan')
  expect(plan).toMatch(
    /Limit [^]* Index Scan using bill_differences_pkey .*\n *Index Cond: .*day = .*claim = .*position/,
  )
  expect(plan).toMatch(/using incidents_fingerprint_key/)
})

test('takings read only the index entries of their days', async () => {
  // An empty table has no pages that are known to be visible, so a bitmap scan would be chosen.
  await database.pool.query('set enable_bitmapscan = off')
  await createOverviews(sql).takings('2026-01-01', '2026-12-31')
  expect(plan).toMatch(
    /Index Only Scan using payments_takings .*\n *Index Cond: .*paid_at >= .*paid_at < /,
  )
  expect(plan).toMatch(
    /Index Only Scan using refunds_by_day .*\n *Index Cond: .*COALESCE\(accepted_at, created_at\)\) >= .*COALESCE\(accepted_at, created_at\)\) < /,
  )
  expect(plan.match(/Scan/g)).toHaveLength(3)
  await database.pool.query('reset enable_bitmapscan')
})

test('the overview reads only what waits, and the payments of a day', async () => {
  // There is no row to read in a plan.
  await createOverviews(sql)
    .overview('2026-11-29', '2026-11-28', now)
    .catch(() => undefined)
  expect(plan).not.toContain('Seq Scan')
  for (const index of [
    'incidents_open',
    'orders_money_frozen',
    'complaints_open',
    'refunds_unfinished',
    'payments_takings',
    'refunds_by_day',
    'bill_differences_pkey',
  ])
    expect(plan).toContain(index)
})

test('the history of an order reads no row of another order', async () => {
  await createOrderHistory(sql).read(must(parseOutTradeNo('T20250102000001')))
  expect(plan).not.toContain('Seq Scan')
  expect(plan).toMatch(/incidents_of_order/)
})

test('a search reads an index for each kind of number', async () => {
  const before = must(parseOutTradeNo('T20250102000001'))
  await createOrderSearch(sql).find({ text: 'x', phoneNumber: '13800138000', before, limit: 20 })
  expect(plan).not.toContain('Seq Scan')
  expect(plan).toMatch(/users_by_phone/)
})

const events = {
  state: null,
  outTradeNo: null,
  created: null,
  before: 'evt_1',
  limit: 20,
} as const
test.each([
  ['all events', {}, 'events_seq_key'],
  ['undelivered events', { state: 'undelivered' }, 'events_undelivered'],
  ['events of an order', { outTradeNo: 'T20250102000001' }, 'events_(?:by|of)_order'],
] as const)('a page of %s scans only its page', async (_, filter, index) => {
  await eventLog.list({ ...events, ...filter })
  expect(plan).toMatch(new RegExp(`Limit.*Index Scan Backward using ${index}`, 's'))
  expect(plan).not.toContain('Sort')
})

test('a page of parked events scans only undelivered ones', async () => {
  await eventLog.list({ ...events, state: 'parked' })
  expect(plan).toMatch(/using events_(?:undelivered|due|of_order)/)
  expect(plan).not.toContain('Seq Scan')
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
    openid,
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

const all = { payer: null, tradeStates: null, placed: null, before: null, limit: 20 }
const november = {
  from: new Date('2026-11-01T00:00:00+08:00'),
  to: new Date('2026-12-01T00:00:00+08:00'),
}

test.each([[['REFUND']], [['SUCCESS', 'REFUND']], [['NOTPAY', 'SUCCESS', 'CLOSED']]] as const)(
  'a list of orders in %j scans no order in another state',
  async (tradeStates) => {
    await ledger.list({ ...all, tradeStates })
    expect(plan.match(/Index Cond: \(trade_state = /g)).toHaveLength(tradeStates.length)
    expect(plan).not.toContain('Seq Scan on orders')
  },
)

test('a list of all orders scans only its page', async () => {
  await ledger.list(all)
  expect(plan).toMatch(/Limit.*Index Scan Backward using orders_id_key/s)
})

describe('among many incidents and events', () => {
  beforeAll(async () => {
    await database.pool.query(`
      insert into incidents (fingerprint, kind, expected, received, source, occurred_at, handled_at, note)
      select n::text, 'amount', '{}', '{}', 'query', timestamptz '2026-10-31' + n * interval '1 hour',
        case when n % 50 > 0 then now() end, case when n % 50 > 0 then 'x' end
      from generate_series(1, 2000) n`)
    await database.pool.query(`
      insert into events (type, data, created_at, delivered_at)
      select 'order.paid', '{}', timestamptz '2026-10-31' + n * interval '1 hour',
        case when n % 50 > 0 then now() end
      from generate_series(1, 2000) n`)
    await database.pool.query('analyze incidents, events')
  })

  const { from, to } = november
  test.each([
    ['from a time', { from, to: null }, ' >= '],
    ['until a time', { from: null, to }, ' < '],
    ['of a period', november, ' >= .* < '],
  ])('a page of the incidents and events %s scans only its page', async (_, period, condition) => {
    const scan = (index: string, column: string) =>
      new RegExp(`Limit.*Index Scan using ${index} .*Index Cond: .*${column}${condition}`, 's')
    await incidents.list({ state: null, occurred: period, before: null, limit: 20 })
    expect(plan).toMatch(scan('incidents_by_time', 'occurred_at'))
    expect(plan).not.toContain('Sort')
    await incidents.list({ state: 'handled', occurred: period, before: 7, limit: 20 })
    expect(plan).toMatch(/using incidents_by_time .*\n.*Index Cond: .*ROW\(occurred_at, id\) </)
    expect(plan).not.toContain('Sort')
    await eventLog.list({ ...events, created: period, before: null })
    expect(plan).toMatch(scan('events_by_time', 'created_at'))
    expect(plan).not.toContain('Sort')
    await eventLog.list({ ...events, created: period })
    expect(plan).toMatch(/using events_by_time .*\n.*Index Cond: .*ROW\(created_at, seq\) </)
  })

  test('a page of open incidents or parked events of a period scans no other state', async () => {
    await incidents.list({ state: 'open', occurred: november, before: null, limit: 20 })
    expect(plan).toMatch(/incidents_(?:open|by_time)/)
    expect(plan).not.toContain('Seq Scan')
    await eventLog.list({ ...events, state: 'parked', created: november, before: null })
    expect(plan).not.toContain('Seq Scan')
  })
})

describe('among many orders of many payers', () => {
  beforeAll(async () => {
    await database.pool.query(`
      insert into orders (out_trade_no, openid, total_fee, body, client_ip, notify_url, created_at, time_expire, request_hash, trade_state, closed_at)
      select 'T' || n::text || '00000', 'o' || (n % 400)::text, 1, 'latte', '127.0.0.1', 'https://shop.example/api/notify',
        timestamptz '2026-10-31' + n * interval '1 hour', timestamptz '2027-12-02', '', case when n % 20 = 0 then 'CLOSED' else 'NOTPAY' end, now()
      from generate_series(1, 2000) n`)
    await database.pool.query('analyze orders')
  })

  test.each([
    ['from a time', { from: november.from, to: null }, 'created_at >= '],
    ['until a time', { from: null, to: november.to }, 'created_at < '],
    ['of a period', november, 'created_at >= .*created_at < '],
  ])('a list of the orders %s scans no order of another time', async (_, placed, condition) => {
    await ledger.list({ ...all, placed })
    expect(plan).toMatch(
      new RegExp(
        `Limit.*Index Scan using orders_by_time on orders o.*Index Cond: .*${condition}`,
        's',
      ),
    )
    expect(plan).not.toContain('Sort')
  })

  test('a list of the orders of a period in two states scans no other order', async () => {
    await ledger.list({ ...all, tradeStates: ['CLOSED', 'REFUND'], placed: november })
    expect(
      plan.match(
        /using orders_by_state_time on orders o.*\n.*Index Cond: .*trade_state.*created_at/g,
      ),
    ).toHaveLength(2)
  })

  test('the next page of a period begins after the last order', async () => {
    const before = must(parseOutTradeNo('T20250102000001'))
    await ledger.list({ ...all, placed: november, before })
    expect(plan).toMatch(
      /using orders_by_time on orders o.*\n.*Index Cond: .*ROW\(created_at, id\) </,
    )
  })

  const periods = [
    ['at any time', null],
    ['in a period', november],
  ] as const
  test.each(
    periods.flatMap(([time, placed]) =>
      [null, 'wx00000000demo0001'].flatMap((appid) =>
        [null, ['NOTPAY', 'CLOSED'] as const].map(
          (tradeStates) => [time, appid, tradeStates, placed] as const,
        ),
      ),
    ),
  )(
    'a list of a payer’s orders %s, of app %s and in states %j, scans no other payer’s order',
    async (_time, appid, tradeStates, placed) => {
      const payer = { openid: must(parseOpenid('o7')), appid }
      await ledger.list({ ...all, payer, tradeStates, placed })
      expect(plan).toMatch(/Scan (?:on|using) orders_by_payer/)
      expect(plan.match(/Index Scan/g)).toHaveLength(1)
    },
  )
})
