/**
 * Rate limits: how often one user, or one address, may log in, order and prepay.
 *
 * The clock stands still unless a test moves it, so all calls of a test fall into one minute.
 */
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import * as v from 'valibot'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { post as logIn } from '../../api/login.ts'
import { post as notify } from '../../api/notify.ts'
import { get as listOrders, post as placeOrder } from '../../api/orders.ts'
import { post as prepay } from '../../api/prepay.ts'
import { listen } from '../../dev/world/listen.ts'
import { fingerprint } from '../../lib/core/fingerprint.ts'
import { networkOf } from '../../lib/http/client-address.ts'
import { limit } from '../../lib/http/limit.ts'
import type { Handler } from '../../lib/http/serve.ts'
import type { Edge } from '../../lib/http/edge.ts'
import type { Deps, LimitedCaller, LimitedStep } from '../../lib/ports.ts'
import { createLimits } from '../../lib/stores/limits.ts'
import { whenAnswered } from '../../lib/request-context.ts'
import { thisInstance } from '../../lib/composition.ts'
import { listenToLog } from '../steps/log-lines.ts'
import { openShop, type Answer, type Shop } from '../support/shop.ts'

const MINUTE_MS = 60_000
/** A public address. It is new each time because a real Redis keeps the counts of earlier runs. */
const newAddress = () =>
  `2408:8000:${crypto.randomUUID().slice(0, 4)}:${crypto.randomUUID().slice(0, 4)}::1`

let shop: Shop
let openid: string
let address: string
let token: string
beforeAll(async () => {
  shop = await openShop()
})
beforeEach(async () => {
  // Start a new minute, so that earlier calls no longer count.
  shop.advance(3 * MINUTE_MS - (Date.now() % MINUTE_MS))
  openid = `o${crypto.randomUUID().replaceAll('-', '')}`
  address = newAddress()
  token = await shop.logIn(openid)
  await shop.world.settled()
})
afterEach(() => {
  shop.world.faults.redis.up()
  vi.restoreAllMocks()
})
afterAll(() => shop.close())

const user = (id = openid): LimitedCaller => ({
  kind: 'user',
  id: `wx00000000demo0001 ${id}`,
})
const from = (id = address): LimitedCaller => ({ kind: 'address', id: networkOf(id) })

/** Counts this many calls: the last two on this instance, the others on another one. */
async function countCalls(
  times: number,
  step: LimitedStep,
  caller: LimitedCaller,
  limits = thisInstance().edge.limits,
): Promise<void> {
  await shop.redis('INCRBY', keyOf(step, caller), String(times - 2))
  for (let call = 0; call < 2; call += 1) await limits.count(step, [caller])
}
const keyOf = (step: LimitedStep, { kind, id }: LimitedCaller) =>
  `wxpay:limit:${step}:${kind}:${fingerprint([kind, id])}:${Math.floor(Date.now() / MINUTE_MS)}`
/** Another instance, with its own memory and the same Redis. */
const newLimits = (log: Deps['log'] = () => undefined, redisToken?: string) => {
  const { env } = shop.world
  const settings = {
    url: env['UPSTASH_REDIS_REST_URL'] ?? '',
    token: redisToken ?? env['UPSTASH_REDIS_REST_TOKEN'] ?? '',
  }
  return createLimits(() => settings, thisInstance().deps.clock, log, whenAnswered)
}
const outcome = (answer: Answer) => [answer.status, answer.json['code']]

const login = (payer = openid) =>
  shop.call('POST', '/api/login', { body: { code: shop.wechat.issueCode(payer) } })
const order = (by = token) =>
  shop.call('POST', '/api/orders', { token: by, body: { items: [{ sku: 'latte', quantity: 1 }] } })
const prepayFor = (outTradeNo: string, by = token) =>
  shop.call('POST', '/api/prepay', { token: by, body: { outTradeNo } })

/** Calls a handler directly, from the given address, and finishes its background work. */
async function ask(
  handler: Handler,
  body: object | string,
  given: { token?: string; ip?: string } = {},
) {
  const held: Promise<unknown>[] = []
  const request = new Request('https://shop.example/api', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-real-ip': given.ip ?? address,
      ...(given.token === undefined ? {} : { authorization: `Bearer ${given.token}` }),
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const { deps, edge } = thisInstance()
  const waitUntil: Deps['waitUntil'] = (work) => void held.push(work())
  const handled = await handler(request, { ...deps, waitUntil }, { ...edge, waitUntil })
  await Promise.all(held)
  return handled.ok ? handled.value.status : handled.error.reason
}
const basket = { items: [{ sku: 'latte', quantity: 1 }] }

describe('a user who calls too often', () => {
  test.each([
    ['login', 60, () => login()],
    ['orders', 120, () => order()],
  ] as const)(
    'is refused %s after %i calls in a minute, and the answer says when to retry',
    async (step, most, calling) => {
      const before = step === 'login' ? 1 : 0
      await countCalls(most - 1 - before, step, user())
      expect((await calling()).status).toBeLessThan(300)
      await shop.world.settled()
      const refused = await calling()
      expect(outcome(refused)).toEqual([429, 'too_many_requests'])
      expect(refused.headers.get('retry-after')).toMatch(/^(?:[1-9]|[1-5]\d|60)$/)
      expect(refused.json['detail']).toBe('Wait a moment, then try again.')
    },
  )

  test('is refused prepay after 300 calls in a minute', async () => {
    const outTradeNo = await shop.placeOrder(token)
    await countCalls(299, 'prepay', user())
    expect((await prepayFor(outTradeNo)).status).toBe(200)
    await shop.world.settled()
    expect(outcome(await prepayFor(outTradeNo))).toEqual([429, 'too_many_requests'])
  })

  test('is refused until the minute ends and no longer, and Retry-After says so', async () => {
    shop.advance(18_000)
    await countCalls(120, 'orders', user())
    const refused = await order()
    const seconds = Number(refused.headers.get('retry-after'))
    expect(seconds).toBe(42)
    shop.advance((seconds - 1) * 1_000)
    expect((await order()).status).toBe(429)
    shop.advance(1_000)
    expect((await order()).status).toBe(201)
  })

  test('is not refused for longer than a minute when the clock is set back', async () => {
    await countCalls(120, 'orders', user())
    const now = Date.now()
    vi.setSystemTime(now - 3_600_000)
    expect((await order()).status).toBe(201)
    vi.setSystemTime(now)
  })

  test('has the full limit again in the next minute', async () => {
    await countCalls(120, 'orders', user())
    shop.advance(MINUTE_MS)
    await countCalls(119, 'orders', user())
    expect((await order()).status).toBe(201)
    expect((await order()).status).toBe(429)
  })

  test('does not affect other users', async () => {
    await countCalls(120, 'orders', user())
    expect((await order()).status).toBe(429)
    expect((await order(await shop.logIn())).status).toBe(201)
  })

  test('may make all other calls', async () => {
    const outTradeNo = await shop.placeOrder(token)
    await countCalls(120, 'orders', user())
    expect((await order()).status).toBe(429)
    expect((await prepayFor(outTradeNo)).status).toBe(200)
    expect((await shop.call('GET', '/api/orders', { token })).status).toBe(200)
    expect((await shop.call('GET', `/api/query?outTradeNo=${outTradeNo}`, { token })).status).toBe(
      200,
    )
    expect((await login()).status).toBe(200)
  })

  test('gets no token at login, where the user is known only after WeChat’s answer', async () => {
    await countCalls(60, 'login', user())
    const refused = await login()
    expect(refused.json).not.toHaveProperty('token')
    expect(outcome(refused)).toEqual([429, 'too_many_requests'])
    expect(refused.text).not.toContain(openid)
  })

  test('is refused before any request to another service', async () => {
    await countCalls(120, 'orders', user())
    await countCalls(300, 'prepay', user())
    const before = [
      shop.world.faults.database.count(),
      shop.world.faults.redis.count(),
      shop.wechat.messageLog.length,
    ]
    expect((await order()).status).toBe(429)
    expect((await prepayFor('20260101000000000001')).status).toBe(429)
    await shop.world.settled()
    expect([
      shop.world.faults.database.count(),
      shop.world.faults.redis.count(),
      shop.wechat.messageLog.length,
    ]).toEqual(before)
  })

  test('does not hide an invalid token, which is still answered with 401', async () => {
    await countCalls(120, 'orders', user())
    expect(outcome(await order('nobody'))).toEqual([401, 'not_signed_in'])
  })

  test('is refused on another instance after two calls there', async () => {
    await countCalls(120, 'orders', user(), newLimits())
    for (let call = 0; call < 2; call += 1) {
      expect((await order()).status).toBe(201)
      await shop.world.settled()
    }
    expect((await order()).status).toBe(429)
  })

  test('is refused although the calls of one instance are few', async () => {
    const instances = Array.from({ length: 60 }, () => newLimits())
    await Promise.all(instances.map((limits) => limits.count('orders', [user()])))
    expect(await shop.redis('GET', keyOf('orders', user()))).toBeNull()
    await Promise.all(instances.map((limits) => limits.count('orders', [user()])))
    expect(await shop.redis('GET', keyOf('orders', user()))).toBe('120')
    await countCalls(2, 'orders', user())
    expect((await order()).status).toBe(429)
  })
})

describe('an address that calls too often', () => {
  test('has ten times the limit of a user, because a carrier puts thousands of users behind one address', async () => {
    await countCalls(1_198, 'orders', from())
    expect(await ask(placeOrder, basket, { token })).toBe(201)
    expect(await ask(placeOrder, basket, { token })).toBe(201)
    expect(await ask(placeOrder, basket, { token })).toBe('too_many_requests')
  })

  test('cannot log in, and WeChat is not called', async () => {
    await countCalls(600, 'login', from())
    const asked = shop.countCalls('/sns/jscode2session')
    expect(await ask(logIn, { code: shop.wechat.issueCode() })).toBe('too_many_requests')
    expect(shop.countCalls('/sns/jscode2session')).toBe(asked)
  })

  test('cannot go on guessing login codes, because failed calls count too', async () => {
    await countCalls(599, 'login', from())
    expect(await ask(logIn, { code: 'guessed' })).toBe('login_code_invalid')
    expect(await ask(logIn, { code: 'guessed' })).toBe('too_many_requests')
  })

  test('does not affect other addresses', async () => {
    await countCalls(1_200, 'orders', from())
    expect(await ask(placeOrder, basket, { token })).toBe('too_many_requests')
    expect(await ask(placeOrder, basket, { token, ip: '114.114.114.114' })).toBe(201)
  })

  test('may still list orders', async () => {
    await countCalls(1_200, 'orders', from())
    const request = new Request('https://shop.example/api/orders', {
      headers: { authorization: `Bearer ${token}`, 'x-real-ip': address },
    })
    const { deps, edge } = thisInstance()
    expect(await listOrders(request, deps, edge)).toMatchObject({ ok: true })
  })

  test.each(['127.0.0.1', '10.1.2.3', '::1', ''])(
    'is not counted unless it is a public address: %j',
    async (ip) => {
      const counted = vi.fn<Edge['limits']['count']>(() => Promise.resolve())
      const request = new Request('https://shop.example/api/login', {
        method: 'POST',
        body: '{}',
        headers: { 'x-real-ip': ip },
      })
      const { deps, edge } = thisInstance()
      await logIn(request, deps, { ...edge, limits: { ...edge.limits, count: counted } })
      expect(counted).not.toHaveBeenCalled()
    },
  )
})

test('an IPv6 address is counted by its network, because callers choose the rest of it themselves', async () => {
  const network = `2408:8000:${crypto.randomUUID().slice(0, 4)}:1`
  await countCalls(600, 'login', from(`${network}::1`))
  expect(await ask(logIn, { code: 'guessed' }, { ip: `${network}:ffff:1:2:3` })).toBe(
    'too_many_requests',
  )
  expect(await ask(logIn, { code: 'guessed' }, { ip: `${network.slice(0, -1)}2::1` })).toBe(
    'login_code_invalid',
  )
})

test('too many concurrent calls are refused before the first count is back', async () => {
  const limits = newLimits()
  const counts = Array.from({ length: 59 }, () => limits.count('login', [user()]))
  expect(limits.secondsLeft('login', [user()])).toBeNull()
  counts.push(limits.count('login', [user()]))
  expect(limits.secondsLeft('login', [user()])).toBe(60)
  await Promise.all(counts)
  expect(await shop.redis('GET', keyOf('login', user()))).toBe('60')
})

describe('there is no limit for', () => {
  test('the merchant, whose server places orders for all payers', async () => {
    await countCalls(1_200, 'orders', from())
    await countCalls(3_000, 'prepay', from())
    const body = { openid, totalFee: 1, body: '一杯拿铁' }
    expect(await ask(placeOrder, body, { token: shop.merchantKey })).toBe(201)
    const outTradeNo = await shop.placeOrder(token)
    expect(await ask(prepay, { outTradeNo }, { token: shop.merchantKey })).toBe(200)
  })

  test('WeChat’s notifications and cron, which are not even counted', async () => {
    const outTradeNo = await shop.placeOrder(token)
    // The simulator sends no notification by itself; the test delivers it.
    await shop.wechat.stop()
    await shop.pay(token, outTradeNo)
    await shop.world.settled()
    const { limits } = thisInstance().edge
    const asked = [vi.spyOn(limits, 'secondsLeft'), vi.spyOn(limits, 'count')]
    expect(await shop.deliverNotifications()).toBe(1)
    await shop.cron()
    expect(await ask(notify, '<xml><sign>A</sign></xml>')).toBe('notice_rejected')
    for (const spy of asked) expect(spy).not.toHaveBeenCalled()
  })
})

describe('the count', () => {
  test('is no request for a first call, and one for user and address together with the second', async () => {
    const before = shop.world.faults.redis.count()
    await thisInstance().edge.limits.count('orders', [user(), from()])
    expect(shop.world.faults.redis.count() - before).toBe(0)
    expect(await ask(placeOrder, basket, { token })).toBe(201)
    expect(shop.world.faults.redis.count() - before).toBe(1)
  })

  test('of all calls that arrive during another count is one request after that count', async () => {
    await thisInstance().edge.limits.count('orders', [user()])
    const before = shop.world.faults.redis.count()
    shop.world.faults.redis.slow(100)
    const counts: Promise<void>[] = []
    for (let call = 0; call < 12; call += 1) {
      counts.push(thisInstance().edge.limits.count('orders', [user(), from()]))
      await new Promise(setImmediate)
    }
    await Promise.all(counts)
    expect(shop.world.faults.redis.count() - before).toBe(2)
    expect(await shop.redis('GET', keyOf('orders', user()))).toBe('13')
  })

  test('is left to the background, and the caller does not wait for it', async () => {
    const held: (() => Promise<unknown>)[] = []
    const waitUntil: Deps['waitUntil'] = (work) => void held.push(work)
    const before = shop.world.faults.redis.count()
    expect(limit({ ...thisInstance().edge, waitUntil }, 'orders', [user()])).toEqual({
      ok: true,
      value: null,
    })
    expect([held.length, shop.world.faults.redis.count() - before]).toEqual([1, 0])
  })

  test('starts immediately, not after the answer', async () => {
    const begun = vi.fn<() => Promise<void>>(() => Promise.resolve())
    limit(
      { waitUntil: (work) => void work(), limits: { ...thisInstance().edge.limits, count: begun } },
      'orders',
      [user()],
    )
    expect(begun).toHaveBeenCalledOnce()
  })

  test('stores neither openid nor address in Redis, and expires after two minutes', async () => {
    await countCalls(2, 'orders', user())
    await countCalls(2, 'orders', from())
    const keys = [await shop.redis('KEYS', 'wxpay:limit:*')].flat().map(String)
    expect(keys.length).toBeGreaterThanOrEqual(2)
    for (const key of keys) {
      expect(key).toMatch(
        /^wxpay:limit:(?:login|orders|prepay|health):(?:user|address):[\da-f]{64}:\d+$/,
      )
      const lifeMs = Number(await shop.redis('PTTL', key))
      expect([lifeMs > 0, lifeMs <= 120_000]).toEqual([true, true])
    }
    expect(keys.join()).not.toContain(openid)
    expect(keys.join()).not.toContain(address)
  })

  test('is not kept longer than its minute if an instance dies before Redis has its expiry', async () => {
    await shop.redis('SET', keyOf('orders', user()), '119')
    await countCalls(2, 'orders', user())
    expect(Number(await shop.redis('PTTL', keyOf('orders', user())))).toBeGreaterThan(0)
    expect((await order()).status).toBe(429)
    shop.advance(MINUTE_MS)
    expect((await order()).status).toBe(201)
  })

  test('sets the expiry once for each caller, minute and instance', async () => {
    const limits = newLimits()
    for (let call = 0; call < 2; call += 1) await limits.count('orders', [user()])
    await shop.redis('PERSIST', keyOf('orders', user()))
    for (let call = 0; call < 2; call += 1) await limits.count('orders', [user()])
    expect(await shop.redis('PTTL', keyOf('orders', user()))).toBe(-1)
    const other = newLimits()
    for (let call = 0; call < 2; call += 1) await other.count('orders', [user()])
    expect(Number(await shop.redis('PTTL', keyOf('orders', user())))).toBeGreaterThan(0)
  })

  test.each([['[]'], ['["x","y"]'], ['"[100,10]"'], ['null'], ['"600"'], ['1e400']])(
    'refuses no caller when Redis answers %s',
    async (result) => {
      const redis = await listen('127.0.0.1', 0)
      redis.serve(
        new Hono<{ Bindings: HttpBindings }>().post('/pipeline', (context) =>
          context.body(`[{"result":${result}}]`),
        ),
      )
      const limits = createLimits(
        () => ({ url: redis.url, token: 'token' }),
        thisInstance().deps.clock,
        () => undefined,
        whenAnswered,
      )
      for (let call = 0; call < 2; call += 1) await limits.count('login', [user()])
      await redis.stop()
      expect(limits.secondsLeft('login', [user()])).toBeNull()
    },
  )

  test('is kept for a bounded number of callers, and the oldest is dropped first', async () => {
    const over = Array.from({ length: 10_001 }, (_, index) => from(`caller-${index}`))
    // Each caller has exceeded the limit already.
    const redis = await listen('127.0.0.1', 0)
    const commands = v.array(v.unknown())
    redis.serve(
      new Hono<{ Bindings: HttpBindings }>().post('/pipeline', async (context) =>
        context.json(v.parse(commands, await context.req.json()).map(() => ({ result: 600 }))),
      ),
    )
    const limits = createLimits(
      () => ({ url: redis.url, token: 'token' }),
      thisInstance().deps.clock,
      () => undefined,
      whenAnswered,
    )
    for (let first = 0; first < over.length; first += 500)
      for (let call = 0; call < 2; call += 1)
        await limits.count('login', over.slice(first, first + 500))
    await redis.stop()
    expect(limits.secondsLeft('login', [over[0] ?? from()])).toBeNull()
    expect(limits.secondsLeft('login', [over[1] ?? from()])).toBe(60)
    expect(limits.secondsLeft('login', [over.at(-1) ?? from()])).toBe(60)
  })
})

describe('with a Redis that is', () => {
  test('down each instance counts its own calls, and refuses no caller within the limit', async () => {
    const limits = newLimits()
    shop.world.faults.redis.down()
    for (let call = 0; call < 119; call += 1) await limits.count('orders', [user()])
    expect(limits.secondsLeft('orders', [user()])).toBeNull()
    await limits.count('orders', [user()])
    expect(limits.secondsLeft('orders', [user()])).toBe(60)
  })

  test.each([
    ['down', () => shop.world.faults.redis.down()],
    ['silent', () => shop.world.faults.redis.stall()],
    ['slow', () => shop.world.faults.redis.slow(900)],
    ['losing its answers', () => shop.world.faults.redis.loseAnswers()],
  ])('%s all callers are served', async (_what, break_) => {
    await order()
    await shop.world.settled()
    break_()
    expect((await login()).status).toBe(200)
    expect((await order()).status).toBe(201)
    await shop.world.settled()
  })

  test('down the log has one line for each report, and the line names no caller', async () => {
    const lines = listenToLog()
    shop.world.faults.redis.down()
    for (let call = 0; call < 2; call += 1)
      await thisInstance().edge.limits.count('orders', [user(), from()])
    expect(lines.filter((line) => line.includes('redis_down'))).toHaveLength(1)
    expect(lines.join('\n')).not.toContain(openid)
    expect(lines.join('\n')).not.toContain(address)
  })

  test('refusing our token all callers are served, and the log does not quote its answer', async () => {
    const log = vi.fn<Deps['log']>()
    const limits = newLimits(log, 'another-token')
    await countCalls(120, 'orders', user(), limits)
    expect(limits.secondsLeft('orders', [user()])).toBeNull()
    expect(new Set(log.mock.calls.map(([fields]) => JSON.stringify(fields)))).toEqual(
      new Set(['{"event":"redis_down","reason":"unauthorized","code":"WRONGPASS"}']),
    )
  })

  test('not configured no caller is limited, and the log names the variable', async () => {
    const log = vi.fn<Deps['log']>()
    const { redisSettings } = await import('../../lib/config/stores.ts')
    const limits = createLimits(
      () => redisSettings({}),
      thisInstance().deps.clock,
      log,
      whenAnswered,
    )
    for (let call = 0; call < 2; call += 1) await limits.count('orders', [user()])
    expect(limits.secondsLeft('orders', [user()])).toBeNull()
    expect(log.mock.calls).toEqual([
      [
        {
          event: 'redis_down',
          reason: 'not_configured',
          detail: expect.stringContaining('UPSTASH_REDIS_REST_URL'),
        },
      ],
    ])
  })
})
