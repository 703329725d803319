/**
 * Cron queries unfinished orders in turns, one order of each payer, so that no payer waits behind
 * the orders of another.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Ledger } from '../../lib/ports.ts'
import { createLedger } from '../../lib/stores/ledger.ts'
import { connect } from '../../lib/stores/neon.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
let ledger: Ledger
beforeAll(async () => {
  shop = await openShop()
  ledger = createLedger(
    connect(shop.world.env['DATABASE_URL'] ?? '', shop.world.env['NEON_HTTP_ENDPOINT']),
  )
})
beforeEach(async () => void (await shop.sql('truncate orders cascade')))
afterAll(() => shop.close())

const START = new Date('2025-01-02T03:00:00+08:00')
const after = (minutes: number) => new Date(START.getTime() + minutes * 60_000)

/** Places orders of one payer, one second apart, from `minutes` after the start. */
const place = (payer: string, count: number, minutes: number, state = 'NOTPAY') =>
  shop.sql(
    `insert into orders (out_trade_no, openid, trade_state, total_fee, body, client_ip, notify_url, created_at, time_expire, request_hash, closed_at)
     select $1 || '-' || lpad(n::text, 6, '0'), $1, $4, 1, 'tea', '192.0.2.1', 'https://shop.example', $3::timestamptz + n * interval '1 second',
       $3::timestamptz + interval '2 hours', 'a', case when $4 = 'CLOSED' then $3::timestamptz end
     from generate_series(1, $2::integer) n`,
    [payer, count, after(minutes), state],
  )
const take = async (limit: number, at = after(600)) =>
  (await ledger.takeUnfinished(limit, at, at)).map(({ outTradeNo }) => String(outTradeNo))

test('each payer’s first order is taken, then each payer’s second, the longest waiting first', async () => {
  await place('flooder', 4, 0)
  await place('second', 2, 1, 'CLOSED')
  await place('third', 1, 2)
  expect(await take(4)).toEqual([
    'flooder-000001',
    'second-000001',
    'third-000001',
    'flooder-000002',
  ])
  expect(await take(4, after(601))).toEqual([
    'flooder-000003',
    'second-000002',
    'third-000001',
    'flooder-000004',
  ])
})

test('an order is taken early although another payer has hundreds of older orders', async () => {
  await place('flooder', 600, 0)
  await place('honest', 1, 30)
  expect(await take(8)).toContain('honest-000001')
})

test('a run takes every order exactly once', async () => {
  await place('flooder', 1_500, 0)
  await place('honest', 20, 30)
  const taken: string[] = []
  for (let batch = await take(100); batch.length > 0; batch = await take(100)) taken.push(...batch)
  expect([taken.length, new Set(taken).size]).toEqual([1_520, 1_520])
})

test('simultaneous runs share the orders, and none is taken twice', async () => {
  await place('flooder', 60, 0)
  await place('honest', 20, 30)
  const taken: string[] = []
  for (let round = 0; round < 20 && taken.length < 80; round += 1)
    taken.push(...(await Promise.all([take(8), take(8), take(8), take(8)])).flat())
  expect([taken.length, new Set(taken).size]).toEqual([80, 80])
})

test('an order that is too young or closed at WeChat is not taken', async () => {
  await place('young', 1, 600)
  await place('open', 1, 0)
  await shop.sql(
    `update orders set trade_state = 'CLOSED', closed_at = now(), closed_at_wechat = true where openid = 'open'`,
  )
  expect(await take(8)).toEqual([])
})
