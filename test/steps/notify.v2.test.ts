/** Forms of a genuine notification that only v2 has. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { ledgerOf } from '../stores/ledger-rows.ts'
import { openOrder } from '../support/attacked-shop.ts'
import {
  newTransactionId,
  NOT_NOW,
  paymentFacts,
  TAKEN,
  transactionOf,
} from '../support/messages/messages.ts'
import { paymentFields, writePayment } from '../support/messages/v2.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  // The simulator sends no notification by itself.
  await shop.wechat.stop()
})
afterAll(() => shop.close())
afterEach(() => shop.wechat.clearFaults())

const fieldsOf = (
  outTradeNo: string,
  transactionId: string,
  changes: Readonly<Record<string, string>> = {},
) =>
  new Map([
    ...paymentFields(paymentFacts(shop, outTradeNo, { transactionId })),
    ...Object.entries(changes),
  ])
const write = (fields: ReadonlyMap<string, string>, type?: 'MD5' | 'HMAC-SHA256') =>
  writePayment(fields, shop.world.env.WECHAT_PAY_KEY, type)
const notify = async (body: string) => {
  const { status, code } = await shop.notify(body)
  return { status, code }
}
async function paidAtWechat(): Promise<string> {
  const { token, outTradeNo } = await openOrder(shop)
  await shop.pay(token, outTradeNo)
  return outTradeNo
}
const paidOnce = (transactionId: string) => ({
  order: { trade_state: 'SUCCESS', transaction_id: transactionId },
  payments: [transactionId],
  incidents: [],
  events: ['order.paid'],
})

test.each<[name: string, changes: Readonly<Record<string, string>>]>([
  [
    'coupons for a part of the amount',
    {
      cash_fee: '800',
      coupon_fee: '2000',
      coupon_count: '1',
      coupon_id_0: '10000',
      coupon_fee_0: '2000',
    },
  ],
  [
    'coupons for the whole amount',
    { cash_fee: '0', coupon_fee: '2800', settlement_total_fee: '0' },
  ],
  ['empty fields', { attach: '', device_info: '', return_msg: '', err_code: '', fee_type: '' }],
  ['its signature type', { sign_type: 'HMAC-SHA256' }],
])('a notification with %s is accepted', async (_name, changes) => {
  const { outTradeNo } = await openOrder(shop)
  const transactionId = newTransactionId()
  expect(await notify(write(fieldsOf(outTradeNo, transactionId, changes)))).toEqual(TAKEN)
  expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(transactionId))
})

test('a notification with a new field is accepted once WeChat confirms it', async () => {
  const outTradeNo = await paidAtWechat()
  const transactionId = transactionOf(shop, outTradeNo)
  const notification = write(fieldsOf(outTradeNo, transactionId, { brand_new_field: '新' }))
  expect(await notify(notification)).toEqual(TAKEN)
  expect(shop.calls('query', outTradeNo)).toHaveLength(1)
  expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(transactionId))
})

test('a notification with a new field is accepted once WeChat answers again', async () => {
  const outTradeNo = await paidAtWechat()
  const transactionId = transactionOf(shop, outTradeNo)
  const notification = write(fieldsOf(outTradeNo, transactionId, { brand_new_field: '1' }))
  shop.wechat.misbehave({ on: 'orderquery', do: 'http-500', times: 1 })
  expect(await notify(notification)).toEqual(NOT_NOW)
  expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
    order: { trade_state: 'NOTPAY' },
    payments: [],
    incidents: [],
  })
  expect(await notify(notification)).toEqual(TAKEN)
  expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(transactionId))
})

test.each(['MD5', 'HMAC-SHA256'] as const)(
  'a notification signed with %s is accepted, whatever we sign with',
  async (type) => {
    const { outTradeNo } = await openOrder(shop)
    const transactionId = newTransactionId()
    expect(await notify(write(fieldsOf(outTradeNo, transactionId), type))).toEqual(TAKEN)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(transactionId))
  },
)

test('a notification without CDATA, over several lines, after an XML prologue is accepted', async () => {
  const { outTradeNo } = await openOrder(shop)
  const transactionId = newTransactionId()
  const plain = write(fieldsOf(outTradeNo, transactionId))
    .replaceAll(/<!\[CDATA\[(.*?)\]\]>/g, '$1')
    .replaceAll('><', '>\n  <')
  expect(await notify(`<?xml version="1.0" encoding="UTF-8"?>\n${plain}\n`)).toEqual(TAKEN)
  expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(transactionId))
})

test('a notification of exactly 64 KiB is accepted', async () => {
  const { outTradeNo } = await openOrder(shop)
  const withAttach = (attach: string) => write(fieldsOf(outTradeNo, newTransactionId(), { attach }))
  const room = 65_536 - Buffer.byteLength(withAttach('-')) + 1
  expect(await notify(withAttach('x'.repeat(room)))).toEqual(TAKEN)
})
