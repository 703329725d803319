import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { get } from '../../api/health.ts'
import { createDeps } from '../../lib/wire.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterEach(() => {
  shop.world.faults.database.up()
  shop.world.faults.redis.up()
})
afterAll(() => shop.close())

const health = () => shop.call('GET', '/api/health')

test('a shop where everything answers is well, and says nothing else', async () => {
  const { status, text } = await health()
  expect([status, text]).toEqual([200, '{"database":"up","redis":"up","wechat":"up"}'])
})

test.each(['database', 'redis'] as const)('a shop without its %s is not well, and names it', async (service) => {
  shop.world.faults[service].down()
  const { status, json } = await health()
  expect(status).toBe(503)
  expect(json).toEqual({ database: 'up', redis: 'up', wechat: 'up', [service]: 'down' })
})

test('a shop whose database and Redis are both gone names both', async () => {
  shop.world.faults.database.down()
  shop.world.faults.redis.down()
  expect((await health()).json).toEqual({ database: 'down', redis: 'down', wechat: 'up' })
})

test('a shop that is well again says so', async () => {
  shop.world.faults.database.down()
  await health()
  shop.world.faults.database.up()
  expect((await health()).status).toBe(200)
})

// WeChat's address is part of the configuration and has no switch, so these two ask the handler under another one.
const healthUnder = (env: Record<string, string | undefined>) => get(new Request('http://localhost/api/health'), createDeps(env))

test.each(['WECHAT_PAY_URL', 'WECHAT_API_URL'])('a shop that cannot reach WeChat at its %s is not well', async (name) => {
  const body = { database: 'up', redis: 'up', wechat: 'down' }
  expect(await healthUnder({ ...shop.world.env, [name]: 'http://127.0.0.1:1' })).toEqual({ ok: true, value: { status: 503, body } })
})

test('a shop that is not configured is down, and names no variable', async () => {
  const body = { database: 'down', redis: 'down', wechat: 'down' }
  expect(await healthUnder({})).toEqual({ ok: true, value: { status: 503, body } })
})
