/** How cron divides its 300 seconds. Other tests cover each part over HTTP. */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { beforeEach, expect, test } from 'vitest'
import { parseDay, type Day } from '../../lib/core/day.ts'
import type { LogFields } from '../../lib/core/log-fields.ts'
import { ok } from '../../lib/core/result.ts'
import type {
  Bills,
  ComplaintGateway,
  Complaints,
  Deps,
  Ledger,
  Outbox,
  Refunds,
  Settlements,
  Shipments,
  TradeManagement,
  PayGateway,
} from '../../lib/ports.ts'
import { sweep } from '../../lib/steps/sweep.ts'
import { openOrder } from '../support/latte.ts'
import { must } from '../support/must.ts'
import { only } from '../support/only.ts'

const maxDurations = v.object({
  functions: v.object({ 'api/cron.ts': v.object({ maxDuration: v.number() }) }),
})

const START = new Date('2025-01-01T19:05:00Z').getTime()

let now: number
let openOrders: number
let log: LogFields[]
let turns: string[]
let daysDue: readonly Day[]
/** The time limit of each bill in the run. */
let billDeadlines: number[]
beforeEach(() => {
  now = START
  openOrders = 0
  log = []
  turns = []
  daysDue = []
  billDeadlines = []
})

const turn = (name: string) => {
  if (turns.at(-1) !== name) turns.push(name)
}
const deps: Deps = only<Deps>({
  clock: { now: () => new Date(now), timeLeft: () => Infinity, sleep: () => Promise.resolve() },
  randomBytes: (count) => Buffer.alloc(count),
  ledger: only<Ledger>({
    takeUnfinished: async (limit) => {
      turn('orders')
      const taken = Math.min(limit, openOrders)
      openOrders -= taken
      return Array.from({ length: taken }, () => openOrder)
    },
  }),
  account: openOrder.account,
  // Eight queries run concurrently, so this is one second for eight orders.
  gateway: () =>
    only<PayGateway>({
      async *readBill(_, withinMs) {
        billDeadlines.push(withinMs)
        now += withinMs
        yield ok([])
      },
      queryOrder: async () => {
        now += 125
        return ok({ state: 'open' })
      },
    }),
  refunds: only<Refunds>({
    takeUnfinished: async () => {
      turn('refunds')
      return []
    },
  }),
  shipments: only<Shipments>({
    takeDue: async () => {
      turn('shipments')
      return []
    },
  }),
  settlements: only<Settlements>({
    takeDue: async () => {
      turn('settlements')
      return []
    },
  }),
  tradeManagement: only<TradeManagement>({ claim: async () => false }),
  bills: only<Bills>({
    due: async () => {
      turn('bills')
      return daysDue
    },
    claim: async (day, _, __, leaseUntil) => ({ day, comparison: 1, leaseUntil }),
    async *unbilledPayments() {},
    async *unbilledRefunds() {},
    finish: async () => true,
  }),
  outbox: only<Outbox>({
    takeDue: async () => {
      turn('events')
      return []
    },
  }),
  complaintGateway: only<ComplaintGateway>({
    list: async () => {
      turn('complaints')
      return ok({ complaints: [], total: 0 })
    },
  }),
  complaints: only<Complaints>({ findAll: async () => [], takeDue: async () => [] }),
  webhook: only({}),
  log: (fields) => void log.push(fields),
})

test('thousands of open orders do not keep refunds, shipments, bills or events from their turn', async () => {
  openOrders = 3_000
  await sweep(deps)
  expect(turns).toEqual([
    'orders',
    'refunds',
    'shipments',
    'settlements',
    'complaints',
    'bills',
    'events',
    'orders',
  ])
  expect(log).toEqual([{ event: 'sweep_unfinished' }])
})

test('the remaining time goes to the remaining orders', async () => {
  openOrders = 1_000
  await sweep(deps)
  expect([openOrders, log]).toEqual([0, []])
})

test('a run with little to do runs each part once', async () => {
  openOrders = 3
  await sweep(deps)
  expect(turns).toEqual([
    'orders',
    'refunds',
    'shipments',
    'settlements',
    'complaints',
    'bills',
    'events',
  ])
})

test('a bill gets 150 seconds even if all other parts use their time, while a million rows take 50', async () => {
  openOrders = 3_000
  daysDue = [must(parseDay('2024-12-31'))]
  await sweep(deps)
  expect(billDeadlines).toEqual([150_000])
})

test('events have their turn even if many bills are due, and cron ends within its maxDuration in vercel.json', async () => {
  openOrders = 3_000
  daysDue = ['2024-12-29', '2024-12-30', '2024-12-31'].map((day) => must(parseDay(day)))
  await sweep(deps)
  const { functions } = v.parse(
    maxDurations,
    JSON.parse(readFileSync(new URL('../../vercel.json', import.meta.url), 'utf8')),
  )
  expect([billDeadlines.length, turns.slice(-3)]).toEqual([1, ['bills', 'events', 'orders']])
  expect(now - START).toBeLessThan(functions['api/cron.ts'].maxDuration * 1_000)
})
