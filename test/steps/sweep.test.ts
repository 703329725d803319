/** How cron shares its minute out. What each part does is tested over real HTTP. */
import { beforeEach, expect, test } from 'vitest'
import type { LogFields } from '../../lib/core/log-fields.ts'
import { ok } from '../../lib/core/result.ts'
import type { Bills, Deps, Ledger, Outbox, Refunds, Shipments, Wechat } from '../../lib/ports.ts'
import { sweep } from '../../lib/steps/sweep.ts'
import { openOrder } from '../support/latte.ts'
import { only } from '../support/only.ts'

const START = new Date('2025-01-01T19:05:00Z').getTime()

let now: number
let openOrders: number
let log: LogFields[]
let turns: string[]
beforeEach(() => {
  now = START
  openOrders = 0
  log = []
  turns = []
})

const turn = (name: string) => {
  if (turns.at(-1) !== name) turns.push(name)
}
const deps: Deps = only<Deps>({
  clock: { now: () => new Date(now), timeLeft: () => Infinity, sleep: () => Promise.resolve() },
  ledger: only<Ledger>({
    takeUnfinished: async (limit) => {
      turn('orders')
      const taken = Math.min(limit, openOrders)
      openOrders -= taken
      return Array.from({ length: taken }, () => openOrder)
    },
  }),
  // A second for eight of them.
  wechat: only<Wechat>({
    askOrder: async () => {
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
  bills: only<Bills>({
    due: async () => {
      turn('bills')
      return []
    },
  }),
  outbox: only<Outbox>({
    takeDue: async () => {
      turn('events')
      return []
    },
  }),
  merchant: only({}),
  log: (fields) => void log.push(fields),
})

test('whoever places thousands of orders keeps neither refunds nor the bill nor events from their turn', async () => {
  openOrders = 3_000
  await sweep(deps)
  expect(turns).toEqual(['orders', 'refunds', 'shipments', 'bills', 'events', 'orders'])
  expect(log).toEqual([{ event: 'sweep_unfinished' }])
})

test('what is left of the time goes to the orders that are left', async () => {
  openOrders = 200
  await sweep(deps)
  expect([openOrders, log]).toEqual([0, []])
})

test('a run with little to do asks each part once', async () => {
  openOrders = 3
  await sweep(deps)
  expect(turns).toEqual(['orders', 'refunds', 'shipments', 'bills', 'events'])
})
