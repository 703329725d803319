/** The attempts to deliver an event: which deliveries count, and when they end. */
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { listenToLog } from './log-lines.ts'
import { answerWith, openReceiver, refuses, accepts, type Receiver } from '../webhook/receiver.ts'
import { openOrder } from '../support/attacked-shop.ts'
import { paidAfterClosing } from '../support/paid-after-closing.ts'
import { openShop, type Json, type Shop } from '../support/shop.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const LEASE_MS = 30_000

let shop: Shop
let merchant: Receiver
let log: string[]
beforeAll(async () => {
  merchant = await openReceiver()
  shop = await openShop({ ORDER_WEBHOOK_URL: merchant.url, ORDER_WEBHOOK_SECRET: merchant.secret })
  // So that orders that are not shipped send no events.
  shop.wechat.changeSettings({ tradeManaged: false })
  log = listenToLog()
})
beforeEach(() => void (log.length = 0))
afterEach(async () => {
  merchant.answer = accepts
  shop.world.faults.database.up()
  await shop.world.settled()
  await shop.sql('delete from events')
  merchant.deliveries.length = 0
})
afterAll(async () => {
  await shop.close()
  await merchant.close()
})

async function paidOrder(): Promise<string> {
  const { token, outTradeNo } = await openOrder(shop)
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  return outTradeNo
}

/**
 * The webhook receives the event, and the sending instance dies before it can store the outcome.
 */
const acceptAndKillSender: Receiver['answer'] = (response) => {
  shop.world.faults.database.down()
  return accepts(response)
}

async function cronThatDies(): Promise<void> {
  merchant.answer = acceptAndKillSender
  await shop.call('GET', '/api/cron', { token: shop.cronSecret })
  await shop.world.settled()
  shop.world.faults.database.up()
}

async function cronAfter(ms: number): Promise<void> {
  shop.advance(ms)
  await shop.cron()
}

const stored = async (outTradeNo: string): Promise<readonly Json[]> =>
  shop.sql(
    `select type, attempts, delivered_at is not null as delivered, next_attempt_at is null as ended, next_attempt_at as next
     from events where out_trade_no = $1 order by seq`,
    [outTradeNo],
  )
const nextIn = async (outTradeNo: string): Promise<number> => {
  const next = (await stored(outTradeNo))[0]?.['next']
  return next instanceof Date ? next.getTime() - Date.now() : Number.NaN
}
const lines = (event: string) =>
  log
    .filter((line) => line.includes(`"${event}"`))
    .map((line) => {
      const { code, count }: Json = JSON.parse(line)
      return { code, count }
    })

test('a delivery without an outcome is not an attempt: after fifteen of them a 503 is the first failure', async () => {
  merchant.answer = acceptAndKillSender
  const outTradeNo = await paidOrder()
  shop.world.faults.database.up()
  for (let count = 1; count < 15; count += 1) {
    shop.advance(LEASE_MS)
    await cronThatDies()
  }
  expect(merchant.deliveries).toHaveLength(15)
  expect(await stored(outTradeNo)).toMatchObject([{ attempts: 0, ended: false }])
  merchant.answer = answerWith(503)
  await cronAfter(LEASE_MS)
  expect(await stored(outTradeNo)).toMatchObject([{ attempts: 1, ended: false }])
  expect([lines('event_parked'), lines('event_not_delivered')]).toEqual([
    [],
    [{ code: '503', count: 1 }],
  ])
  merchant.answer = accepts
  await cronAfter(6_000)
  expect(await stored(outTradeNo)).toMatchObject([{ attempts: 2, delivered: true }])
})

test('an event whose delivery always kills the instance is retried when its lease expires, and given up after three days', async () => {
  merchant.answer = acceptAndKillSender
  const outTradeNo = await paidOrder()
  shop.world.faults.database.up()
  shop.advance(LEASE_MS - 1)
  await cronThatDies()
  expect(merchant.deliveries).toHaveLength(1)
  shop.advance(69 * HOUR_MS)
  await cronThatDies()
  expect(merchant.deliveries).toHaveLength(2)
  await cronAfter(HOUR_MS)
  expect(merchant.deliveries).toHaveLength(2)
  expect(await stored(outTradeNo)).toMatchObject([{ delivered: false, ended: true }])
  expect(lines('event_parked')).toEqual([{ code: 'no_outcome', count: 1 }])
})

test('an event that was not attempted for a week still gets all its attempts', async () => {
  merchant.answer = refuses
  const outTradeNo = await paidOrder()
  await shop.sql(
    'update events set attempts = 0, taken_at = null, first_attempt_at = null, created_at = $1, next_attempt_at = $1',
    [new Date(Date.now() - 7 * DAY_MS)],
  )
  await cronAfter(0)
  expect(await stored(outTradeNo)).toMatchObject([{ attempts: 1, ended: false }])
})

test('in a shop without requests for days, the first run still makes an attempt before it gives up', async () => {
  merchant.answer = refuses
  const outTradeNo = await paidOrder()
  merchant.answer = accepts
  await cronAfter(9 * DAY_MS)
  expect(await stored(outTradeNo)).toMatchObject([{ delivered: true }])
})

test('an event that waited three days for an earlier event of its order gets three days of its own', async () => {
  merchant.answer = refuses
  const { outTradeNo } = await paidAfterClosing(shop)
  await shop.deliverNotifications()
  for (let hour = 0; hour < 100; hour += 1) {
    await cronAfter(HOUR_MS)
    if ((await stored(outTradeNo))[0]?.['ended'] === true) break
  }
  expect(await stored(outTradeNo)).toMatchObject([
    { type: 'order.closed', ended: true, delivered: false },
    { type: 'order.paid', ended: false },
  ])
  await cronAfter(HOUR_MS)
  expect(await stored(outTradeNo)).toMatchObject([
    {},
    { type: 'order.paid', attempts: expect.toSatisfy((n) => n <= 3), ended: false },
  ])
})

/** The statements of docs/operations.md. */
const runbook = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
const fromRunbook = (beginning: string): string => {
  const [statement] = runbook.split('\n').filter((line) => line.startsWith(beginning))
  if (statement === undefined)
    throw new Error(`docs/operations.md has no statement that begins with ${beginning}`)
  return statement
}

test('the runbook’s statement for given-up events restarts their three days, whatever their age', async () => {
  merchant.answer = answerWith(410)
  const outTradeNo = await paidOrder()
  expect(await stored(outTradeNo)).toMatchObject([{ ended: true }])
  merchant.answer = refuses
  shop.advance(30 * DAY_MS)
  await shop.sql(
    fromRunbook('update events set attempts = 0, next_attempt_at = now()').replaceAll(
      'now()',
      `'${new Date().toISOString()}'`,
    ),
  )
  await cronAfter(1)
  expect(await stored(outTradeNo)).toMatchObject([{ attempts: 1, ended: false }])
  await cronAfter(6_000)
  expect(await stored(outTradeNo)).toMatchObject([{ attempts: 2, ended: false }])
})

test('an event that is sent again from the console is repeated for three days, however old it is', async () => {
  const outTradeNo = await paidOrder()
  const [{ id } = {}] = await shop.sql('select id from events where out_trade_no = $1', [
    outTradeNo,
  ])
  shop.advance(30 * DAY_MS)
  merchant.answer = refuses
  await shop.call('POST', '/api/console/events', { token: shop.merchantKey, body: { id } })
  await shop.world.settled()
  expect(await stored(outTradeNo)).toMatchObject([{ attempts: 1, ended: false, delivered: false }])
})

test('one notification delivers at most a hundred events: fifty for its payment and fifty in the catch-up', async () => {
  const { token, outTradeNo } = await openOrder(shop)
  await shop.pay(token, outTradeNo)
  await shop.world.settled()
  await shop.sql(
    `insert into events (type, out_trade_no, data, created_at, next_attempt_at)
     select 'order.closed', 'waiting' || n % 40, json_build_object('outTradeNo', 'waiting' || n % 40), $1::timestamptz, $1::timestamptz
     from generate_series(1, 400) n`,
    [new Date(Date.now())],
  )
  merchant.deliveries.length = 0
  await shop.deliverNotifications()
  expect(
    await shop.sql(`select trade_state from orders where out_trade_no = $1`, [outTradeNo]),
  ).toEqual([{ trade_state: 'SUCCESS' }])
  expect(merchant.deliveries.length).toBeGreaterThanOrEqual(50)
  expect(merchant.deliveries.length).toBeLessThanOrEqual(100)
})

test('410 ends the attempts for that event only', async () => {
  merchant.answer = answerWith(410)
  const gone = await paidOrder()
  expect(await stored(gone)).toMatchObject([{ attempts: 1, ended: true, delivered: false }])
  expect(lines('event_parked')).toEqual([{ code: '410', count: 1 }])
  merchant.answer = accepts
  const next = await paidOrder()
  expect(await stored(next)).toMatchObject([{ delivered: true }])
  await cronAfter(4 * DAY_MS)
  expect(merchant.deliveries.map(({ outTradeNo }) => outTradeNo)).toEqual([gone, next])
})

test.each([
  [429, '120', 120_000],
  [503, '7200', 2 * HOUR_MS],
  [503, '999999', DAY_MS],
  // Not earlier than our own backoff.
  [429, '1', 5_000],
  [503, '-60', 5_000],
  [503, 'in a moment', 5_000],
  // Retry-After is ignored with other statuses.
  [500, '7200', 5_000],
])('%i with Retry-After %s is retried after %i ms', async (status, header, ms) => {
  merchant.answer = answerWith(status, { 'retry-after': header })
  const outTradeNo = await paidOrder()
  const wait = await nextIn(outTradeNo)
  expect(wait).toBeGreaterThanOrEqual(ms)
  expect(wait).toBeLessThanOrEqual(Math.max(ms, 5_500))
})

test('503 with an HTTP date is retried at that date', async () => {
  merchant.answer = answerWith(503, {
    'retry-after': new Date(Date.now() + 10 * 60_000).toUTCString(),
  })
  const outTradeNo = await paidOrder()
  expect(await nextIn(outTradeNo)).toBeGreaterThan(9 * 60_000)
  expect(await nextIn(outTradeNo)).toBeLessThanOrEqual(10 * 60_000)
})

test('an event whose receiver always asks for another day is given up after three days', async () => {
  merchant.answer = answerWith(503, { 'retry-after': '86400' })
  const outTradeNo = await paidOrder()
  for (let day = 0; day < 5; day += 1) await cronAfter(DAY_MS)
  expect(merchant.deliveries).toHaveLength(4)
  expect(await stored(outTradeNo)).toMatchObject([{ attempts: 4, ended: true }])
})

test('a failure recorded after the lease has expired does not end the lease of another run', async () => {
  const { createOutbox } = await import('../../lib/stores/outbox.ts')
  merchant.answer = refuses
  const outTradeNo = await paidOrder()
  const outbox = createOutbox({
    query: (text, params) => shop.sql(text, params),
    transaction: () => Promise.reject(new Error('none')),
  })
  const takeDue = async () => {
    const at = new Date(Date.now())
    const [event] = await outbox.takeDue(10, at, new Date(at.getTime() + LEASE_MS))
    if (event === undefined) throw new Error('no event is due')
    return event
  }
  shop.advance(6_000)
  const slow = await takeDue()
  shop.advance(LEASE_MS)
  const other = await takeDue()
  expect([slow.isUnfinished, other.isUnfinished]).toEqual([false, true])
  const failed = { code: '503', at: new Date(Date.now()) }
  await outbox.reschedule(slow, failed, new Date(Date.now()))
  expect(await nextIn(outTradeNo)).toBe(LEASE_MS)
  await outbox.reschedule(other, failed, new Date(Date.now() + 5_000))
  expect(await nextIn(outTradeNo)).toBe(5_000)
  expect(await stored(outTradeNo)).toMatchObject([{ attempts: 2 }])
})
