/** Guessing the merchant's key: ten wrong keys a minute from one address, over all functions. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as v from 'valibot'
import { operations } from '../../dev/openapi/operations.ts'
import { openShop, type Json, type Shop } from '../support/shop.ts'

const MINUTE_MS = 60_000
/** A public network. It is new each time, because a real Redis keeps the counts of earlier runs. */
const newNetwork = () =>
  `2408:8000:${crypto.randomUUID().slice(0, 4)}:${crypto.randomUUID().slice(0, 4)}`

let shop: Shop
let network: string
let host = 0
beforeAll(async () => {
  shop = await openShop()
})
beforeEach(() => {
  network = newNetwork()
})
afterEach(() => shop.world.faults.redis.up())
afterAll(() => shop.close())

/** Every method of every function that a caller may use with a key, from the API reference. */
const withKey = Object.entries(operations).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(([, { who }]) => who.length > 0)
    .map(([method]) => [method.toUpperCase(), path.slice('/api/'.length)] as const),
)

const functionModule = v.object({ default: v.object({ fetch: v.function() }) })

/**
 * Calls a function as Vercel does, from another address of the same network each time. The local
 * world would replace the address by its own.
 */
const call = async (method: string, path: string, token: string, from = network) => {
  host += 1
  const headers = { 'x-real-ip': `${from}::${host.toString(16)}`, authorization: `Bearer ${token}` }
  const [name] = path.split('/')
  const { fetch } = v.parse(functionModule, await import(`../../api/${name ?? ''}.ts`)).default
  const request = new Request(`${shop.world.url}/api/${path}`, { method, headers })
  const response = v.parse(v.instance(Response), await fetch(request))
  await shop.world.settled()
  const text = await response.text()
  return { status: response.status, headers: response.headers, text }
}
type Called = Awaited<ReturnType<typeof call>>
const code = ({ status, text }: Called) => {
  const json: Json = JSON.parse(text)
  return [status, json['code']]
}
const guess = async (times: number) => {
  for (let number = 0; number < times; number += 1)
    expect(code(await call('GET', 'orders', `wrong-${number}`))).toEqual([401, 'not_signed_in'])
}
const refused = [429, 'too_many_requests']

test('the functions that take a key are known', () => {
  expect(withKey.map(([method, path]) => `${method} ${path}`)).toEqual(
    expect.arrayContaining(['GET orders', 'POST refund', 'GET cron', 'POST console/search']),
  )
})

describe('after ten wrong keys from one network', () => {
  test.each(withKey)('%s of %s refuses the right key as well', async (method, name) => {
    await guess(10)
    const answer = await call(method, name, shop.merchantKey)
    expect(code(answer)).toEqual(refused)
    expect(answer.headers.get('retry-after')).toMatch(/^(?:[1-9]|[1-5]\d|60)$/)
    expect(code(await call(method, name, 'wrong'))).toEqual(refused)
  })

  test('the catalogue does not tell whether a key is right', async () => {
    const off = { sku: 'retired', name: '停售', price: 100, active: false }
    await shop.call('PUT', '/api/products', { token: shop.merchantKey, body: { products: [off] } })
    const list = async (key: string) => (await call('GET', 'products', key)).text
    expect(await list(shop.merchantKey)).toContain('retired')
    for (let number = 0; number < 10; number += 1)
      expect(await list(`wrong-${number}`)).not.toContain('retired')
    expect(await list(shop.merchantKey)).not.toContain('retired')
    expect(code(await call('GET', 'orders', shop.merchantKey))).toEqual(refused)
  })

  test('another network is served', async () => {
    await guess(10)
    expect((await call('GET', 'orders', shop.merchantKey, newNetwork())).status).toBe(200)
  })

  test('a user is served, and an expired token is answered 401', async () => {
    const token = await shop.logIn()
    await guess(10)
    expect((await call('GET', 'orders', token)).status).toBe(200)
    expect(code(await call('GET', 'orders', `${token}x`))).toEqual([401, 'not_signed_in'])
  })

  test('the right key is accepted a minute later', async () => {
    await guess(10)
    expect(code(await call('GET', 'orders', shop.merchantKey))).toEqual(refused)
    shop.advance(2 * MINUTE_MS)
    expect((await call('GET', 'orders', shop.merchantKey)).status).toBe(200)
  })

  test('this instance refuses without Redis as well', async () => {
    shop.world.faults.redis.down()
    await guess(10)
    expect(code(await call('GET', 'orders', shop.merchantKey))).toEqual(refused)
  })
})

test('a token of the form of a user’s token does not count as a guess, and is never a key', async () => {
  for (let number = 0; number < 12; number += 1) {
    expect((await call('GET', 'orders', `${shop.merchantKey}.a.${number}`)).status).toBe(401)
    expect((await call('GET', 'cron', `${shop.merchantKey}.a.${number}`)).status).toBe(401)
  }
  expect((await call('GET', 'orders', shop.merchantKey)).status).toBe(200)
})

test('nine wrong keys, and any number of calls with the right one or of users, are not limited', async () => {
  const token = await shop.logIn()
  await guess(9)
  for (let number = 0; number < 12; number += 1) {
    expect((await call('GET', 'orders', shop.merchantKey)).status).toBe(200)
    expect((await call('GET', 'orders', `${token}x`)).status).toBe(401)
  }
})
