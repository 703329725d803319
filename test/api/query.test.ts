import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openShop, textOf, type Answer, type Shop } from '../support/shop.ts'

let shop: Shop
let token: string
let outTradeNo: string
beforeAll(async () => {
  shop = await openShop()
  // A notification goes out only where a test says so: until then it is lost.
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

const ask = async (query: string, as = token): Promise<Answer> => {
  const answer = await shop.call('GET', `/api/query?${query}`, { token: as })
  await shop.world.settled()
  return answer
}
const outcome = ({ status, json }: Answer) => [status, json['code']]
const asked = () => shop.asked('/pay/orderquery')
/** Of this order alone: others may be caught up with after any request. */
const askedAbout = (number: string) =>
  shop.wechat.wire.filter(
    ({ url, request }) => url.includes('/pay/orderquery') && request.includes(number),
  ).length
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

test('an unpaid order is asked about at WeChat and stays as it is', async () => {
  const before = asked()
  expect((await ask(`outTradeNo=${outTradeNo}`)).json).toMatchObject({
    outTradeNo,
    tradeState: 'NOTPAY',
    totalFee: 2800,
  })
  expect(asked() - before).toBe(1)
})

test('an order is shown as the contract has it, before and after it is paid', async () => {
  const open = ['outTradeNo', 'tradeState', 'totalFee', 'body', 'items', 'createdAt', 'timeExpire']
  expect(Object.keys(await shop.query(token, outTradeNo))).toEqual(open)
  await shop.pay(token, outTradeNo)
  expect(Object.keys(await shop.query(token, outTradeNo))).toEqual([
    ...open,
    'transactionId',
    'paidAt',
  ])
})

test('a payment whose notification was lost is settled by asking', async () => {
  shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  expect((await ask(`outTradeNo=${outTradeNo}`)).json).toMatchObject({
    tradeState: 'SUCCESS',
    transactionId: transactionIdOf(outTradeNo),
  })
  expect(await paymentOf(outTradeNo)).toEqual([{ source: 'query', total_fee: 2800 }])
  expect(await eventsOf(outTradeNo)).toEqual(['order.paid'])
})

test('ten questions at once about a fresh payment settle it once', async () => {
  await shop.pay(token, outTradeNo)
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => ask(`outTradeNo=${outTradeNo}`)),
  )
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(answers[0]?.json).toMatchObject({ tradeState: 'SUCCESS' })
  expect(await paymentOf(outTradeNo)).toHaveLength(1)
  expect(await eventsOf(outTradeNo)).toEqual(['order.paid'])
})

test('the notification that comes after the question changes nothing more', async () => {
  await shop.pay(token, outTradeNo)
  const { json } = await ask(`outTradeNo=${outTradeNo}`)
  expect(await shop.deliverNotifications()).toBeGreaterThan(0)
  expect((await ask(`outTradeNo=${outTradeNo}`)).json).toEqual(json)
  expect(await eventsOf(outTradeNo)).toEqual(['order.paid'])
})

test('a paid order is answered without asking WeChat', async () => {
  await shop.pay(token, outTradeNo)
  await ask(`outTradeNo=${outTradeNo}`)
  const before = asked()
  expect((await ask(`outTradeNo=${outTradeNo}`)).json).toMatchObject({ tradeState: 'SUCCESS' })
  expect(asked()).toBe(before)
})

test('an order that WeChat has closed too is answered without asking WeChat', async () => {
  await shop.prepay(token, outTradeNo)
  shop.advance(300_000)
  await shop.call('POST', '/api/close', { token, body: { outTradeNo } })
  const before = askedAbout(outTradeNo)
  expect((await ask(`outTradeNo=${outTradeNo}`)).json).toMatchObject({ tradeState: 'CLOSED' })
  expect(askedAbout(outTradeNo)).toBe(before)
})

test('an order closed only here is asked about, for a payment may still have slipped in', async () => {
  await shop.pay(token, outTradeNo)
  await shop.sql(
    `update orders set trade_state = 'CLOSED', closed_at = now() where out_trade_no = $1`,
    [outTradeNo],
  )
  expect((await ask(`outTradeNo=${outTradeNo}`)).json).toMatchObject({ tradeState: 'SUCCESS' })
})

test('an order that WeChat has closed by itself is closed here, and the merchant hears of it', async () => {
  await shop.prepay(token, outTradeNo)
  shop.advance(7 * 86_400_000)
  expect((await ask(`outTradeNo=${outTradeNo}`, shop.merchantKey)).json).toMatchObject({
    tradeState: 'CLOSED',
  })
  expect(await eventsOf(outTradeNo)).toEqual(['order.closed'])
})

test('a payer finds a payment by WeChat’s number, a stranger does not, the merchant does', async () => {
  await shop.pay(token, outTradeNo)
  await ask(`outTradeNo=${outTradeNo}`)
  const query = `transactionId=${transactionIdOf(outTradeNo)}`
  expect((await ask(query)).json).toMatchObject({ outTradeNo, tradeState: 'SUCCESS' })
  expect(outcome(await ask(query, await shop.logIn()))).toEqual([404, 'order_not_found'])
  expect((await ask(query, shop.merchantKey)).json).toMatchObject({ outTradeNo })
})

test('a payment the ledger has not heard of is found by WeChat’s number and settled', async () => {
  await shop.pay(token, outTradeNo)
  const answer = await ask(`transactionId=${transactionIdOf(outTradeNo)}`)
  expect(answer.json).toMatchObject({ outTradeNo, tradeState: 'SUCCESS' })
  expect(await paymentOf(outTradeNo)).toEqual([{ source: 'query', total_fee: 2800 }])
})

test('a stranger who knows WeChat’s number of a fresh payment learns nothing', async () => {
  await shop.pay(token, outTradeNo)
  expect(
    outcome(await ask(`transactionId=${transactionIdOf(outTradeNo)}`, await shop.logIn())),
  ).toEqual([404, 'order_not_found'])
})

test.each(['4200000000000000000000000000', 'no_such_payment'])(
  'the payment number %s, which WeChat does not know, is no order',
  async (transactionId) => {
    expect(outcome(await ask(`transactionId=${transactionId}`))).toEqual([404, 'order_not_found'])
  },
)

test.each([
  ['nothing', ''],
  ['both numbers', 'outTradeNo=abcdef&transactionId=4200'],
  ['a number with a blank', 'outTradeNo=abc%20def'],
  ['an empty payment number', 'transactionId='],
])('a question for %s is refused', async (_name, query) => {
  expect(outcome(await ask(query))).toEqual([400, 'invalid_request'])
})

test('a payment of another amount is an incident for a person and changes no order', async () => {
  await shop.pay(token, outTradeNo)
  shop.wechat.misbehave({ on: 'orderquery', do: 'wrong-amount' })
  expect(outcome(await ask(`outTradeNo=${outTradeNo}`))).toEqual([409, 'notice_contradicts'])
  expect([await stateOf(outTradeNo), await paymentOf(outTradeNo)]).toEqual(['NOTPAY', []])
  const incidents = await shop.sql(
    'select kind, expected, received, source from incidents where out_trade_no = $1',
    [outTradeNo],
  )
  expect(incidents).toMatchObject([
    { kind: 'amount', expected: { totalFee: 2800 }, received: { totalFee: 2801 }, source: 'query' },
  ])
})

test('the merchant hears once of a payment of another amount, however often it is asked about', async () => {
  await shop.pay(token, outTradeNo)
  shop.wechat.misbehave({ on: 'orderquery', do: 'wrong-amount' })
  await Promise.all([ask(`outTradeNo=${outTradeNo}`), ask(`outTradeNo=${outTradeNo}`)])
  await ask(`outTradeNo=${outTradeNo}`)
  const told = shop.world.events
    .map((event) => event.body)
    .filter((body) => body.includes(outTradeNo))
  expect(told.map((body) => /"type":"([^"]+)"/.exec(body)?.[1])).toEqual(['payment.incident'])
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
  'when WeChat’s answer is spoilt (%s) the caller hears %i and a paid order is not settled on it',
  async (fault, status, code) => {
    await shop.pay(token, outTradeNo)
    shop.wechat.misbehave({ on: 'orderquery', times: 1, do: fault })
    expect(outcome(await ask(`outTradeNo=${outTradeNo}`))).toEqual([status, code])
    expect(await stateOf(outTradeNo)).toBe('NOTPAY')
    expect((await ask(`outTradeNo=${outTradeNo}`)).json).toMatchObject({ tradeState: 'SUCCESS' })
  },
)

test('a paid order is known even while WeChat and Redis are down', async () => {
  await shop.pay(token, outTradeNo)
  await ask(`outTradeNo=${outTradeNo}`)
  shop.wechat.misbehave({ on: 'orderquery', do: 'drop' })
  shop.world.faults.redis.down()
  expect(textOf((await ask(`outTradeNo=${outTradeNo}`)).json, 'tradeState')).toBe('SUCCESS')
})

test('without the database the answer is a clear 503', async () => {
  shop.world.faults.database.down()
  expect(outcome(await ask(`outTradeNo=${outTradeNo}`))).toEqual([503, 'unavailable'])
})
