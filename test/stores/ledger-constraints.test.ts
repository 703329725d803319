/** The constraints of the database, which hold whatever the code does. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openOrder } from '../support/attacked-shop.ts'
import { newTransactionId, paymentMessage } from '../support/messages/messages.ts'
import { openShop, type Shop } from '../support/shop.ts'
import { ledgerOf } from './ledger-rows.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
})
afterAll(() => shop.close())

type State = 'NOTPAY' | 'SUCCESS' | 'CLOSED' | 'REFUND'
async function orderIn(state: State): Promise<string> {
  const { outTradeNo } = await openOrder(shop)
  if (state === 'CLOSED')
    await shop.sql(
      `update orders set trade_state = 'CLOSED', closed_at = now() where out_trade_no = $1`,
      [outTradeNo],
    )
  if (state === 'SUCCESS' || state === 'REFUND') await shop.notify(paymentMessage(shop, outTradeNo))
  if (state === 'REFUND')
    await shop.sql(
      `update orders set trade_state = 'REFUND', refunded_fee = 100, claimed_fee = 100 where out_trade_no = $1`,
      [outTradeNo],
    )
  return outTradeNo
}
/** The SQLSTATE of the refusal: 23503 foreign key, 23505 unique, 23514 check. */
async function refusal(text: string, params: readonly unknown[]): Promise<string> {
  try {
    await shop.sql(text, params)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code)
    throw error
  }
  return 'taken'
}

const payment = `insert into payments (out_trade_no, transaction_id, total_fee, paid_at, source, recorded_at) values ($1, $2, `
const update = (change: string) => `update orders set ${change} where out_trade_no = $1`

const changes: readonly (readonly [name: string, from: State, change: string, code: string])[] = [
  ['paid without a payment number', 'NOTPAY', `trade_state = 'SUCCESS'`, '23514'],
  [
    'paid by a payment that does not exist',
    'NOTPAY',
    `trade_state = 'SUCCESS', transaction_id = 'T1', paid_at = now()`,
    '23503',
  ],
  ['unpaid with a payment number', 'NOTPAY', `transaction_id = 'T1', paid_at = now()`, '23514'],
  ['closed without a time', 'NOTPAY', `trade_state = 'CLOSED'`, '23514'],
  [
    'refunded before it was paid',
    'NOTPAY',
    `trade_state = 'REFUND', transaction_id = 'T1', paid_at = now()`,
    '23514',
  ],
  ['in an unknown state', 'NOTPAY', `trade_state = 'MAYBE'`, '23514'],
  [
    'unpaid again after it was paid',
    'SUCCESS',
    `trade_state = 'NOTPAY', transaction_id = null, paid_at = null`,
    '23514',
  ],
  [
    'closed after it was paid',
    'SUCCESS',
    `trade_state = 'CLOSED', closed_at = now(), transaction_id = null, paid_at = null`,
    '23514',
  ],
  ['unpaid again after it was closed', 'CLOSED', `trade_state = 'NOTPAY'`, '23514'],
  ['refunded after it was closed', 'CLOSED', `trade_state = 'REFUND'`, '23514'],
  [
    'paid again after it was refunded',
    'REFUND',
    `trade_state = 'SUCCESS', refunded_fee = 0, claimed_fee = 0`,
    '23514',
  ],
  ['refunded above its payment', 'REFUND', `refunded_fee = 2801, claimed_fee = 2801`, '23514'],
  ['with a negative refunded amount', 'REFUND', `refunded_fee = -1`, '23514'],
  ['refunded in the state SUCCESS', 'SUCCESS', `refunded_fee = 100`, '23514'],
  ['of another amount', 'NOTPAY', `total_fee = 1`, '23514'],
  ['of 0 fen', 'NOTPAY', `total_fee = 0`, '23514'],
  ['of another amount, though paid', 'SUCCESS', `total_fee = 1`, '23514'],
  ['of another payer', 'NOTPAY', `openid = 'oSomebodyElse'`, '23514'],
  ['with another description', 'NOTPAY', `body = 'gold'`, '23514'],
  ['with another attach', 'NOTPAY', `attach = 'x'`, '23514'],
  ['with other items', 'NOTPAY', `items = '[]'`, '23514'],
  ['with another number', 'NOTPAY', `out_trade_no = 'T20250102999999'`, '23514'],
  ['with another notify address', 'NOTPAY', `notify_url = 'https://elsewhere.example/'`, '23514'],
  ['with another client address', 'NOTPAY', `client_ip = '203.0.113.7'`, '23514'],
  ['of another app', 'NOTPAY', `appid = 'wx00000000demo0002'`, '23514'],
  ['of another merchant number', 'SUCCESS', `mch_id = '1900000110'`, '23514'],
  ['of another protocol', 'CLOSED', `protocol = 'v3'`, '23514'],
  ['of a merchant behind a service provider', 'NOTPAY', `sub_mch_id = '1900000111'`, '23514'],
  [
    'that expires at another time',
    'NOTPAY',
    `time_expire = time_expire + interval '1 hour'`,
    '23514',
  ],
]
test.each(changes)('no order can become an order %s', async (_name, from, change, code) => {
  const outTradeNo = await orderIn(from)
  const before = await ledgerOf(shop, outTradeNo)
  expect(await refusal(update(change), [outTradeNo])).toBe(code)
  expect(await ledgerOf(shop, outTradeNo)).toEqual(before)
})

test('a payment whose amount is not its order’s is refused', async () => {
  const outTradeNo = await orderIn('NOTPAY')
  expect(
    await refusal(`${payment} 1, now(), 'notify', now())`, [outTradeNo, newTransactionId()]),
  ).toBe('23503')
})

test('a payment for an unknown order is refused', async () => {
  expect(
    await refusal(`${payment} 2800, now(), 'notify', now())`, [
      'T20250102999999',
      newTransactionId(),
    ]),
  ).toBe('23503')
})

test('a second payment for an order is refused', async () => {
  const outTradeNo = await orderIn('SUCCESS')
  expect(
    await refusal(`${payment} 2800, now(), 'notify', now())`, [outTradeNo, newTransactionId()]),
  ).toBe('23505')
})

test('a payment number that paid one order cannot pay another', async () => {
  const [paid, open] = [await orderIn('SUCCESS'), await orderIn('NOTPAY')]
  const [row] = await shop.sql('select transaction_id from payments where out_trade_no = $1', [
    paid,
  ])
  expect(
    await refusal(`${payment} 2800, now(), 'notify', now())`, [open, row?.['transaction_id']]),
  ).toBe('23505')
  const borrowed = `update orders set trade_state = 'SUCCESS', transaction_id = $2, paid_at = now() where out_trade_no = $1`
  expect(await refusal(borrowed, [open, row?.['transaction_id']])).toBe('23503')
})

test('the payment of a paid order cannot be deleted or changed', async () => {
  const outTradeNo = await orderIn('SUCCESS')
  expect(await refusal('delete from payments where out_trade_no = $1', [outTradeNo])).toBe('23503')
  expect(
    await refusal(`update payments set transaction_id = 'T2' where out_trade_no = $1`, [
      outTradeNo,
    ]),
  ).toBe('23503')
  expect(
    await refusal('update payments set total_fee = 1 where out_trade_no = $1', [outTradeNo]),
  ).toBe('23503')
})

test('a second order.paid event of an order is refused', async () => {
  const outTradeNo = await orderIn('SUCCESS')
  const event = `insert into events (type, out_trade_no, data, created_at) values ('order.paid', $1, '{}', now())`
  expect(await refusal(event, [outTradeNo])).toBe('23505')
})

test('an order cannot be placed as paid', async () => {
  const columns =
    'openid, total_fee, body, client_ip, notify_url, created_at, time_expire, request_hash, transaction_id, paid_at'
  const placed = `insert into orders (out_trade_no, trade_state, ${columns})
    values ($1, 'SUCCESS', 'o', 1, 'b', '192.0.2.1', 'https://x', now(), now() + interval '1 hour', 'h', 'T9', now())`
  expect(await refusal(placed, ['T20250102888888'])).toBe('23503')
})

test('a paid order cannot be deleted without its payment', async () => {
  const outTradeNo = await orderIn('SUCCESS')
  expect(await refusal('delete from orders where out_trade_no = $1', [outTradeNo])).toBe('23503')
})
