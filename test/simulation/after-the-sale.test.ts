/** The simulation plays what comes after the sale, and finds what is wrong then. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { PAYER_PHONE } from './complaints.ts'
import { CALM, WITHOUT_ENDING, type History } from './history.ts'
import { findProblems } from './invariants.ts'
import { runHistory } from './run-history.ts'
import { World } from './world.ts'

const MINUTE_MS = 60_000
const now = { afterMs: MINUTE_MS, seed: 7 }
const parcel = (name: string) => ({ parcels: [name], afterMs: MINUTE_MS, times: 2 })
const complain = {
  kind: 'complain',
  which: 0,
  problemType: 'REFUND',
  text: 0,
  isNotifiedSoon: true,
} as const
const ship = {
  kind: 'ship parcels',
  which: 0,
  text: 0,
  requests: [parcel('A')],
  late: 'last',
} as const

/** Two orders are shipped in parcels, and only one of them completely. Both payers complain. */
const AFTER_THE_SALE: History = {
  ...WITHOUT_ENDING,
  account: { v2: null, v3: 'v3 public key', startsWith: 'v3' },
  actions: [
    { operation: { ...ship, last: parcel('B'), isCorrected: true }, ...now },
    { operation: { kind: 'buy', user: 1, until: 'pay' }, ...now },
    { operation: { ...ship, last: null, isCorrected: false }, ...now },
    { operation: complain, ...now },
    { operation: { ...complain, which: 1 }, ...now },
    {
      operation: {
        kind: 'act on complaint',
        which: 0,
        actions: ['reply', 'finish'],
        times: 2,
        text: 0,
      },
      ...now,
    },
  ],
}

let world: World
beforeAll(async () => {
  world = await World.open()
  await runHistory(world, CALM)
  expect(await runHistory(world, AFTER_THE_SALE)).toEqual([])
})
afterAll(() => world.close())

test('an order is shipped in parcels and corrected, another one is overdue', () => {
  expect([...world.parcels.values()]).toMatchObject([
    { last: 'yes', correction: { accepted: 'yes' } },
    { last: 'no', correction: null },
  ])
  expect(world.simulator.shipments()).toMatchObject([
    { finished: true, changed: true, parcels: [{ trackingNo: 'X' }, { trackingNo: 'B' }] },
    { finished: false, parcels: [{ trackingNo: 'A' }] },
  ])
  expect(world.record.counts.get('world: late parcels: 409 shipping_refused')).toBe(1)
  expect(world.record.counts.get('world: shipping.overdue')).toBe(1)
})

test('one complaint is finished in time, and of the other one both deadlines pass', () => {
  expect(world.simulator.complaints()).toMatchObject([{ paidBackAt: null }, { state: 'PROCESSED' }])
  expect(world.acceptedActions.map(({ action }) => action)).toEqual(['reply', 'finish'])
  expect(world.record.counts.get('world: complaint.overdue reply')).toBe(1)
  expect(world.record.counts.get('world: complaint.overdue finish')).toBe(1)
})

describe('the simulation finds', () => {
  const TABLES = ['events', 'complaints', 'shipments']
  const withoutRules = (statements: readonly string[]) =>
    world.sql(
      `set session_replication_role = replica; ${statements.join('; ')}; set session_replication_role = origin`,
    )
  beforeAll(async () => {
    for (const table of TABLES) await world.sql(`create table kept_${table} as table ${table}`)
  })
  afterEach(() =>
    withoutRules(
      TABLES.flatMap((table) => [
        `delete from ${table}`,
        `insert into ${table} overriding system value select * from kept_${table}`,
      ]),
    ),
  )
  const again = (type: string) =>
    `insert into events (type, out_trade_no, data, created_at) select type, out_trade_no, data, created_at from events where type = '${type}' limit 1`

  test.each([
    [
      'a parcel that is stored and not at WeChat',
      `update shipments set parcels = '[{"itemDesc":"x","trackingNo":"A"},{"itemDesc":"x","trackingNo":"Q"}]' where not is_all_delivered`,
      /^shipping: A,Q is stored and A at WeChat/,
    ],
    [
      'a shipment that is shown as refused',
      `update shipments set shipping_state = 'FAILED' where is_all_delivered`,
      /^shipping: the state is FAILED/,
    ],
    [
      'an event of a refusal that WeChat never gave',
      `insert into events (type, out_trade_no, data, created_at) select 'shipping.failed', out_trade_no, '{}', now() from shipments limit 1`,
      /^shipping: shipping\.failed, although WeChat refused nothing for good/,
    ],
    [
      'a second warning of an order to ship',
      again('shipping.overdue'),
      /^shipping: warned 2 times of an order to ship/,
    ],
    [
      'a missing warning of an order to ship',
      `delete from events where type = 'shipping.overdue'`,
      /^shipping: warned 0 times of an order to ship/,
    ],
    [
      'a complaint that is not stored',
      `delete from complaints`,
      /^complaint: PROCESSED at WeChat and null here/,
    ],
    [
      'a complaint that is told twice',
      again('complaint.created'),
      /^complaint: complaint\.created 2 times/,
    ],
    [
      'a deadline without a warning',
      `delete from events where data->>'task' = 'finish'`,
      /^complaint: not warned: finish/,
    ],
    [
      'a warning after its deadline',
      `update events set created_at = created_at + interval '5 hours' where data->>'task' = 'reply'`,
      /^complaint: warned at a wrong time: reply/,
    ],
    [
      'a stored phone number',
      `update complaints set content = (content::jsonb || '{"phone":"${PAYER_PHONE}"}')::json`,
      /^complaint: the phone number is in complaints/,
    ],
  ])('%s', async (_, statement, problem) => {
    await withoutRules([statement])
    expect(await findProblems(world)).toContainEqual(expect.stringMatching(problem))
  })

  test('a logged phone number', async () => {
    world.record.logs.push(JSON.stringify({ detail: PAYER_PHONE }))
    expect(await findProblems(world)).toEqual(['complaint: a log line has personal data'])
    world.record.logs.pop()
  })
})

test('no reply is doubled on its way, when every other request is', async () => {
  const reply = {
    kind: 'act on complaint',
    which: 0,
    actions: ['reply'],
    times: 1,
    text: 0,
  } as const
  const doubled: History = {
    ...WITHOUT_ENDING,
    account: { v2: null, v3: 'v3 public key', startsWith: 'v3' },
    actions: [
      { operation: complain, ...now },
      { operation: reply, ...now },
    ],
    faults: ['sent twice'],
    probability: 1,
  }
  expect(await runHistory(world, doubled)).toEqual([])
  expect(world.record.counts.get('world: complaint: reply accepted')).toBe(1)
})
