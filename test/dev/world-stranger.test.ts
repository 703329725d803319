/** The local world explains itself to a stranger: its log, its errors, and its unknown routes. */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { stockShop } from '../../dev/world/stock-shop.ts'
import { storedExchanges } from '../support/feed-reader.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  vi.resetModules()
  shop = await openShop({}, { isWatched: true })
})
afterAll(() => shop.close())

const turn = (body: object) => shop.call('POST', '/world/switches', { body })

test('an unknown route answers a problem that lists the routes', async () => {
  for (const path of ['/world', '/world/nope', '/world/refund']) {
    const answer = await fetch(`${shop.world.url}${path}`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      404,
      'application/problem+json',
    ])
    expect(await answer.json()).toMatchObject({
      status: 404,
      routes: expect.arrayContaining([
        expect.stringMatching(/^GET \/world\/feed: /),
        expect.stringMatching(/^POST \/world\/refund: /),
      ]),
    })
  }
})

test('two refunds in the same moment are two refunds', async () => {
  const { outTradeNo } = await shop.sell()
  const refund = () => shop.call('POST', '/world/refund', { body: { outTradeNo, refundFee: 100 } })
  const answers = [await refund(), await refund()]
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  expect(
    await shop.sql(
      'select count(*)::int as refunds, sum(refund_fee)::int as fee from refunds where out_trade_no = $1',
      [outTradeNo],
    ),
  ).toEqual([{ refunds: 2, fee: 200 }])
})

describe('an error that a switch causes', () => {
  afterEach(() => turn({ database: 'up', wechat: 'up', redis: 'up', notifications: 'as-usual' }))
  const products = async () => (await shop.call('GET', '/api/products')).json

  test('begins with the name of the switch', async () => {
    const usual = await products()
    expect(usual).not.toHaveProperty('detail')
    await turn({ database: 'down' })
    expect(await products()).toMatchObject({
      code: 'unavailable',
      detail: expect.stringMatching(
        /^\(Switched on at \/world\/switches: database=down\.\) The database did not answer/,
      ),
    })
    await turn({ redis: 'down' })
    expect(await products()).toMatchObject({
      detail: expect.stringMatching(
        /^\(Switched on at \/world\/switches: redis=down, database=down/,
      ),
    })
  })

  test('is not named in a refusal that no switch causes', async () => {
    await turn({ redis: 'down' })
    const { status, json } = await shop.call('GET', '/api/orders')
    expect([status, String(json['detail'])]).toEqual([401, expect.not.stringContaining('redis')])
  })

  test('is named with the message in the feed', async () => {
    const latest = async (to: string) =>
      (await storedExchanges(shop.world.url)).findLast((exchange) => exchange.to === to)
    await products()
    expect(await latest('database')).toMatchObject({ fault: null })
    await turn({ database: 'down', notifications: 'forged-amount' })
    await products()
    expect(await latest('database')).toMatchObject({ state: 'broken', fault: 'database=down' })
    expect(await latest('functions')).toMatchObject({
      fault: 'notifications=forged-amount, database=down',
    })
  })
})

test('npm run sql says that the database is switched off', async () => {
  await turn({ database: 'down' })
  const { DATABASE_URL, NEON_HTTP_ENDPOINT } = shop.world.env
  const program = resolve(import.meta.dirname, '../../dev/sql.ts')
  const child = spawn(process.execPath, [program, 'select 1'], {
    env: { ...process.env, DATABASE_URL, NEON_HTTP_ENDPOINT },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  expect(await text(child.stderr)).toBe(
    `No answer from the database of DATABASE_URL (network). Its database is switched off. To switch it on:
  curl -d "database=up" ${shop.world.url}/world/switches
`,
  )
  await turn({ database: 'up' })
})

test('a new catalogue is filled once, without a line in the log', async () => {
  await shop.sql('delete from products')
  const log = vi.spyOn(console, 'log')
  await stockShop(shop.world)
  await shop.sql(`update products set price = 1 where sku = 'latte'`)
  await stockShop(shop.world)
  expect(log).not.toHaveBeenCalled()
  log.mockRestore()
  expect(await shop.sql('select sku, price from products order by sku')).toEqual([
    { sku: 'beans', price: 12800 },
    { sku: 'cookie', price: 900 },
    { sku: 'latte', price: 1 },
  ])
})
