import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { get } from '../../api/health.ts'
import type { Deps } from '../../lib/ports.ts'
import { createInstance, type Instance } from '../../lib/composition.ts'
import { inProtocol } from '../support/mode.ts'
import { openShop, type Shop } from '../support/shop.ts'

const LIFE_MS = 5_000
const UP = { database: 'up', redis: 'up', wechat: 'up' }

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
/** Makes the next call probe again. Redis has its own clock, so its key is deleted. */
async function expireAnswer(): Promise<void> {
  shop.advance(LIFE_MS)
  const keys = [await shop.redis('KEYS', 'wxpay:health:*')].flat().map(String)
  if (keys.length > 0) await shop.redis('DEL', ...keys)
}
beforeEach(expireAnswer)
afterEach(() => {
  shop.world.faults.database.up()
  shop.world.faults.redis.up()
})
afterAll(() => shop.close())

const getHealth = () => shop.call('GET', '/api/health')

async function listening(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

test('a shop whose services all answer is healthy, and the answer names only them', async () => {
  const { status, text } = await getHealth()
  expect([status, text]).toEqual([200, '{"database":"up","redis":"up","wechat":"up"}'])
})

test.each(['database', 'redis'] as const)(
  'a shop without its %s is unhealthy, and the answer names it',
  async (service) => {
    shop.world.faults[service].down()
    const { status, json } = await getHealth()
    expect(status).toBe(503)
    expect(json).toEqual({ ...UP, [service]: 'down' })
  },
)

test.each(['read_only', 'storage_quota', 'permission'] as const)(
  'a shop whose database accepts no writes is unhealthy: %s',
  async (refusal) => {
    shop.world.faults.database.refuseWrites(refusal)
    expect((await shop.call('GET', '/api/products')).status).toBe(200)
    const { status, json } = await getHealth()
    expect(status).toBe(503)
    expect(json).toEqual({ ...UP, database: 'down' })
  },
)

test('the answer names both database and Redis when both are down', async () => {
  shop.world.faults.database.down()
  shop.world.faults.redis.down()
  expect((await getHealth()).json).toEqual({ database: 'down', redis: 'down', wechat: 'up' })
})

test('a recovery is visible after five seconds at the latest', async () => {
  shop.world.faults.database.down()
  expect((await getHealth()).status).toBe(503)
  shop.world.faults.database.up()
  await expireAnswer()
  expect((await getHealth()).status).toBe(200)
})

// WeChat's address is configuration and cannot change at run time, so these tests call the handler
// with another configuration.
const healthUnder = (env: Record<string, string | undefined>) => ask(createInstance(env))
const ask = ({ deps, edge }: Instance) =>
  get(new Request('http://localhost/api/health'), deps, edge)
const answered = (status: number, body: object) => ({ ok: true, value: { status, body } })

test.each(['WECHAT_PAY_URL', 'WECHAT_API_URL'])(
  'a shop that cannot reach WeChat at %s is unhealthy',
  async (name) => {
    expect(await healthUnder({ ...shop.world.env, [name]: 'http://127.0.0.1:2' })).toEqual(
      answered(503, { ...UP, wechat: 'down' }),
    )
  },
)

test('a shop without configuration is down, and the answer names no variable', async () => {
  expect(await healthUnder({})).toEqual(
    answered(503, { database: 'down', redis: 'down', wechat: 'down' }),
  )
})

describe('with many callers', () => {
  /** Requests that WeChat's two addresses received. */
  let requests = 0
  const wechat = createServer((_request, response) => {
    requests += 1
    response.end()
  })
  let env: Record<string, string | undefined>
  beforeAll(async () => {
    const url = await listening(wechat)
    env = { ...shop.world.env, WECHAT_PAY_URL: url, WECHAT_API_URL: url }
  })
  beforeEach(() => {
    requests = 0
  })
  afterAll(() => {
    wechat.closeAllConnections()
    wechat.close()
  })

  test('five hundred concurrent and five hundred consecutive callers cause one probe', async () => {
    const instance = createInstance(env)
    const before = shop.world.faults.database.count()
    const answers = await Promise.all(Array.from({ length: 250 }, () => ask(instance)))
    for (let call = 0; call < 250; call += 1) answers.push(await ask(instance))
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set([JSON.stringify(answered(200, UP))]),
    )
    expect([requests, shop.world.faults.database.count() - before]).toEqual([2, 1])
  })

  test('callers over HTTP cause one probe too', async () => {
    await getHealth()
    await shop.world.settled()
    const before = [shop.world.faults.database.count(), shop.world.faults.redis.count()]
    await Promise.all(Array.from({ length: 100 }, getHealth))
    await shop.world.settled()
    expect([shop.world.faults.database.count(), shop.world.faults.redis.count()]).toEqual(before)
  })

  test('a new probe is made after five seconds, and not before', async () => {
    const instance = createInstance(env)
    await ask(instance)
    shop.advance(LIFE_MS - 1)
    await ask(instance)
    expect(requests).toBe(2)
    await expireAnswer()
    await ask(instance)
    expect(requests).toBe(4)
  })

  test('a failure right after a healthy answer is reported after five seconds at the latest', async () => {
    const instance = createInstance(env)
    await ask(instance)
    shop.world.faults.database.down()
    expect(await ask(instance)).toEqual(answered(200, UP))
    await expireAnswer()
    expect(await ask(instance)).toEqual(answered(503, { ...UP, database: 'down' }))
  })

  test('without Redis each instance makes one probe', async () => {
    shop.world.faults.redis.down()
    const instances = [createInstance(env), createInstance(env)]
    for (const instance of instances)
      await Promise.all(Array.from({ length: 20 }, () => ask(instance)))
    for (const instance of instances)
      expect(await ask(instance)).toEqual(answered(503, { ...UP, redis: 'down' }))
    expect(requests).toBe(4)
  })

  test('another instance returns the answer from Redis and makes no probe', async () => {
    await ask(createInstance(env))
    const before = shop.world.faults.database.count()
    expect(await ask(createInstance(env))).toEqual(answered(200, UP))
    expect([requests, shop.world.faults.database.count() - before]).toEqual([2, 0])
  })

  test('a failure is shared too: instances do not all probe a database that is down', async () => {
    shop.world.faults.database.down()
    await ask(createInstance(env))
    const before = shop.world.faults.database.count()
    expect(await ask(createInstance(env))).toEqual(answered(503, { ...UP, database: 'down' }))
    expect(shop.world.faults.database.count() - before).toBe(0)
  })

  test('a shared answer expires at the same time on every instance', async () => {
    const { deps, edge } = createInstance(env)
    const found: Deps['cache'] = {
      ...deps.cache,
      findHealth: async () => ({ health: { database: 'up', wechat: 'up' }, lifeMs: 2_000 }),
    }
    expect(await ask({ deps: { ...deps, cache: found }, edge })).toEqual(answered(200, UP))
    shop.world.faults.database.down()
    shop.advance(1_999)
    expect(await ask({ deps, edge })).toEqual(answered(200, UP))
    shop.advance(1)
    expect(await ask({ deps, edge })).toEqual(answered(503, { ...UP, database: 'down' }))
  })

  test.each<[name: string, value: string | undefined]>([
    ['WECHAT_MCH_ID', undefined],
    ...inProtocol<[string, string][]>({
      v2: [
        ['WECHAT_SIGN_TYPE', 'SHA1'],
        ['WECHAT_PAY_KEY_OTHER', 'short'],
      ],
      v3: [['WECHAT_PAY_V3_KEY', 'short']],
    }),
  ])('an instance with another value of %s makes its own probe', async (name, value) => {
    await ask(createInstance(env))
    expect(await ask(createInstance({ ...env, [name]: value }))).toEqual(
      answered(503, { ...UP, wechat: 'down' }),
    )
  })

  test('an address that calls more than sixty times a minute is refused with 429', async () => {
    const { deps, edge } = createInstance(env)
    const from = (ip: string) => {
      const held: Promise<unknown>[] = []
      const request = new Request('http://localhost/api/health', { headers: { 'x-real-ip': ip } })
      const waitUntil: Deps['waitUntil'] = (work) => void held.push(work())
      return get(request, { ...deps, waitUntil }, { ...edge, waitUntil }).then(async (answer) => {
        await Promise.all(held)
        return answer
      })
    }
    const [one, other] = ['8.8.4.4', '8.8.8.8']
    for (let call = 0; call < 60; call += 1) expect(await from(one)).toEqual(answered(200, UP))
    await from(one)
    expect(await from(one)).toMatchObject({ ok: false, error: { reason: 'too_many_requests' } })
    expect(await from(other)).toEqual(answered(200, UP))
    await expireAnswer()
    shop.world.faults.redis.down()
    expect(await from(other)).toEqual(answered(503, { ...UP, redis: 'down' }))
  })
})

test('a read-only Redis is down', async () => {
  const redis = createServer((request, response) => {
    void readText(request).then((body) => {
      const reads = body.startsWith('["eval"')
      response
        .writeHead(reads ? 200 : 400)
        .end(JSON.stringify(reads ? { result: [] } : { error: 'OOM command not allowed' }))
    })
  })
  const url = await listening(redis)
  expect(await healthUnder({ ...shop.world.env, UPSTASH_REDIS_REST_URL: url })).toEqual(
    answered(503, { ...UP, redis: 'down' }),
  )
  redis.closeAllConnections()
  redis.close()
})
