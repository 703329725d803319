/** A failure of one order, refund, shipment or event does not stop the others. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { listenToLog } from './log-lines.ts'
import { untilBeijingNoon } from '../support/beijing-noon.ts'
import { requestRefund, paidOrder } from '../support/refunds.ts'
import { openShop, type Shop } from '../support/shop.ts'

const HOUR_MS = 3_600_000

let shop: Shop
let lines: string[]
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())
beforeEach(() => {
  lines = listenToLog()
})
afterEach(async () => {
  vi.restoreAllMocks()
  shop.wechat.clearFaults()
  for (const table of ['orders', 'refunds', 'shipments', 'events'])
    await shop.sql(`drop trigger if exists poison on ${table}`)
  await shop.sql('drop function if exists poison()')
  await shop.cron()
})

/** Makes the database refuse each change of this row that records an outcome. */
async function poison(
  table: 'orders' | 'refunds' | 'shipments' | 'events',
  condition: string,
  code: string,
): Promise<void> {
  await shop.sql(
    `create function poison() returns trigger language plpgsql as $$
     begin if ${condition} then raise exception 'no' using errcode = '${code}'; end if; return new; end $$`,
  )
  await shop.sql(
    `create trigger poison before update on ${table} for each row execute function poison()`,
  )
}

const BUG = '23514'
const DEADLOCK = '40P01'

const stateOf = async (outTradeNo: string) =>
  (
    await shop.sql('select trade_state, shipping_state from orders where out_trade_no = $1', [
      outTradeNo,
    ])
  )[0]
const linesOf = (event: string, text: string) =>
  lines.filter((line) => line.includes(`"event":"${event}"`) && line.includes(text))
const failingCron = async (path = '/api/cron') => {
  const { status, json } = await shop.call('GET', path, { token: shop.cronSecret })
  await shop.world.settled()
  return [status, json['code']]
}

const openAndExpired = async () => shop.placeOrder(await shop.logIn())

test.each([
  ['a bug', BUG, [500, 'internal_error']],
  ['a deadlock', DEADLOCK, [503, 'unavailable']],
])(
  'an order that fails with %s is logged; the other orders, the refunds and the bill are done, and cron fails',
  async (_, code, answer) => {
    const [bad, good] = [await openAndExpired(), await openAndExpired()]
    const paid = await paidOrder(shop)
    shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode: 'NOTENOUGH', times: 1 })
    await requestRefund(shop, paid, `R-${paid}`, 2800)
    await poison(
      'orders',
      `new.out_trade_no = '${bad}' and new.trade_state <> old.trade_state`,
      code,
    )
    shop.advance(untilBeijingNoon(2))
    expect(await failingCron()).toEqual(answer)
    expect([
      (await stateOf(good))?.['trade_state'],
      (await stateOf(paid))?.['trade_state'],
    ]).toEqual(['CLOSED', 'REFUND'])
    expect(
      await shop.sql('select from bills where compared_at > $1', [new Date(Date.now() - HOUR_MS)]),
    ).not.toEqual([])
    expect(linesOf('order_not_finished', bad)).toHaveLength(1)
    const bugs = linesOf('bug', bad)
    expect(
      bugs.map((line) =>
        /"level":"error".*"code":"23514","detail":"DatabaseError in [\w-]+\.ts:\d+"/.test(line),
      ),
    ).toEqual(code === BUG ? [true] : [])
  },
)

test('a refund that fails with a bug is logged, and the other refunds are done', async () => {
  const [bad, good] = [await paidOrder(shop), await paidOrder(shop)]
  shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode: 'NOTENOUGH', times: 2 })
  for (const paid of [bad, good]) await requestRefund(shop, paid, `R-${paid}`, 2800)
  await poison(
    'refunds',
    `new.out_trade_no = '${bad}' and new.refund_id is distinct from old.refund_id`,
    BUG,
  )
  shop.advance(HOUR_MS)
  expect(await failingCron()).toEqual([500, 'internal_error'])
  expect([(await stateOf(bad))?.['trade_state'], (await stateOf(good))?.['trade_state']]).toEqual([
    'SUCCESS',
    'REFUND',
  ])
  expect([linesOf('refund_not_finished', bad).length, linesOf('bug', bad).length]).toEqual([1, 1])
})

test('a shipment that fails with a bug is logged, and the others are uploaded', async () => {
  const orders: string[] = []
  for (let count = 0; count < 10; count += 1) orders.push(await paidOrder(shop))
  shop.wechat.misbehave({
    on: 'upload_shipping_info',
    do: 'errcode',
    errcode: -1,
    times: orders.length,
  })
  for (const outTradeNo of orders) {
    const body = { outTradeNo, logisticsType: 'virtual', items: [{ itemDesc: 'a latte' }] }
    await shop.call('POST', '/api/shipping', { token: shop.merchantKey, body })
  }
  const [bad = '', ...others] = orders
  await poison(
    'shipments',
    `new.out_trade_no = '${bad}' and new.shipping_state <> old.shipping_state`,
    BUG,
  )
  shop.advance(HOUR_MS)
  expect(await failingCron()).toEqual([500, 'internal_error'])
  const states = await Promise.all(
    others.map(async (outTradeNo) => (await stateOf(outTradeNo))?.['shipping_state']),
  )
  expect(new Set(states)).toEqual(new Set(['UPLOADED']))
  expect([linesOf('shipping_not_finished', bad).length, linesOf('bug', bad).length]).toEqual([1, 1])
})

test('an event whose outcome cannot be recorded is logged, and the others are delivered', async () => {
  const [bad, good] = [await paidOrder(shop), await paidOrder(shop)]
  await shop.sql('update events set delivered_at = null, attempts = 0, next_attempt_at = $1', [
    new Date(Date.now()),
  ])
  await poison('events', `new.out_trade_no = '${bad}' and new.delivered_at is not null`, BUG)
  shop.advance(HOUR_MS)
  expect(await failingCron()).toEqual([500, 'internal_error'])
  const undelivered = await shop.sql('select out_trade_no from events where delivered_at is null')
  expect(new Set(undelivered.map((row) => row['out_trade_no']))).toEqual(new Set([bad]))
  expect(await stateOf(good)).toMatchObject({ trade_state: 'SUCCESS' })
  expect(lines.filter((line) => line.includes('"event":"event_not_finished"'))).toHaveLength(1)
})

test('an order of a bill whose payment cannot be stored is a difference, and the day is compared', async () => {
  const token = await shop.logIn()
  const [bad, good] = [await shop.placeOrder(token), await shop.placeOrder(token)]
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  for (const outTradeNo of [bad, good]) await shop.pay(token, outTradeNo)
  await shop.world.settled()
  await poison('orders', `new.out_trade_no = '${bad}' and new.trade_state <> old.trade_state`, BUG)
  shop.advance(48 * HOUR_MS)
  const day = new Date(Date.now() - 40 * HOUR_MS).toISOString().slice(0, 10)
  expect(await failingCron(`/api/cron?bill=${day}`)).toEqual([200, undefined])
  expect((await stateOf(good))?.['trade_state']).toBe('SUCCESS')
  expect(await shop.sql('select kind from incidents where out_trade_no = $1', [bad])).toEqual([
    { kind: 'unconfirmed' },
  ])
  expect([linesOf('order_not_finished', bad).length, linesOf('bug', bad).length]).toEqual([2, 2])
})

test('background work writes the same log lines', async () => {
  const bad = await openAndExpired()
  await poison('orders', `new.out_trade_no = '${bad}' and new.trade_state <> old.trade_state`, BUG)
  shop.advance(30 * HOUR_MS)
  await shop.call('GET', '/api/orders', { token: await shop.logIn() })
  await shop.world.settled()
  expect([linesOf('order_not_finished', bad).length, linesOf('bug', bad).length]).toEqual([1, 1])
})
