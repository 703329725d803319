import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openShop, textOf, type Answer, type Shop } from '../support/shop.ts'

let shop: Shop
let token: string
let outTradeNo: string
beforeAll(async () => {
  shop = await openShop()
  // The simulator sends no notification by itself; a test that needs one delivers it.
  await shop.wechat.stop()
})
beforeEach(async () => {
  token = await shop.logIn()
  outTradeNo = await shop.placeOrder(token)
})
afterEach(async () => {
  shop.wechat.clearFaults()
  shop.world.faults.redis.up()
  shop.world.faults.database.up()
  await shop.world.settled()
})
afterAll(() => shop.close())

const runQuery = async (query: string, as = token): Promise<Answer> => {
  const answer = await shop.call('GET', `/api/query?${query}`, { token: as })
  await shop.world.settled()
  return answer
}
const outcome = ({ status, json }: Answer) => [status, json['code']]
const queries = () => shop.calls('query').length
/** Queries of this order alone, because any request may start a catch-up of other orders. */
const queriesOf = (number: string) => shop.calls('query', number).length
const paymentOf = (number: string) =>
  shop.sql('select source, total_fee from payments where out_trade_no = $1', [number])
const stateOf = async (number: string) =>
  (await shop.sql('select trade_state from orders where out_trade_no = $1', [number]))[0]?.[
    'trade_state'
  ]
const eventsOf = async (number: string) =>
  (await shop.sql('select type from events where out_trade_no = $1 order by seq', [number])).map(
    (event) => event['type'],
  )
const transactionIdOf = (number: string) =>
  shop.wechat.orders().find((order) => order.outTradeNo === number)?.payment?.transactionId ?? ''

test('the query of an unpaid order asks WeChat and changes nothing', async () => {
  const before = queries()
  expect((await runQuery(`outTradeNo=${outTradeNo}`)).json).toMatchObject({
    outTradeNo,
    tradeState: 'NOTPAY',
    totalFee: 2800,
  })
  expect(queries() - before).toBe(1)
})

test('an order has the fields of the contract, before and after it is paid', async () => {
  const open = ['outTradeNo', 'tradeState', 'totalFee', 'body', 'items', 'createdAt', 'timeExpire']
  expect(Object.keys(await shop.query(token, outTradeNo))).toEqual(open)
  await shop.pay(token, outTradeNo)
  expect(Object.keys(await shop.query(token, outTradeNo))).toEqual([
    ...open,
    'transactionId',
    'paidAt',
  ])
})

test('a query settles a payment whose notification was lost', async () => {
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  expect((await runQuery(`outTradeNo=${outTradeNo}`)).json).toMatchObject({
    tradeState: 'SUCCESS',
    transactionId: transactionIdOf(outTradeNo),
  })
  expect(await paymentOf(outTradeNo)).toEqual([{ source: 'query', total_fee: 2800 }])
  expect(await eventsOf(outTradeNo)).toEqual(['order.paid'])
})

test('ten concurrent queries settle a payment once', async () => {
  await shop.pay(token, outTradeNo)
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => runQuery(`outTradeNo=${outTradeNo}`)),
  )
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(answers[0]?.json).toMatchObject({ tradeState: 'SUCCESS' })
  expect(await paymentOf(outTradeNo)).toHaveLength(1)
  expect(await eventsOf(outTradeNo)).toEqual(['order.paid'])
})

test('a notification after the query changes nothing', async () => {
  await shop.pay(token, outTradeNo)
  const { json } = await runQuery(`outTradeNo=${outTradeNo}`)
  expect(await shop.deliverNotifications()).toBeGreaterThan(0)
  expect((await runQuery(`outTradeNo=${outTradeNo}`)).json).toEqual(json)
  expect(await eventsOf(outTradeNo)).toEqual(['order.paid'])
})

test('the query of a settled order does not call WeChat', async () => {
  await shop.pay(token, outTradeNo)
  await runQuery(`outTradeNo=${outTradeNo}`)
  const before = queries()
  expect((await runQuery(`outTradeNo=${outTradeNo}`)).json).toMatchObject({ tradeState: 'SUCCESS' })
  expect(queries()).toBe(before)
})

test('the query of an order that is also closed at WeChat does not call WeChat', async () => {
  await shop.prepay(token, outTradeNo)
  shop.advance(300_000)
  await shop.call('POST', '/api/close', { token, body: { outTradeNo } })
  const before = queriesOf(outTradeNo)
  expect((await runQuery(`outTradeNo=${outTradeNo}`)).json).toMatchObject({ tradeState: 'CLOSED' })
  expect(queriesOf(outTradeNo)).toBe(before)
})

test('the query of an order that is closed only here calls WeChat, because it may have been paid', async () => {
  await shop.pay(token, outTradeNo)
  await shop.sql(
    `update orders set trade_state = 'CLOSED', closed_at = now() where out_trade_no = $1`,
    [outTradeNo],
  )
  expect((await runQuery(`outTradeNo=${outTradeNo}`)).json).toMatchObject({ tradeState: 'SUCCESS' })
})

test('an order that WeChat closed by itself is closed here, and the merchant receives its event', async () => {
  await shop.prepay(token, outTradeNo)
  shop.advance(7 * 86_400_000)
  expect((await runQuery(`outTradeNo=${outTradeNo}`, shop.merchantKey)).json).toMatchObject({
    tradeState: 'CLOSED',
  })
  expect(await eventsOf(outTradeNo)).toEqual(['order.closed'])
})

test('a payment is found by WeChat’s number by its payer and by the merchant, but not by another user', async () => {
  await shop.pay(token, outTradeNo)
  await runQuery(`outTradeNo=${outTradeNo}`)
  const query = `transactionId=${transactionIdOf(outTradeNo)}`
  expect((await runQuery(query)).json).toMatchObject({ outTradeNo, tradeState: 'SUCCESS' })
  expect(outcome(await runQuery(query, await shop.logIn()))).toEqual([404, 'order_not_found'])
  expect((await runQuery(query, shop.merchantKey)).json).toMatchObject({ outTradeNo })
})

test('a query by WeChat’s number settles a payment that is not yet in the ledger', async () => {
  await shop.pay(token, outTradeNo)
  const answer = await runQuery(`transactionId=${transactionIdOf(outTradeNo)}`)
  expect(answer.json).toMatchObject({ outTradeNo, tradeState: 'SUCCESS' })
  expect(await paymentOf(outTradeNo)).toEqual([{ source: 'query', total_fee: 2800 }])
})

test('another user who knows WeChat’s number of a new payment gets 404', async () => {
  await shop.pay(token, outTradeNo)
  expect(
    outcome(await runQuery(`transactionId=${transactionIdOf(outTradeNo)}`, await shop.logIn())),
  ).toEqual([404, 'order_not_found'])
})

test.each(['4200000000000000000000000000', 'no_such_payment'])(
  'the payment number %s, which WeChat does not know, gives 404',
  async (transactionId) => {
    expect(outcome(await runQuery(`transactionId=${transactionId}`))).toEqual([
      404,
      'order_not_found',
    ])
  },
)

test.each([
  ['no number', ''],
  ['both numbers', 'outTradeNo=abcdef&transactionId=4200'],
  ['a number with a blank', 'outTradeNo=abc%20def'],
  ['an empty payment number', 'transactionId='],
])('a query with %s is refused', async (_name, query) => {
  expect(outcome(await runQuery(query))).toEqual([400, 'invalid_request'])
})

test('a payment of another amount is recorded as an incident and changes no order', async () => {
  await shop.pay(token, outTradeNo)
  shop.wechat.misbehave({ on: 'orderquery', do: 'wrong-amount' })
  expect(outcome(await runQuery(`outTradeNo=${outTradeNo}`))).toEqual([409, 'notice_contradicts'])
  expect([await stateOf(outTradeNo), await paymentOf(outTradeNo)]).toEqual(['NOTPAY', []])
  const incidents = await shop.sql(
    'select kind, expected, received, source from incidents where out_trade_no = $1',
    [outTradeNo],
  )
  expect(incidents).toMatchObject([
    { kind: 'amount', expected: { totalFee: 2800 }, received: { totalFee: 2801 }, source: 'query' },
  ])
})

test('repeated queries of a payment of another amount send one event', async () => {
  await shop.pay(token, outTradeNo)
  shop.wechat.misbehave({ on: 'orderquery', do: 'wrong-amount' })
  await Promise.all([runQuery(`outTradeNo=${outTradeNo}`), runQuery(`outTradeNo=${outTradeNo}`)])
  await runQuery(`outTradeNo=${outTradeNo}`)
  const events = shop.world.events
    .map((event) => event.body)
    .filter((body) => body.includes(outTradeNo))
  expect(events.map((body) => /"type":"([^"]+)"/.exec(body)?.[1])).toEqual(['payment.incident'])
})

test.each([
  ['drop', 503, 'wechat_unknown'],
  ['http-500', 503, 'wechat_unknown'],
  ['wrong-key', 502, 'wechat_untrusted'],
  ['unsigned', 502, 'wechat_untrusted'],
  ['wrong-appid', 502, 'wechat_untrusted'],
  ['wrong-mch-id', 502, 'wechat_untrusted'],
  ['tamper', 502, 'wechat_untrusted'],
  ['html', 502, 'wechat_untrusted'],
  ['garble', 502, 'wechat_untrusted'],
] as const)(
  'an unusable answer of WeChat (%s) gives status %i and does not settle the order',
  async (fault, status, code) => {
    await shop.pay(token, outTradeNo)
    shop.wechat.misbehave({ on: 'orderquery', do: fault })
    expect(outcome(await runQuery(`outTradeNo=${outTradeNo}`))).toEqual([status, code])
    expect(await stateOf(outTradeNo)).toBe('NOTPAY')
    shop.wechat.clearFaults()
    expect((await runQuery(`outTradeNo=${outTradeNo}`)).json).toMatchObject({
      tradeState: 'SUCCESS',
    })
  },
)

test('a settled order is shown even while WeChat and Redis are down', async () => {
  await shop.pay(token, outTradeNo)
  await runQuery(`outTradeNo=${outTradeNo}`)
  shop.wechat.misbehave({ on: 'orderquery', do: 'drop' })
  shop.world.faults.redis.down()
  expect(textOf((await runQuery(`outTradeNo=${outTradeNo}`)).json, 'tradeState')).toBe('SUCCESS')
})

test('without the database a query answers 503', async () => {
  shop.world.faults.database.down()
  expect(outcome(await runQuery(`outTradeNo=${outTradeNo}`))).toEqual([503, 'unavailable'])
})
