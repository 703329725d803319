import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterEach(() => shop.world.faults.database.up())
afterAll(() => shop.close())

const TEA = { sku: 'tea', name: '茶', price: 1500 }
const save = (...products: unknown[]) =>
  shop.call('PUT', '/api/products', { token: shop.merchantKey, body: { products } })
const catalogue = async () => (await shop.call('GET', '/api/products')).json['products']

test('the catalogue is public and shows sku, name and price only', async () => {
  expect(await catalogue()).toEqual([
    { sku: 'cookie', name: '曲奇', price: 900 },
    { sku: 'latte', name: '拿铁', price: 2800 },
  ])
})

test('a saved product is for sale, and the other products stay', async () => {
  expect((await save(TEA)).status).toBe(200)
  expect(await catalogue()).toEqual([
    { sku: 'cookie', name: '曲奇', price: 900 },
    { sku: 'latte', name: '拿铁', price: 2800 },
    { sku: 'tea', name: '茶', price: 1500 },
  ])
})

test('a product saved again has its new name and price', async () => {
  await save(TEA)
  await save({ ...TEA, name: '红茶', price: 1600 })
  expect(await catalogue()).toContainEqual({ sku: 'tea', name: '红茶', price: 1600 })
})

test('an inactive product is not shown until it is saved as active again', async () => {
  await save({ ...TEA, active: false })
  expect(JSON.stringify(await catalogue())).not.toContain('tea')
  await save(TEA)
  expect(await catalogue()).toContainEqual(TEA)
})

test('the merchant sees every product, and which of them can be ordered', async () => {
  await save({ ...TEA, active: false })
  const seen = async (token: string) =>
    (await shop.call('GET', '/api/products', { token })).json['products']
  expect(await seen(shop.merchantKey)).toEqual([
    { sku: 'cookie', name: '曲奇', price: 900, active: true },
    { sku: 'latte', name: '拿铁', price: 2800, active: true },
    { ...TEA, active: false },
  ])
  for (const token of [
    await shop.logIn(),
    shop.cronSecret,
    'a-key-that-is-not-the-merchant-key-0123',
    'a.b.c',
  ])
    expect(await seen(token)).toEqual([
      { sku: 'cookie', name: '曲奇', price: 900 },
      { sku: 'latte', name: '拿铁', price: 2800 },
    ])
  await save(TEA)
})

test.each([0, -1, 1.5, 2_147_483_648, 1e15, null, true])(
  '%j is not a valid price',
  async (price) => {
    const answer = await save({ sku: 'gift', name: '礼物', price })
    expect([answer.status, answer.json['code']]).toEqual([400, 'invalid_request'])
    expect(answer.json['detail']).toMatch(/^products\.0\.price: /)
  },
)

test('the largest price that WeChat accepts is valid', async () => {
  expect(
    (await save({ sku: 'car', name: '汽车', price: 2_147_483_647, active: false })).status,
  ).toBe(200)
})

test.each(['', 'a b', '茶', 'a'.repeat(65), 'a/b'])('%j is not a valid sku', async (sku) => {
  const answer = await save({ sku, name: '茶', price: 1 })
  expect(answer.status).toBe(400)
  expect(answer.json['detail']).toMatch(/^products\.0\.sku: /)
})

test.each(['', '😀', ' \u0000\t '])(
  'a product named %j is refused because WeChat cannot show the name',
  async (name) => {
    const answer = await save(TEA, { sku: 'nameless', name, price: 1 })
    expect(answer.status).toBe(400)
    expect(answer.json['detail']).toMatch(/^products\.1\.name: /)
  },
)

test('a long name is cut between two characters, and the answer shows the stored name', async () => {
  const answer = await save({ sku: 'long', name: '茶'.repeat(40), price: 1, active: false })
  expect(answer.json['products']).toEqual([
    { sku: 'long', name: '茶'.repeat(33), price: 1, active: false },
  ])
})

test('nothing of a list with one invalid product is saved', async () => {
  const before = await catalogue()
  expect((await save({ ...TEA, price: 9999 }, { sku: 'water', name: '水', price: 0 })).status).toBe(
    400,
  )
  expect((await save({ ...TEA, price: 9999 }, { ...TEA, price: 1 })).status).toBe(400)
  expect(await catalogue()).toEqual(before)
})

test.each([
  ['no products', []],
  [
    'more than 500 products',
    Array.from({ length: 501 }, (_, index) => ({ sku: `p${index}`, name: '茶', price: 1 })),
  ],
])('a list of %s is refused', async (_name, products) => {
  const answer = await save(...products)
  expect(answer.status).toBe(400)
  expect(answer.json['detail']).toMatch(/^products: /)
})

test('an unknown field is refused by name', async () => {
  const answer = await save({ ...TEA, cost: 3 })
  expect(answer.status).toBe(400)
  expect(answer.json['detail']).toBe('products.0.cost: expected this field to be left out')
})

test('without the database the catalogue answers 503', async () => {
  shop.world.faults.database.down()
  const answers = [await shop.call('GET', '/api/products'), await save(TEA)]
  expect(answers.map(({ status, json }) => [status, json['code']])).toEqual([
    [503, 'unavailable'],
    [503, 'unavailable'],
  ])
})
