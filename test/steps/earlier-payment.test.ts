/**
 * An order number that was already paid at WeChat, because an earlier system used it or because a
 * restore of the database lost its order.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ledgerOf } from '../stores/ledger-rows.ts'
import { paymentFacts, transactionOf } from '../support/messages/messages.ts'
import { paymentFields, writePayment } from '../support/messages/v2.ts'
import { openShop, toPayment, type Shop } from '../support/shop.ts'

const FIRST = 'oFirstPayer0000000000000001'
const OTHER = 'oOtherPayer0000000000000001'
const HOUR_MS = 3_600_000

let shop: Shop
let count = 0
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
  for (const openid of [FIRST, OTHER]) await shop.logIn(openid)
})
afterAll(() => shop.close())

const merchant = (method: string, path: string, body?: unknown) =>
  shop.call(method, path, { token: shop.merchantKey, ...(body === undefined ? {} : { body }) })
const place = (outTradeNo: string, openid: string) =>
  merchant('POST', '/api/orders', { outTradeNo, openid, totalFee: 2800, body: '拿铁' })

/** An order that the first payer paid at WeChat an hour ago and the ledger does not know. */
async function paidBefore(): Promise<{ outTradeNo: string; transactionId: string }> {
  count += 1
  const outTradeNo = `SO${1_000_000 + count}`
  await place(outTradeNo, FIRST)
  const { json } = await merchant('POST', '/api/prepay', { outTradeNo })
  expect(shop.wechat.pay(toPayment(json)).errMsg).toBe('requestPayment:ok')
  await shop.sql('delete from orders where out_trade_no = $1', [outTradeNo])
  shop.advance(HOUR_MS)
  return { outTradeNo, transactionId: transactionOf(shop, outTradeNo) }
}

const contradicts = (kind: string) => ({
  order: { trade_state: 'NOTPAY', transaction_id: null },
  payments: [],
  incidents: [kind],
})
const ask: Record<
  string,
  (outTradeNo: string, transactionId: string) => ReturnType<typeof merchant>
> = {
  query: (outTradeNo) => merchant('GET', `/api/query?outTradeNo=${outTradeNo}`),
  'query by the payment': (_, transactionId) =>
    merchant('GET', `/api/query?transactionId=${transactionId}`),
  prepay: (outTradeNo) => merchant('POST', '/api/prepay', { outTradeNo }),
  close: (outTradeNo) => merchant('POST', '/api/close', { outTradeNo }),
}

describe.each([
  ['another payer', OTHER, 'payer'],
  ['the same payer', FIRST, 'time'],
])('a number that was paid before, placed for %s', (_, openid, kind) => {
  test.each(Object.entries(ask))(
    '%s answers 409 notice_contradicts, and the order stays unpaid',
    async (_name, asking) => {
      const { outTradeNo, transactionId } = await paidBefore()
      await place(outTradeNo, openid)
      const answer = await asking(outTradeNo, transactionId)
      expect([answer.status, answer.json['code']]).toEqual([409, 'notice_contradicts'])
      expect(answer.text).not.toContain('paySign')
      expect(await ledgerOf(shop, outTradeNo)).toMatchObject(contradicts(kind))
    },
  )

  test('cron and WeChat’s own notification do not change it', async () => {
    const { outTradeNo } = await paidBefore()
    await place(outTradeNo, openid)
    await shop.cron()
    await shop.deliverNotifications()
    await shop.cron()
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(contradicts(kind))
  })
})

describe('an order that a restore lost and that is placed again', () => {
  test('is paid by the payment if a notification has reported it in the meantime', async () => {
    const { outTradeNo, transactionId } = await paidBefore()
    await shop.deliverNotifications()
    await place(outTradeNo, FIRST)
    const answer = await merchant('GET', `/api/query?outTradeNo=${outTradeNo}`)
    expect([answer.status, answer.json['transactionId']]).toEqual([200, transactionId])
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
      order: { trade_state: 'SUCCESS' },
      incidents: ['order'],
    })
    shop.advance(24 * HOUR_MS)
    await shop.deliverNotifications()
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
      order: { trade_state: 'SUCCESS' },
      incidents: ['order'],
    })
  })

  test('is paid by the payment if the merchant has queried it by its number first', async () => {
    const { outTradeNo, transactionId } = await paidBefore()
    const unknown = await merchant('GET', `/api/query?transactionId=${transactionId}`)
    expect([unknown.status, unknown.json['code']]).toEqual([404, 'order_not_found'])
    await place(outTradeNo, FIRST)
    expect(
      (await merchant('GET', `/api/query?transactionId=${transactionId}`)).json['tradeState'],
    ).toBe('SUCCESS')
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
      order: { trade_state: 'SUCCESS' },
      incidents: ['order'],
    })
  })

  test('is not paid if it is placed for another payer, or if the payment was not reported before', async () => {
    const { outTradeNo, transactionId } = await paidBefore()
    await merchant('GET', `/api/query?transactionId=${transactionId}`)
    await place(outTradeNo, OTHER)
    expect((await merchant('GET', `/api/query?outTradeNo=${outTradeNo}`)).status).toBe(409)
    const late = await paidBefore()
    await place(late.outTradeNo, FIRST)
    shop.advance(2_000)
    await shop.sql(
      `insert into incidents (fingerprint, kind, out_trade_no, expected, received, source, occurred_at) values ($1, 'order', $2, '{}', '{}', 'notify', $3)`,
      [
        JSON.stringify([
          'order',
          late.outTradeNo,
          { totalFee: 2800, feeType: 'CNY', transactionId: late.transactionId },
        ]),
        late.outTradeNo,
        new Date(),
      ],
    )
    expect((await merchant('GET', `/api/query?outTradeNo=${late.outTradeNo}`)).status).toBe(409)
  })

  /** Serves the bill of the payment's day, and lets cron compare it. */
  const compareBill = async () => {
    shop.advance(48 * HOUR_MS)
    await shop.cron()
  }
  const incidentOf = (outTradeNo: string) =>
    shop.sql('select kind, source from incidents where out_trade_no = $1 order by id', [outTradeNo])

  test('is not paid if only the bill has reported the payment, because an earlier system may have placed that order', async () => {
    const { outTradeNo } = await paidBefore()
    await compareBill()
    expect(await incidentOf(outTradeNo)).toEqual([{ kind: 'order', source: 'cron' }])
    await place(outTradeNo, FIRST)
    const answer = await merchant('GET', `/api/query?outTradeNo=${outTradeNo}`)
    expect([answer.status, answer.json['code']]).toEqual([409, 'notice_contradicts'])
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
      order: { trade_state: 'NOTPAY' },
      payments: [],
      incidents: ['order', 'time'],
    })
  })

  test('is paid if the merchant queries the payment after the bill has reported it, with one event', async () => {
    const { outTradeNo, transactionId } = await paidBefore()
    await compareBill()
    expect((await merchant('GET', `/api/query?transactionId=${transactionId}`)).status).toBe(404)
    await shop.cron()
    expect(await incidentOf(outTradeNo)).toEqual([{ kind: 'order', source: 'query' }])
    await place(outTradeNo, FIRST)
    expect((await merchant('GET', `/api/query?outTradeNo=${outTradeNo}`)).json['tradeState']).toBe(
      'SUCCESS',
    )
    const { incidents, events } = await ledgerOf(shop, outTradeNo)
    expect([incidents, events]).toEqual([['order'], ['payment.incident', 'order.paid']])
  })

  test.each([
    ['of v2 with an undocumented field', { product_id: '1' }],
    ['of v2 that hides a field in attach', { attach: 'x&product_id=1' }],
  ])('is not paid if only a notification %s has reported the payment', async (_, fields) => {
    const { outTradeNo, transactionId } = await paidBefore()
    const facts = paymentFacts(shop, outTradeNo, { transactionId })
    const changed = new Map([...paymentFields(facts), ...Object.entries(fields)])
    const message = writePayment(changed, shop.world.env.WECHAT_PAY_KEY)
    expect((await shop.notify(message)).text).toContain('FAIL')
    expect(await incidentOf(outTradeNo)).toEqual([{ kind: 'unconfirmed', source: 'notify' }])
    await place(outTradeNo, FIRST)
    expect((await merchant('GET', `/api/query?outTradeNo=${outTradeNo}`)).status).toBe(409)
  })

  test('a payer’s query leaves no incident', async () => {
    const { outTradeNo, transactionId } = await paidBefore()
    const token = await shop.logIn(FIRST)
    expect(
      (await shop.call('GET', `/api/query?transactionId=${transactionId}`, { token })).status,
    ).toBe(404)
    expect(
      await shop.sql('select from incidents where out_trade_no = $1', [outTradeNo]),
    ).toHaveLength(0)
  })
})
