/**
 * A database of 0.1.0 with an order in every state is migrated. Each order is then finished,
 * refunded and compared with the bill.
 *
 * The tests run in order: the shop is filled, migrated, and then used.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { migrate } from '../../dev/migrate/migrate.ts'
import { connect, type Sql } from '../../lib/stores/neon.ts'
import { createTokens } from '../../lib/tokens.ts'
import { compareWith010, returnTo010 } from '../support/earlier-database.ts'
import { requestRefund, summariseRefunds } from '../support/refunds.ts'
import { openShop, textOf, toPayment, type Json, type Sale, type Shop } from '../support/shop.ts'

const NOON = new Date('2026-11-20T12:00:00+08:00')
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const SHIPPED = { logisticsType: 'virtual', items: [{ itemDesc: '拿铁' }] }

let shop: Shop
let sql: Sql

interface Unpaid {
  readonly token: string
  readonly outTradeNo: string
}
let [unprepaid, open, expired, closed, closedHere, paidAfterClose]: Unpaid[] = []
let [paid, lost, pending, uploaded, failed, toRefund]: Sale[] = []
/** Orders with a refund of 1000 fen in the state that their name says. */
let [waiting, processing, changed, refused, refunded]: Sale[] = []
let refundedInFull: Sale | undefined
/** WeChat's `prepay_id` before the upgrade. */
let prepaidBefore: Json
let paymentAfterClose: Json

const must = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('the shop is not filled')
  return value
}
const stateOf = async ({ outTradeNo }: Unpaid) =>
  (await shop.query(shop.merchantKey, outTradeNo))['tradeState']
const shippingOf = async ({ outTradeNo }: Unpaid) =>
  (await shop.query(shop.merchantKey, outTradeNo))['shippingState']
const refundOf = ({ outTradeNo }: Unpaid, fee = 1_000) =>
  requestRefund(shop, outTradeNo, `R-${outTradeNo}`, fee)
const refundsOf = ({ outTradeNo }: Unpaid) => summariseRefunds(shop, outTradeNo)
const ship = ({ outTradeNo }: Unpaid) =>
  shop.call('POST', '/api/shipping', { token: shop.merchantKey, body: { outTradeNo, ...SHIPPED } })
const close = ({ outTradeNo }: Unpaid) =>
  shop.call('POST', '/api/close', { token: shop.merchantKey, body: { outTradeNo } })

async function place(headers: Record<string, string> = {}): Promise<Unpaid> {
  const token = await shop.logIn()
  return { token, outTradeNo: await shop.placeOrder(token, headers) }
}
async function placeAtWechat(): Promise<Unpaid> {
  const order = await place()
  await shop.prepay(order.token, order.outTradeNo)
  return order
}
/** An order that the merchant places, until a moment of its own. */
async function placeUntil(timeExpire: Date): Promise<Unpaid> {
  await shop.logIn('oExpired')
  const token = shop.merchantKey
  const body = {
    openid: 'oExpired',
    totalFee: 2_800,
    body: '拿铁',
    timeExpire: timeExpire.toISOString(),
  }
  const { json } = await shop.call('POST', '/api/orders', { token, body })
  const outTradeNo = textOf(json, 'outTradeNo')
  await shop.prepay(token, outTradeNo)
  return { token, outTradeNo }
}
async function payWithoutNotification(): Promise<Sale> {
  const { token, outTradeNo } = await place()
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  shop.wechat.clearFaults()
  return { token, outTradeNo, transactionId: '' }
}
async function sellWithRefund(
  status: 'SUCCESS' | 'CHANGE' | 'REFUNDCLOSE',
  fee = 1_000,
): Promise<Sale> {
  const sale = await shop.sell()
  if (status !== 'SUCCESS') shop.wechat.misbehave({ on: 'refund', do: 'end-as', status, times: 1 })
  await refundOf(sale, fee)
  shop.advance(4_000)
  await shop.deliverNotifications()
  return sale
}

beforeAll(async () => {
  shop = await openShop()
  vi.setSystemTime(NOON)
  sql = connect(shop.world.env['DATABASE_URL'] ?? '', shop.world.env['NEON_HTTP_ENDPOINT'])

  closed = await placeAtWechat()
  shop.advance(6 * MINUTE_MS)
  await close(closed)
  paid = await shop.sell()
  toRefund = await shop.sell()
  pending = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode: -1, times: 1 })
  await ship(pending)
  uploaded = await shop.sell()
  await ship(uploaded)
  failed = await shop.sell()
  shop.wechat.misbehave({ on: 'upload_shipping_info', do: 'errcode', errcode: -1, times: 1 })
  await ship(failed)
  // 0.1.0 gave up after such a code.
  for (const table of ['shipments', 'orders'])
    await shop.sql(`update ${table} set shipping_state = 'FAILED' where out_trade_no = $1`, [
      failed.outTradeNo,
    ])
  await shop.sql(
    `update shipments set err_code = '45011', next_attempt_at = null where out_trade_no = $1`,
    [failed.outTradeNo],
  )

  refunded = await sellWithRefund('SUCCESS')
  refundedInFull = await sellWithRefund('SUCCESS', 2_800)
  changed = await sellWithRefund('CHANGE')
  refused = await sellWithRefund('REFUNDCLOSE')
  shop.wechat.changeSettings({ refundMs: HOUR_MS })
  processing = await shop.sell()
  await refundOf(processing)
  await shop.world.settled()

  // From here on no request comes late enough to finish what is left unfinished.
  waiting = await shop.sell()
  lost = await payWithoutNotification()
  unprepaid = await place({ 'idempotency-key': 'before-the-upgrade' })
  open = await placeAtWechat()
  prepaidBefore = await shop.prepay(open.token, open.outTradeNo)
  expired = await placeUntil(new Date(Date.now() + 10 * MINUTE_MS))
  closedHere = await placeAtWechat()
  paidAfterClose = await placeAtWechat()
  paymentAfterClose = await shop.prepay(paidAfterClose.token, paidAfterClose.outTradeNo)
  shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode: 'SYSTEMERROR' })
  await refundOf(waiting)
  shop.wechat.clearFaults()
  for (const { outTradeNo } of [closedHere, paidAfterClose])
    await shop.sql(
      `update orders set trade_state = 'CLOSED', closed_at = $2 where out_trade_no = $1`,
      [outTradeNo, new Date()],
    )
  await shop.world.settled()
  shop.advance(11 * MINUTE_MS)
})
afterAll(() => shop.close())

test('the shop has the tables of 0.1.0, and an order, refund and shipment in every state', async () => {
  await returnTo010(sql)
  const { found, expected } = await compareWith010(sql)
  expect(found).toEqual(expected)
  expect(
    await shop.sql(
      'select trade_state, closed_at_wechat as at_wechat, count(*)::integer from orders group by 1, 2 order by 1, 2',
    ),
  ).toEqual([
    { trade_state: 'CLOSED', at_wechat: false, count: 2 },
    { trade_state: 'CLOSED', at_wechat: true, count: 1 },
    { trade_state: 'NOTPAY', at_wechat: false, count: 4 },
    { trade_state: 'REFUND', at_wechat: false, count: 5 },
    { trade_state: 'SUCCESS', at_wechat: false, count: 6 },
  ])
  expect(
    await shop.sql(
      'select refund_status as status, refund_id is not null as accepted from refunds order by 1, 2',
    ),
  ).toEqual([
    { status: 'CHANGE', accepted: true },
    { status: 'PROCESSING', accepted: false },
    { status: 'PROCESSING', accepted: true },
    { status: 'REFUNDCLOSE', accepted: true },
    { status: 'SUCCESS', accepted: true },
    { status: 'SUCCESS', accepted: true },
  ])
  expect(
    await shop.sql('select shipping_state as state from shipments order by shipping_state'),
  ).toEqual([{ state: 'FAILED' }, { state: 'PENDING' }, { state: 'UPLOADED' }])
})

test('the migration gives every order the configured account', async () => {
  expect((await migrate(shop.world.env)).migrations).toContain('0009-accounts')
  expect(
    await shop.sql(
      'select appid, mch_id, protocol, count(*)::integer from orders group by 1, 2, 3',
    ),
  ).toEqual([{ appid: 'wx00000000demo0001', mch_id: '1900000109', protocol: 'v2', count: 18 }])
  expect(await shop.sql('select distinct appid from users')).toEqual([
    { appid: 'wx00000000demo0001' },
  ])
})

describe('after the upgrade', () => {
  test('a payer whose token is of 0.1.0 sees their orders', async () => {
    const { outTradeNo } = must(open)
    const [order] = await shop.sql('select openid from orders where out_trade_no = $1', [
      outTradeNo,
    ])
    const { SignJWT } = await import('jose')
    const token = await new SignJWT()
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer('wechat-pay-functions')
      .setSubject(String(order?.['openid']))
      .setIssuedAt(Date.now() / 1_000)
      .setExpirationTime(Date.now() / 1_000 + 86_400)
      .sign(new TextEncoder().encode(shop.world.env.SESSION_SECRET))
    expect(
      await createTokens(shop.world.env.SESSION_SECRET, () => 'the-app').read(token, new Date()),
    ).toMatchObject({ appid: 'the-app' })
    expect((await shop.call('GET', '/api/orders', { token })).json['orders']).toMatchObject([
      { outTradeNo },
    ])
  })

  test('an open order keeps its prepay_id, is paid, and is settled by its notification', async () => {
    const { token, outTradeNo } = must(open)
    const before = shop.countCalls('/pay/unifiedorder')
    const prepaid = await shop.prepay(token, outTradeNo)
    expect([prepaid['package'], shop.countCalls('/pay/unifiedorder') - before]).toEqual([
      prepaidBefore['package'],
      0,
    ])
    expect(shop.wechat.pay(toPayment(prepaid)).errMsg).toBe('requestPayment:ok')
    await shop.deliverNotifications()
    expect(await stateOf(must(open))).toBe('SUCCESS')
  })

  test('a request that is repeated gets the order it placed before the upgrade', async () => {
    const { token, outTradeNo } = must(unprepaid)
    const headers = { 'idempotency-key': 'before-the-upgrade' }
    expect(await shop.placeOrder(token, headers)).toBe(outTradeNo)
    const [order] = await shop.sql(
      'select openid, request_hash from orders where out_trade_no = $1',
      [outTradeNo],
    )
    // As 0.1.0 computes it: the openid, the lines and `attach`.
    const content = `["${String(order?.['openid'])}",[["latte",1]],null]`
    expect(order?.['request_hash']).toBe(createHash('sha256').update(content).digest('hex'))
  })

  test('an order that WeChat has not seen yet is placed there and paid', async () => {
    const { token, outTradeNo } = must(unprepaid)
    await shop.pay(token, outTradeNo)
    await shop.deliverNotifications()
    expect(await stateOf(must(unprepaid))).toBe('SUCCESS')
  })

  test('a payment whose notification was lost is found by a query', async () => {
    expect(await stateOf(must(lost))).toBe('SUCCESS')
  })

  test('an order that was closed only here is settled if it was paid at WeChat', async () => {
    expect(shop.wechat.pay(toPayment(paymentAfterClose)).errMsg).toBe('requestPayment:ok')
    await shop.deliverNotifications()
    expect(await stateOf(must(paidAfterClose))).toBe('SUCCESS')
  })

  test('an expired order and an order that was closed only here are closed at WeChat, too', async () => {
    shop.advance(10 * MINUTE_MS)
    await shop.cron()
    for (const order of [must(expired), must(closedHere), must(closed)]) {
      expect(await stateOf(order)).toBe('CLOSED')
      expect(
        await shop.sql('select closed_at_wechat from orders where out_trade_no = $1', [
          order.outTradeNo,
        ]),
      ).toEqual([{ closed_at_wechat: true }])
    }
  })

  test('a paid order is refunded, and shipped', async () => {
    expect(await refundOf(must(toRefund), 2_800)).toEqual([202, 'PROCESSING'])
    expect((await ship(must(paid))).json).toMatchObject({ shippingState: 'UPLOADED' })
  })

  test('refunds of 0.1.0 that are not finished go on', async () => {
    shop.advance(2 * HOUR_MS)
    await shop.deliverNotifications()
    await shop.cron()
    shop.advance(2 * HOUR_MS)
    await shop.deliverNotifications()
    await shop.cron()
    for (const sale of [must(waiting), must(processing)])
      expect(await refundsOf(sale)).toBe('REFUND 1000/1000: SUCCESS → refund.succeeded')
    expect(await refundsOf(must(toRefund))).toBe('REFUND 2800/2800: SUCCESS → refund.succeeded')
  })

  test('what is left of an order with a refund in any state is refunded', async () => {
    const rest = async (sale: Sale, fee: number) =>
      requestRefund(shop, sale.outTradeNo, `REST-${sale.outTradeNo}`, fee)
    const left = [must(refunded), must(changed), must(waiting), must(processing)]
    for (const sale of left) {
      expect(await rest(sale, 1_801)).toEqual([409, 'refund_too_much'])
      expect(await rest(sale, 1_800)).toEqual([202, 'PROCESSING'])
    }
    expect(await rest(must(refused), 2_800)).toEqual([202, 'PROCESSING'])
    expect(await rest(must(refundedInFull), 1)).toEqual([409, 'refund_too_much'])
    shop.advance(2 * HOUR_MS)
    await shop.deliverNotifications()
    await shop.cron()
    for (const sale of [must(refunded), must(waiting), must(processing)])
      expect(await refundsOf(sale)).toMatch(/^REFUND 2800\/2800: SUCCESS SUCCESS/)
    expect(await refundsOf(must(refused))).toMatch(/^REFUND 2800\/2800: (?:REFUNDCLOSE|SUCCESS) /)
    expect(await refundsOf(must(changed))).toMatch(/^REFUND 2800\/1800: (?:CHANGE|SUCCESS) /)
  })

  test('shipments go on, and one that 0.1.0 gave up can be sent again', async () => {
    expect(await shippingOf(must(pending))).toBe('UPLOADED')
    expect(await shippingOf(must(uploaded))).toBe('UPLOADED')
    expect((await ship(must(failed))).json).toMatchObject({ shippingState: 'UPLOADED' })
  })

  test('the bill of the day agrees with every order and every refund', async () => {
    vi.setSystemTime(new Date('2026-11-21T11:00:00+08:00'))
    await shop.cron()
    const [{ payments = 0, refunds = 0 } = {}] = await shop.sql(
      `select (select count(*)::integer from payments) as payments, (select count(*)::integer from refunds) as refunds`,
    )
    expect(
      await shop.sql(
        `select outcome, payments, refunds, differences from bills where day = '2026-11-20'`,
      ),
    ).toEqual([{ outcome: 'compared', payments, refunds, differences: 0 }])
    expect(
      await shop.sql(
        `select out_trade_no from payments where billed_on is null
         union all select out_refund_no from refunds where billed_on is null`,
      ),
    ).toEqual([])
    expect(await shop.sql('select kind from incidents')).toEqual([])
  })

  test('no order is left unfinished', async () => {
    expect(
      await shop.sql(
        `select out_trade_no from orders where trade_state = 'NOTPAY' or (trade_state = 'CLOSED' and not closed_at_wechat)`,
      ),
    ).toEqual([])
    expect(textOf(await shop.query(shop.merchantKey, must(paid).outTradeNo), 'tradeState')).toBe(
      'SUCCESS',
    )
  })
})
