/**
 * Orders that the merchant places through /api/orders, and the lists that merchant and payers read.
 */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { openShop, textOf, type Answer, type Json, type Shop } from '../support/shop.ts'

let shop: Shop
let number: string
let numbers = 0
beforeAll(async () => {
  shop = await openShop()
})
beforeEach(() => {
  numbers += 1
  number = `shop_order_${String(numbers).padStart(4, '0')}`
})
afterAll(() => shop.close())

const PAYER = 'oPayer0000000000000000000001'
const dinner = () => ({ openid: PAYER, totalFee: 8800, body: '晚餐', outTradeNo: number })
const order = (body: unknown, key?: string): Promise<Answer> =>
  shop.call('POST', '/api/orders', {
    token: shop.merchantKey,
    body,
    headers: key === undefined ? {} : { 'idempotency-key': key },
  })
const rowsOf = (outTradeNo: string) =>
  shop.sql('select total_fee, body from orders where out_trade_no = $1', [outTradeNo])
const list = (query: string, token = shop.merchantKey) =>
  shop.call('GET', `/api/orders?${query}`, { token })
const numbersIn = (json: Json): string[] =>
  Array.isArray(json['orders'])
    ? json['orders'].map((entry: Json) => textOf(entry, 'outTradeNo'))
    : []
function expectInvalid(answer: Answer, field: string): void {
  expect([answer.status, answer.json['code']]).toEqual([400, 'invalid_request'])
  expect(answer.json['detail']).toMatch(new RegExp(`^${field}: `))
}

test('the merchant sets the price and the number of an order', async () => {
  const { status, json } = await order({ ...dinner(), attach: 'table 4' })
  expect(status).toBe(201)
  expect(json).toMatchObject({
    outTradeNo: number,
    tradeState: 'NOTPAY',
    totalFee: 8800,
    body: '晚餐',
    attach: 'table 4',
  })
})

test('the payer named by the merchant finds the order and may pay it', async () => {
  await order(dinner())
  const token = await shop.logIn(PAYER)
  await shop.pay(token, number)
  expect(await shop.query(token, number)).toMatchObject({ tradeState: 'SUCCESS', totalFee: 8800 })
})

test('the same number with the same content is the same order, answered with 200', async () => {
  const first = await order(dinner())
  shop.advance(86_400_000)
  const again = await order(dinner())
  expect([again.status, again.json]).toEqual([200, first.json])
})

test.each([
  ['totalFee', 8801],
  ['body', '午餐'],
  ['openid', 'oOther'],
  ['attach', 'x'],
  ['timeExpire', '2999-01-01T00:00:00Z'],
])('the same number with another %s is a conflict and changes nothing', async (field, value) => {
  await order(dinner())
  const answer = await order({ ...dinner(), [field]: value })
  expect([answer.status, answer.json['code']]).toEqual([409, 'order_conflict'])
  expect(await rowsOf(number)).toEqual([{ total_fee: 8800, body: '晚餐' }])
})

test('the number of a payer’s own order is not available to the merchant', async () => {
  const outTradeNo = await shop.placeOrder(await shop.logIn(PAYER))
  expect((await order({ ...dinner(), totalFee: 2800, body: '拿铁', outTradeNo })).status).toBe(409)
})

test('ten concurrent requests with one number place one order', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => order(dinner())))
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(9)
  expect(await rowsOf(number)).toHaveLength(1)
})

test('two concurrent requests with one number and different contents are one order and one conflict', async () => {
  const answers = await Promise.all([order(dinner()), order({ ...dinner(), totalFee: 1 })])
  expect(answers.map(({ status }) => status)).toEqual(expect.arrayContaining([201, 409]))
  expect(await rowsOf(number)).toHaveLength(1)
})

test('the same Idempotency-Key without a number is the same order, with other content a conflict', async () => {
  const { outTradeNo: _, ...unnumbered } = dinner()
  const [first, again] = [await order(unnumbered, 'key-1'), await order(unnumbered, 'key-1')]
  expect(again.json).toEqual(first.json)
  expect((await order({ ...unnumbered, totalFee: 1 }, 'key-1')).status).toBe(409)
})

/** Places an order that expires this many milliseconds from now, at a whole second. */
const orderFor = async (life: number) => {
  const end = Math.floor(Date.now() / 1000) * 1000 + life
  return { end, answer: await order({ ...dinner(), timeExpire: new Date(end).toISOString() }) }
}

test.each([
  ['five minutes', 300_000],
  ['seven days', 604_800_000],
])('an order may expire after %s', async (_name, life) => {
  const { end, answer } = await orderFor(life)
  expect([answer.status, Date.parse(textOf(answer.json, 'timeExpire'))]).toEqual([201, end])
})

test.each([
  ['four minutes', 240_000],
  ['a second less than five minutes', 299_000],
  ['eight days', 691_200_000],
  ['a second more than seven days', 604_801_000],
  ['minus one minute', -60_000],
])('an order may not expire after %s', async (_name, life) => {
  expectInvalid((await orderFor(life)).answer, 'timeExpire')
})

test.each([
  '2099-01-01T00:00:00',
  '2099-13-01T00:00:00Z',
  '20990101000000',
  'tomorrow',
  4_070_908_800,
])('%j is not a valid timeExpire', async (timeExpire) => {
  expectInvalid(await order({ ...dinner(), timeExpire }), 'timeExpire')
})

test.each([
  '',
  'abcde',
  'a'.repeat(33),
  'order 12345',
  'order@12345',
  '订单一二三四',
  123_456,
  null,
])('%j is not a valid order number', async (outTradeNo) => {
  expectInvalid(await order({ ...dinner(), outTradeNo }), 'outTradeNo')
})

test.each(['abcdef', 'a'.repeat(32), 'A-b_c|d*1'])(
  '%s is a valid order number',
  async (outTradeNo) => {
    expect((await order({ ...dinner(), outTradeNo })).status).toBe(201)
  },
)

test.each(['😀🎉', '\u0007', '', ' '])(
  'a body of %j would be empty at WeChat and is refused',
  async (body) => {
    expectInvalid(await order({ ...dinner(), body }), 'body')
  },
)

test.each([0, -1, 0.5, 2_147_483_648, '8800', null])(
  '%j is not a valid amount',
  async (totalFee) => {
    expectInvalid(await order({ ...dinner(), totalFee }), 'totalFee')
  },
)

test.each(['', 'o b', 'o'.repeat(129), 5])('%j is not a valid openid', async (openid) => {
  expectInvalid(await order({ ...dinner(), openid }), 'openid')
})

test('a payer lists their own orders, the merchant all orders, newest first', async () => {
  const [ann, bob] = [await shop.logIn(), await shop.logIn()]
  const [first, second, third] = [
    await shop.placeOrder(ann),
    await shop.placeOrder(bob),
    await shop.placeOrder(ann),
  ]
  expect(numbersIn((await list('', ann)).json)).toEqual([third, first])
  expect(numbersIn((await list('limit=3')).json)).toEqual([third, second, first])
})

test('a list can be filtered by one state', async () => {
  const ann = await shop.logIn()
  const [paid, open] = [await shop.placeOrder(ann), await shop.placeOrder(ann)]
  await shop.pay(ann, paid)
  await shop.query(ann, paid)
  expect(numbersIn((await list('tradeState=SUCCESS', ann)).json)).toEqual([paid])
  expect(numbersIn((await list('tradeState=NOTPAY', ann)).json)).toEqual([open])
  expect((await list('tradeState=CLOSED', ann)).json).toEqual({ orders: [] })
})

test('a list can be filtered by several states, so a paid order stays in it after a partial refund', async () => {
  const ann = await shop.logIn()
  const [paid, open, refunded] = [
    await shop.placeOrder(ann),
    await shop.placeOrder(ann),
    await shop.placeOrder(ann),
  ]
  for (const outTradeNo of [paid, refunded]) {
    await shop.pay(ann, outTradeNo)
    await shop.query(ann, outTradeNo)
  }
  const body = { outTradeNo: refunded, outRefundNo: `R-${refunded}`, refundFee: 1 }
  await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })
  expect(numbersIn((await list('tradeState=SUCCESS', ann)).json)).toEqual([paid])
  expect(numbersIn((await list('tradeState=SUCCESS,REFUND', ann)).json)).toEqual([refunded, paid])
  expect(numbersIn((await list('tradeState=REFUND,NOTPAY,SUCCESS', ann)).json)).toEqual([
    refunded,
    open,
    paid,
  ])
  expect(numbersIn((await list('tradeState=SUCCESS,REFUND&limit=2')).json)).toEqual([
    refunded,
    paid,
  ])
  const { json } = await list('tradeState=SUCCESS,REFUND&limit=1', ann)
  expect(numbersIn(json)).toEqual([refunded])
  const next = await list(
    `tradeState=SUCCESS,REFUND&limit=1&cursor=${textOf(json, 'nextCursor')}`,
    ann,
  )
  expect([numbersIn(next.json), next.json['nextCursor']]).toEqual([[paid], undefined])
})

test('pages show every order exactly once, even if new orders arrive meanwhile', async () => {
  const ann = await shop.logIn()
  const placed: string[] = []
  for (let count = 0; count < 7; count += 1) placed.push(await shop.placeOrder(ann))
  const seen: string[] = []
  let cursor: unknown = ''
  for (let page = 0; page < 4; page += 1) {
    const { json } = await list(`limit=2${page === 0 ? '' : `&cursor=${String(cursor)}`}`, ann)
    seen.push(...numbersIn(json))
    cursor = json['nextCursor']
    await shop.placeOrder(ann)
  }
  expect(seen).toEqual(placed.toReversed())
  expect(cursor).toBeUndefined()
})

test('the cursor names the last order shown, and does not reveal how many orders the shop has', async () => {
  const ann = await shop.logIn()
  for (let count = 0; count < 3; count += 1) await shop.placeOrder(ann)
  const { json } = await list('limit=2', ann)
  expect(Buffer.from(textOf(json, 'nextCursor'), 'base64url').toString()).toBe(
    numbersIn(json).at(-1),
  )
})

test('a cursor that names another user’s order gives an empty list', async () => {
  const [ann, bob] = [await shop.logIn(), await shop.logIn()]
  const theirs = await shop.placeOrder(ann)
  await shop.placeOrder(bob)
  expect((await list(`cursor=${Buffer.from(theirs).toString('base64url')}`, bob)).json).toEqual({
    orders: [],
  })
})

/** The list with these filters, each encoded. */
const filtered = (filter: Record<string, string>, token?: string) =>
  list(new URLSearchParams(filter).toString(), token)
const at = (offset: number) => new Date(Date.now() + offset).toISOString()

test('the merchant lists the orders of one payer, and of one payer in one state', async () => {
  const [ann, bob] = ['oAnn000000000000000000000001', 'oBob000000000000000000000001']
  const [ofAnn, ofBob] = [await shop.logIn(ann), await shop.logIn(bob)]
  const paid = await shop.placeOrder(ofAnn)
  await shop.placeOrder(ofBob)
  const open = await shop.placeOrder(ofAnn)
  await shop.pay(ofAnn, paid)
  await shop.query(ofAnn, paid)
  expect(numbersIn((await filtered({ openid: ann })).json)).toEqual([open, paid])
  expect(numbersIn((await filtered({ openid: ann, tradeState: 'SUCCESS' })).json)).toEqual([paid])
  expect((await filtered({ openid: 'oNone' })).json).toEqual({ orders: [] })
})

test('the merchant’s list of a payer has the orders of every app', async () => {
  const payer = 'oTwoApps000000000000000000001'
  await shop.placeOrder(await shop.logIn(payer))
  await shop.sql(
    `insert into orders (out_trade_no, openid, appid, total_fee, body, client_ip, notify_url, created_at, time_expire, request_hash)
     select 'of-another-app', openid, 'wxanotherapp', total_fee, body, client_ip, notify_url, created_at, time_expire, request_hash
     from orders where openid = $1`,
    [payer],
  )
  expect(numbersIn((await filtered({ openid: payer })).json)).toHaveLength(2)
})

test('a period includes its first moment and excludes its last', async () => {
  const token = await shop.logIn()
  shop.advance(3_600_000)
  vi.setSystemTime(Math.ceil(Date.now() / 1_000) * 1_000)
  const placed: string[] = []
  for (let count = 0; count < 3; count += 1) {
    if (count > 0) shop.advance(60_000)
    placed.push(await shop.placeOrder(token))
  }
  const [first = '', second = '', third = ''] = placed
  const numbersOf = async (filter: Record<string, string>) =>
    numbersIn((await filtered(filter)).json)
  expect(await numbersOf({ createdFrom: at(-120_000), createdTo: at(0) })).toEqual([second, first])
  expect(await numbersOf({ createdFrom: at(-119_999) })).toEqual([third, second])
  expect(await numbersOf({ createdTo: at(-60_000), limit: '1' })).toEqual([first])
  expect(await numbersOf({ createdFrom: at(-60_000), tradeState: 'NOTPAY,CLOSED' })).toEqual([
    third,
    second,
  ])
  expect(await numbersOf({ createdFrom: at(0), tradeState: 'SUCCESS' })).toEqual([])
})

test('with a period, orders are listed by their time, even if they were stored in another sequence', async () => {
  const payer = 'oClock0000000000000000000001'
  const token = await shop.logIn(payer)
  shop.advance(3_600_000)
  const from = at(-120_000)
  const late = await shop.placeOrder(token)
  vi.setSystemTime(Date.now() - 60_000)
  const early = await shop.placeOrder(token)
  shop.advance(60_000)
  const sameSecond = await shop.placeOrder(token)
  const everything = { createdFrom: from, openid: payer }
  expect(numbersIn((await filtered(everything)).json)).toEqual([sameSecond, late, early])
  const seen: string[] = []
  let next: Record<string, string> = {}
  do {
    const { json } = await filtered({ ...everything, limit: '1', ...next })
    seen.push(...numbersIn(json))
    next = json['nextCursor'] === undefined ? {} : { cursor: textOf(json, 'nextCursor') }
  } while (next['cursor'] !== undefined)
  expect(seen).toEqual([sameSecond, late, early])
})

test('a cursor continues only the list that it came from', async () => {
  const payer = 'oCursor000000000000000000001'
  const token = await shop.logIn(payer)
  for (let count = 0; count < 2; count += 1) await shop.placeOrder(token)
  const lists: readonly Record<string, string>[] = [
    {},
    { tradeState: 'NOTPAY' },
    { tradeState: 'NOTPAY,SUCCESS' },
    { openid: payer },
    { openid: payer, tradeState: 'NOTPAY' },
    { openid: payer, createdFrom: at(-60_000) },
    { openid: payer, createdTo: at(60_000) },
    { createdFrom: at(-60_000) },
    { createdFrom: at(-60_001) },
  ]
  const cursors = await Promise.all(
    lists.map(async (filter) =>
      textOf((await filtered({ ...filter, limit: '1' })).json, 'nextCursor'),
    ),
  )
  for (const [ofList, cursor] of cursors.entries())
    for (const [inList, filter] of lists.entries()) {
      const answer = await filtered({ ...filter, cursor })
      if (ofList === inList) expect(answer.status).toBe(200)
      else expectInvalid(answer, 'cursor')
    }
  expectInvalid(await filtered({ cursor: cursors[1] ?? '' }, token), 'cursor')
})

test('a payer’s cursor continues only the list of the same states', async () => {
  const token = await shop.logIn()
  for (let count = 0; count < 2; count += 1) await shop.placeOrder(token)
  const { json } = await filtered({ tradeState: 'NOTPAY', limit: '1' }, token)
  const cursor = textOf(json, 'nextCursor')
  expect((await filtered({ tradeState: 'NOTPAY', cursor }, token)).status).toBe(200)
  expectInvalid(await filtered({ tradeState: 'NOTPAY,CLOSED', cursor }, token), 'cursor')
  expectInvalid(await filtered({ cursor }, token), 'cursor')
})

test.each(['openid', 'createdFrom', 'createdTo'])(
  'a payer may not filter by %s',
  async (filter) => {
    const value = filter === 'openid' ? PAYER : at(0)
    expectInvalid(await filtered({ [filter]: value }, await shop.logIn(PAYER)), filter)
  },
)

test('a list shows twenty orders by default', async () => {
  const ann = await shop.logIn()
  await Promise.all(Array.from({ length: 21 }, () => shop.placeOrder(ann)))
  const { json } = await list('', ann)
  expect(numbersIn(json)).toHaveLength(20)
  expect(numbersIn((await list(`cursor=${textOf(json, 'nextCursor')}`, ann)).json)).toHaveLength(1)
})

test.each([
  ['limit', 'limit=0'],
  ['limit', 'limit=101'],
  ['limit', 'limit=-1'],
  ['limit', 'limit=2.5'],
  ['limit', 'limit=many'],
  ['cursor', 'cursor='],
  ['cursor', 'cursor=abc'],
  ['cursor', `cursor=${Buffer.from('1; drop table orders').toString('base64url')}`],
  ['cursor', `cursor=${Buffer.from('9'.repeat(33)).toString('base64url')}`],
  ['tradeState', 'tradeState=PAID'],
  ['tradeState', 'tradeState=SUCCESS,PAID'],
  ['tradeState', 'tradeState=SUCCESS,SUCCESS'],
  ['tradeState', 'tradeState=SUCCESS, REFUND'],
  ['tradeState', 'tradeState=SUCCESS,'],
  ['tradeState', 'tradeState='],
])('an invalid %s of a list is refused by name: %s', async (field, query) => {
  expectInvalid(await list(query), field)
})
