import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { COOKIE, openShop, textOf, type Answer, type Shop } from '../support/shop.ts'

let shop: Shop
let token: string
beforeAll(async () => {
  shop = await openShop()
})
beforeEach(async () => {
  token = await shop.logIn()
})
afterEach(() => shop.world.faults.database.up())
afterAll(() => shop.close())

const order = (body: unknown, key?: string, as = token): Promise<Answer> =>
  shop.call('POST', '/api/orders', {
    token: as,
    body,
    headers: key === undefined ? {} : { 'idempotency-key': key },
  })
const oneLatte = { items: [{ sku: 'latte', quantity: 1 }] }
const save = (...products: unknown[]) =>
  shop.call('PUT', '/api/products', { token: shop.merchantKey, body: { products } })
const howMany = async () => Number((await shop.sql('select count(*) as n from orders'))[0]?.['n'])
function expectInvalid(answer: Answer, detail: RegExp): void {
  expect([answer.status, answer.json['code']]).toEqual([400, 'invalid_request'])
  expect(answer.json['detail']).toMatch(detail)
}

test('an order is priced from the catalogue and lists its items', async () => {
  const body = {
    items: [
      { sku: 'latte', quantity: 2 },
      { sku: 'cookie', quantity: 3 },
    ],
    attach: 'table 4',
  }
  const { status, json } = await order(body)
  expect(status).toBe(201)
  expect(json).toMatchObject({
    tradeState: 'NOTPAY',
    totalFee: 8300,
    body: '拿铁 等2件',
    attach: 'table 4',
    items: [
      { sku: 'latte', name: '拿铁', price: 2800, quantity: 2 },
      { sku: 'cookie', name: '曲奇', price: 900, quantity: 3 },
    ],
  })
  expect(json['outTradeNo']).toMatch(/^\d{14}[0-9a-f]{18}$/)
})

test('an order expires after two hours', async () => {
  const { json } = await order(oneLatte)
  const [createdAt, timeExpire] = [textOf(json, 'createdAt'), textOf(json, 'timeExpire')]
  expect(createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$/)
  expect(Date.parse(timeExpire) - Date.parse(createdAt)).toBe(7_200_000)
})

test.each([
  ['items.0.price', { items: [{ sku: 'latte', quantity: 1, price: 1 }] }],
  ['totalFee', { ...oneLatte, totalFee: 1 }],
  ['openid', { ...oneLatte, openid: 'oAnotherUser' }],
  ['outTradeNo', { ...oneLatte, outTradeNo: 'my_own_number' }],
  ['timeExpire', { ...oneLatte, timeExpire: '2099-01-01T00:00:00Z' }],
])('a payer’s order with the field %s is refused', async (field, body) => {
  const before = await howMany()
  expectInvalid(
    await order(body),
    new RegExp(`^${field.replaceAll('.', '\\.')}: expected this field to be left out$`),
  )
  expect(await howMany()).toBe(before)
})

test.each([0, -1, 1.5, 1e15, 10_000, '1', null, true])(
  '%j is not a valid quantity',
  async (quantity) => {
    expectInvalid(await order({ items: [{ sku: 'latte', quantity }] }), /^items\.0\.quantity: /)
  },
)

test('a basket with unknown products is refused, and the answer names each of them', async () => {
  const items = [
    { sku: 'latte', quantity: 1 },
    { sku: 'unicorn', quantity: 1 },
    { sku: 'dragon', quantity: 1 },
  ]
  expectInvalid(await order({ items }), /^items: (?=.*unicorn)(?=.*dragon)(?!.*latte)/)
})

test('a basket with a product that is no longer sold is refused by name', async () => {
  await save({ ...COOKIE, active: false })
  const answer = await order({ items: [{ sku: 'cookie', quantity: 1 }] })
  await save(COOKIE)
  expectInvalid(answer, /^items: .*cookie$/)
})

test.each([
  [
    'the same product twice',
    [
      { sku: 'latte', quantity: 1 },
      { sku: 'latte', quantity: 2 },
    ],
  ],
  ['no items', []],
  [
    'more than a hundred lines',
    Array.from({ length: 101 }, (_, index) => ({ sku: `p${index}`, quantity: 1 })),
  ],
])('a basket of %s is refused', async (_name, items) => {
  expectInvalid(await order({ items }), /^items: /)
})

test('a total above WeChat’s maximum is refused, and the maximum itself is accepted', async () => {
  await save(
    { sku: 'yacht', name: '游艇', price: 1_073_741_824 },
    { sku: 'ship', name: '船', price: 2_147_483_647 },
  )
  expectInvalid(
    await order({ items: [{ sku: 'yacht', quantity: 2 }] }),
    /^items: expected a total that WeChat can take$/,
  )
  expectInvalid(
    await order({ items: [{ sku: 'ship', quantity: 9_999 }] }),
    /^items: expected a total that WeChat can take$/,
  )
  expect((await order({ items: [{ sku: 'ship', quantity: 1 }] })).json['totalFee']).toBe(
    2_147_483_647,
  )
})

test.each([
  ['of 128 bytes', 'x'.repeat(128)],
  ['of 43 Chinese characters, which are 129 bytes', '桌'.repeat(43)],
  [
    'of JSON that does not fit',
    JSON.stringify({ items: Array.from({ length: 60 }, (_, at) => at) }),
  ],
  ['with an emoji', '桌号 4 😀'],
  ['with a NUL', 'a\u0000'],
  ['with half a character', 'a\ud83d'],
  ['with a line break', '桌号 4\n窗边'],
  ['with blanks around it', ' 桌号 4'],
  ['with a DOCTYPE', 'a<!DOCTYPE b>'],
  ['with the end of a CDATA section', 'a]]>b'],
])(
  'an attach %s is refused by name, for payers and for the merchant, and nothing is stored',
  async (_, attach) => {
    const before = await howMany()
    expectInvalid(await order({ ...oneLatte, attach }), /^attach: expected at most 127 /)
    const priced = { openid: 'oAttach00000000000000000001', totalFee: 1, body: '茶', attach }
    expectInvalid(
      await order(priced, undefined, shop.merchantKey),
      /^attach: expected at most 127 /,
    )
    expect(await howMany()).toBe(before)
  },
)

test.each([
  ['of 127 bytes', 'x'.repeat(127)],
  ['of 42 Chinese characters', '桌'.repeat(42)],
  ['of JSON', '{"table":4,"note":"a & b"}'],
  ['of a query string', 'store=1&src=mp&total_fee=1'],
])('an attach %s is returned unchanged, and WeChat accepts it', async (_, attach) => {
  const { json } = await order({ ...oneLatte, attach })
  expect(json['attach']).toBe(attach)
  await shop.prepay(token, textOf(json, 'outTradeNo'))
  expect(shop.wechat.orders().at(-1)?.request['attach']).toBe(attach)
})

test('an empty attach is the same as no attach', async () => {
  expect((await order({ ...oneLatte, attach: '' })).json['attach']).toBeUndefined()
})

test('a later price change does not change the order', async () => {
  await save({ sku: 'soup', name: '汤', price: 2000 })
  const outTradeNo = textOf(
    (await order({ items: [{ sku: 'soup', quantity: 1 }] })).json,
    'outTradeNo',
  )
  await save({ sku: 'soup', name: '贵汤', price: 5000 })
  expect(await shop.query(token, outTradeNo)).toMatchObject({
    totalFee: 2000,
    body: '汤',
    items: [{ name: '汤', price: 2000 }],
  })
})

test('the same request under the same key is the same order, even after a price change', async () => {
  await save({ sku: 'cake', name: '蛋糕', price: 3000 })
  const body = { items: [{ sku: 'cake', quantity: 1 }] }
  const first = await order(body, 'key-1')
  await save({ sku: 'cake', name: '蛋糕', price: 4000, active: false })
  shop.advance(60_000)
  const again = await order(body, 'key-1')
  expect([again.status, again.json]).toEqual([201, first.json])
})

test('ten concurrent requests under one key place one order', async () => {
  const before = await howMany()
  const answers = await Promise.all(Array.from({ length: 10 }, () => order(oneLatte, 'key-2')))
  expect(answers.map(({ status }) => status)).toEqual([
    201, 201, 201, 201, 201, 201, 201, 201, 201, 201,
  ])
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect((await howMany()) - before).toBe(1)
})

test.each([
  ['quantity', { items: [{ sku: 'latte', quantity: 2 }] }],
  ['attach', { ...oneLatte, attach: 'x' }],
])('another %s under the same key is a conflict', async (_what, body) => {
  await order(oneLatte, 'key-3')
  const answer = await order(body, 'key-3')
  expect([answer.status, answer.json['code']]).toEqual([409, 'order_conflict'])
})

test('the same key of another user is another order', async () => {
  const [mine, theirs] = [
    await order(oneLatte, 'key-4'),
    await order(oneLatte, 'key-4', await shop.logIn()),
  ]
  expect([mine.status, theirs.status]).toEqual([201, 201])
  expect(theirs.json['outTradeNo']).not.toBe(mine.json['outTradeNo'])
})

test('without a key every request is an order of its own', async () => {
  expect((await order(oneLatte)).json['outTradeNo']).not.toBe(
    (await order(oneLatte)).json['outTradeNo'],
  )
})

test.each(['two words', 'x'.repeat(256), ''])('%j is not a valid Idempotency-Key', async (key) => {
  expectInvalid(await order(oneLatte, key), /^Idempotency-Key: /)
})

test('without the database no order is placed, and the caller may retry', async () => {
  const before = await howMany()
  shop.world.faults.database.down()
  const answer = await order(oneLatte, 'key-5')
  shop.world.faults.database.up()
  expect([answer.status, answer.json['code']]).toEqual([503, 'unavailable'])
  expect([(await order(oneLatte, 'key-5')).status, (await howMany()) - before]).toEqual([201, 1])
})

test('a retry under the same key after a lost answer places no second order', async () => {
  const before = await howMany()
  shop.world.faults.database.loseAnswers()
  expect((await order(oneLatte, 'key-6')).status).toBe(503)
  shop.world.faults.database.up()
  expect([(await order(oneLatte, 'key-6')).status, (await howMany()) - before]).toEqual([201, 1])
})
