import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { listen } from '../../dev/world/listen.ts'
import { startWorld, type World } from '../../dev/world/world.ts'
import { parseOutTradeNo, type OutTradeNo } from '../../lib/core/ids.ts'
import type { LogFields } from '../../lib/core/log-fields.ts'
import type { Cache, Lock } from '../../lib/ports.ts'
import { createCache } from '../../lib/stores/cache.ts'
import { borrowStore } from '../support/embedded.ts'
import { must } from '../support/must.ts'
import { redis } from './redis-command.ts'

let world: World
let cache: Cache
let log: LogFields[]
beforeAll(async () => {
  world = await startWorld({
    ...(await borrowStore()),
    env: {},
    migrate: false,
    redisUrl: process.env['TEST_REDIS_URL'],
  })
  cache = open()
})
afterAll(() => world.stop())
afterEach(() => world.faults.redis.up())

function open(
  over: { url?: string; token?: string } = {},
  configuration: string = crypto.randomUUID(),
): Cache {
  log = []
  const settings = {
    url: world.env['UPSTASH_REDIS_REST_URL'] ?? '',
    token: world.env['UPSTASH_REDIS_REST_TOKEN'] ?? '',
    ...over,
  }
  return createCache(
    settings,
    configuration,
    () => crypto.randomUUID(),
    (fields) => void log.push(fields),
  )
}
/** A new number for each test, because a real server keeps the keys of earlier runs. */
const newNumber = (): OutTradeNo => must(parseOutTradeNo(crypto.randomUUID().replaceAll('-', '')))
const cached = {
  prepayId: 'wx201410272009395522657a690389285100',
  key: 'made for this',
  madeAt: 1_735_758_245_000,
}
const lockOf = (found: Awaited<ReturnType<Cache['prepays']['find']>>): Lock => {
  if (typeof found === 'object' && 'lock' in found) return found.lock
  throw new Error(`no lock: ${JSON.stringify(found)}`)
}
const lockOfNotification = (found: Awaited<ReturnType<Cache['lockNotification']>>): Lock => {
  if (typeof found === 'object') return found
  throw new Error(`no lock: ${found}`)
}

describe('a cached prepay_id', () => {
  test('is found unchanged', async () => {
    const no = newNumber()
    await cache.prepays.keep(no, cached, 60_000)
    expect(await cache.prepays.find(no)).toEqual({ kept: cached })
  })

  test('is found by another instance', async () => {
    const no = newNumber()
    await cache.prepays.keep(no, cached, 60_000)
    expect(await open().prepays.find(no)).toEqual({ kept: cached })
  })

  test('expires by Redis’s own clock', async () => {
    const no = newNumber()
    await cache.prepays.keep(no, cached, 60_000)
    const left = Number(await redis(world, 'PTTL', `wxpay:prepay:${no}`))
    expect([left > 59_000, left <= 60_000]).toEqual([true, true])
  })

  test.each(['not json', '{}', '{"prepayId":1}', '[]', ''])(
    'that was overwritten with %j is not used',
    async (value) => {
      const no = newNumber()
      await redis(world, 'SET', `wxpay:prepay:${no}`, value, 'PX', 5_000)
      expect(await cache.prepays.find(no)).toBe('down')
    },
  )
})

describe('the lock for placing an order at WeChat', () => {
  test('is given to one of twenty simultaneous callers', async () => {
    const no = newNumber()
    const found = await Promise.all(Array.from({ length: 20 }, () => cache.prepays.find(no)))
    expect(found.filter((one) => one === 'busy')).toHaveLength(19)
    expect(lockOf(found.find((one) => one !== 'busy') ?? 'busy').name).toBe(`wxpay:prepay:${no}`)
  })

  test('is free again after its holder releases it', async () => {
    const no = newNumber()
    await cache.release(lockOf(await cache.prepays.find(no)))
    expect(await cache.prepays.find(no)).toMatchObject({ lock: { name: `wxpay:prepay:${no}` } })
  })

  test('gives way to the prepay_id of its holder, which other callers then find', async () => {
    const no = newNumber()
    const lock = lockOf(await cache.prepays.find(no))
    await cache.prepays.keep(no, cached, 60_000)
    await cache.release(lock)
    expect(await cache.prepays.find(no)).toEqual({ kept: cached })
    const left = Number(await redis(world, 'PTTL', `wxpay:prepay:${no}`))
    expect([left > 59_000, left <= 60_000]).toEqual([true, true])
  })

  test('is not released by an earlier holder whose lock has expired', async () => {
    const no = newNumber()
    const first = lockOf(await cache.prepays.find(no))
    await redis(world, 'DEL', first.name)
    const second = lockOf(await cache.prepays.find(no))
    await cache.release(first)
    expect(await redis(world, 'GET', second.name)).toBe(second.token)
  })

  test('of a later holder gives way to the prepay_id of an earlier one, which is as good', async () => {
    const no = newNumber()
    const first = lockOf(await cache.prepays.find(no))
    await redis(world, 'DEL', first.name)
    const second = lockOf(await cache.prepays.find(no))
    await cache.prepays.keep(no, cached, 60_000)
    await cache.release(second)
    expect(await cache.prepays.find(no)).toEqual({ kept: cached })
  })

  test('is busy for a caller that finds nothing, because it expired between two commands', async () => {
    const expiring = await listen('127.0.0.1', 0)
    expiring.serve(
      new Hono<{ Bindings: HttpBindings }>().post('/pipeline', (context) =>
        context.json([{ result: null }, { result: null }]),
      ),
    )
    expect(await open({ url: expiring.url }).prepays.find(newNumber())).toBe('busy')
    await expiring.stop()
  })

  test('expires within nine seconds if its holder dies', async () => {
    const no = newNumber()
    await cache.prepays.find(no)
    const left = Number(await redis(world, 'PTTL', `wxpay:prepay:${no}`))
    expect([left > 8_000, left <= 9_000]).toEqual([true, true])
  })
})

describe('the lock on a notification', () => {
  test('is given to one of twenty simultaneous callers', async () => {
    const no = newNumber()
    const found = await Promise.all(Array.from({ length: 20 }, () => cache.lockNotification(no)))
    expect(found.filter((one) => one === 'busy')).toHaveLength(19)
  })

  test('expires within nine seconds if its holder dies', async () => {
    const no = newNumber()
    await cache.lockNotification(no)
    const left = Number(await redis(world, 'PTTL', `wxpay:notice:${no}`))
    expect([left > 8_000, left <= 9_000]).toEqual([true, true])
  })

  test('is not released by a caller that does not hold it', async () => {
    const no = newNumber()
    const lock = lockOfNotification(await cache.lockNotification(no))
    await cache.release({ ...lock, token: 'another-token' })
    expect(await cache.lockNotification(no)).toBe('busy')
  })

  test('is not released by an earlier holder after it expired and was taken again', async () => {
    const no = newNumber()
    const first = lockOfNotification(await cache.lockNotification(no))
    await redis(world, 'DEL', first.name)
    const second = lockOfNotification(await cache.lockNotification(no))
    await cache.release(first)
    expect(await redis(world, 'GET', second.name)).toBe(second.token)
  })

  test('blocks neither placing the same order nor another order', async () => {
    const no = newNumber()
    await cache.lockNotification(no)
    expect(await cache.prepays.find(no)).toMatchObject({ lock: {} })
    expect(await cache.lockNotification(newNumber())).toMatchObject({ token: expect.any(String) })
  })
})

describe('the stored health answer', () => {
  const health = { database: 'up', wechat: 'down' } as const

  test('is found with its remaining lifetime by another instance of the same configuration', async () => {
    const configuration: string = crypto.randomUUID()
    expect(await open({}, configuration).keepHealth(health, 60_000)).toBe(true)
    const found = await open({}, configuration).findHealth()
    expect(found).toEqual({ health, lifeMs: expect.any(Number) })
    expect(typeof found === 'object' && found.lifeMs > 50_000 && found.lifeMs <= 60_000).toBe(true)
  })

  test('is not found by an instance with different settings', async () => {
    await open({}, crypto.randomUUID()).keepHealth(health, 60_000)
    expect(await open({}, crypto.randomUUID()).findHealth()).toBe('none')
  })

  test.each(['', '{}', '{"database":"up"}', '{"database":"up","wechat":"well"}', 'null'])(
    'is not used if it is invalid: %j',
    async (text) => {
      const configuration: string = crypto.randomUUID()
      await redis(world, 'SET', `wxpay:health:${configuration}`, text)
      expect(await open({}, configuration).findHealth()).toBe('down')
    },
  )
})

describe('Redis', () => {
  const callAll = (one: Cache) => {
    const no = newNumber()
    return Promise.all([
      one.prepays.find(no),
      one.lockNotification(no),
      one.prepays.keep(no, cached, 60_000),
      one.release({ name: `wxpay:notice:${no}`, token: 'x' }),
      one.findHealth(),
      one.keepHealth({ database: 'up', wechat: 'up' }, 60_000),
    ])
  }
  const DOWN = ['down', 'down', undefined, undefined, 'down', false]

  test('is down when it is stopped, and no call throws', async () => {
    world.faults.redis.down()
    expect(await callAll(cache)).toEqual(DOWN)
  })

  test('is down if it does not answer', async () => {
    world.faults.redis.stall()
    expect(await callAll(cache)).toEqual(DOWN)
  })

  test('is down when it is unreachable', async () =>
    expect(await callAll(open({ url: 'http://127.0.0.1:2' }))).toEqual(DOWN))

  test('is down when it refuses our token, and the token is not logged', async () => {
    expect(await callAll(open({ token: 'a-wrong-token' }))).toEqual(DOWN)
    expect(log).toEqual(
      Array(6).fill({ event: 'redis_down', reason: 'unauthorized', code: 'WRONGPASS' }),
    )
  })

  test('is up again after a restart', async () => {
    world.faults.redis.down()
    await callAll(cache)
    world.faults.redis.up()
    expect(await cache.keepHealth({ database: 'up', wechat: 'up' }, 60_000)).toBe(true)
  })
})
