/**
 * How long one run delivers, and for how many days an event is retried. Other tests cover the HTTP.
 */
import { beforeEach, expect, test } from 'vitest'
import type { LogFields } from '../../lib/core/log-fields.ts'
import { err, ok, type Result } from '../../lib/core/result.ts'
import type { Webhook, NotTaken, Outbox, TakenEvent } from '../../lib/ports.ts'
import { deliver } from '../../lib/steps/deliver.ts'
import { only } from '../support/only.ts'

const START = new Date('2025-01-01T19:05:00Z')
const HOUR_MS = 3_600_000

const event: TakenEvent = {
  id: 'evt_1',
  type: 'payment.incident',
  createdAt: START,
  data: {
    kind: 'order',
    outTradeNo: '20250102030405000000000000000001',
    expected: {},
    received: {},
    source: 'cron',
  },
  takenAt: START,
  firstAttemptAt: START,
  attempts: 0,
  isUnfinished: false,
}

let now: Date
let left: number
let deliveries: number
let log: LogFields[]
let isTold: Result<null, NotTaken>
let next: Date | null | undefined
let due: TakenEvent
beforeEach(() => {
  now = START
  left = Infinity
  deliveries = 0
  log = []
  isTold = ok(null)
  next = undefined
  due = event
})

/** Ten events are always due, and one more waits behind each of them. */
const outbox = only<Outbox>({
  takeDue: async (limit) => Array.from({ length: limit }, () => due),
  markDelivered: async () => true,
  reschedule: async (_, _failed, at) => void (next = at),
})
const merchant = only<Webhook>({
  deliver: async () => {
    deliveries += 1
    return isTold
  },
})
const deps = (randomByte = 0) => ({
  outbox,
  webhook: merchant,
  clock: { now: () => now, timeLeft: () => left, sleep: () => Promise.resolve() },
  randomBytes: (count: number) => new Uint8Array(count).fill(randomByte),
  log: (fields: LogFields) => void log.push(fields),
})

test('one run delivers at most fifty events', async () => {
  expect(await deliver(deps())).toEqual({ taken: 50, delivered: 50 })
  expect(deliveries).toBe(50)
})

test.each([
  [14_999, 0],
  [15_000, 50],
])(
  'with %i ms left %i events are delivered, because each delivery that starts must be able to end',
  async (ms, taken) => {
    left = ms
    expect(await deliver(deps())).toEqual({ taken, delivered: taken })
  },
)

test('a run whose time ends between two batches starts no further batch', async () => {
  let batches = 2
  expect(await deliver(deps(), () => (batches -= 1) >= 0)).toEqual({ taken: 20, delivered: 20 })
})

test.each([0, 255])(
  'the twelfth failure is the last, about three days after the first, with jitter %i',
  async (randomByte) => {
    isTold = err({ code: '500', isFinal: false, retryAfterMs: 0 })
    const failures: Date[] = []
    const isParked = () => next === null
    while (!isParked() && failures.length < 20) {
      now = next ?? START
      due = { ...event, attempts: failures.length }
      await deliver(deps(randomByte))
      failures.push(now)
    }
    expect(failures.length).toBe(12)
    const hours = (now.getTime() - START.getTime()) / HOUR_MS
    expect(hours).toBeGreaterThan(70)
    expect(hours).toBeLessThan(78)
    expect(log.at(-1)).toMatchObject({ event: 'event_parked', code: '500', count: 12 })
  },
)
