/**
 * The local world has one clock. It moves for all parts or for none. A restart keeps it with the
 * data.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { describeClock } from '../../dev/world/description.ts'
import { PlainError } from '../../dev/program/plain-error.ts'
import { startWorld, type World, type WorldOptions } from '../../dev/world/world.ts'
import { borrowStore } from '../support/embedded.ts'
import { toPayment, type Json } from '../support/shop.ts'

const DAY_MS = 86_400_000
/** Longer than any part of a test, and shorter than the checked differences. */
const NEARLY_MS = 60_000

let dataDirectory: string
let world: World
/** Loads the functions again, as a separate process would. */
async function open(options: WorldOptions): Promise<void> {
  vi.resetModules()
  world = await startWorld({ env: {}, ...options })
}
const openKept = () => open({ dataDirectory })
const openFresh = async (env: Record<string, string> = {}) =>
  open({ ...(await borrowStore()), env })

beforeAll(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'world-clock-'))
})
afterEach(() => world.stop())
afterAll(() => rm(dataDirectory, { recursive: true }))

async function call(
  method: string,
  path: string,
  body?: unknown,
  token?: string,
): Promise<Json & { status: number }> {
  const response = await fetch(world.url + path, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const json: Json = JSON.parse(await response.text())
  return { ...json, status: response.status }
}

/** Places and pays an order, which a query settles. Returns its number. */
async function buy(): Promise<string> {
  const merchant = world.env.MERCHANT_API_KEY
  await call('POST', '/wechat/control/login', { openid: 'oVisitor' })
  const placed = await call(
    'POST',
    '/api/orders',
    { openid: 'oVisitor', totalFee: 2800, body: '拿铁' },
    merchant,
  )
  const outTradeNo = String(placed['outTradeNo'])
  const payment = await call('POST', '/api/prepay', { outTradeNo }, merchant)
  expect(payment.status).toBe(200)
  expect(await call('POST', '/wechat/control/pay', toPayment(payment))).toEqual({
    errMsg: 'requestPayment:ok',
    status: 200,
  })
  expect(
    await call('GET', `/api/query?outTradeNo=${outTradeNo}`, undefined, merchant),
  ).toMatchObject({ tradeState: 'SUCCESS' })
  return outTradeNo
}

async function askDatabase(text: string): Promise<string> {
  const { connect } = await import('../../lib/stores/neon.ts')
  const [row] = await connect(
    world.env['DATABASE_URL'] ?? '',
    world.env['NEON_HTTP_ENDPOINT'],
  ).query(text)
  return String(Object.values(row ?? {})[0])
}

const askRedis = async (...command: readonly string[]): Promise<unknown> => {
  const headers = { authorization: `Bearer ${world.env['UPSTASH_REDIS_REST_TOKEN'] ?? ''}` }
  const response = await fetch(`${world.url}/stand-ins/upstash`, {
    method: 'POST',
    headers,
    body: JSON.stringify(command),
  })
  const answer: Json = JSON.parse(await response.text())
  return answer['result']
}

const expectAhead = (at: number, realNow: number, days: number) =>
  expect(Math.abs(at - realNow - days * DAY_MS)).toBeLessThan(NEARLY_MS)

/** Each test opens worlds with a database on disk, which takes seconds on a busy machine. */
const SLOW = { timeout: 60_000 }

describe('the clock that control moves', SLOW, () => {
  test('is the clock of the functions, WeChat, PostgreSQL and Redis, and a restart keeps it', async () => {
    const realNow = Date.now()
    await openKept()
    await buy()
    await askRedis('SET', 'gone-tomorrow', '1', 'EX', '3600')
    const { now } = await call('POST', '/wechat/control/clock', { advanceSeconds: 2 * 86_400 })
    expectAhead(Date.parse(String(now)), realNow, 2)

    const expectMoved = async () => {
      const outTradeNo = await buy()
      const { createdAt } = await call(
        'GET',
        `/api/query?outTradeNo=${outTradeNo}`,
        undefined,
        world.env.MERCHANT_API_KEY,
      )
      expectAhead(Date.parse(String(createdAt)), realNow, 2)
      expectAhead(Date.parse(await askDatabase('select now()::text')), realNow, 2)
      expectAhead(world.simulator?.now() ?? 0, realNow, 2)
      const { headers } = await fetch(`${world.url}/api/health`)
      expectAhead(Date.parse(headers.get('date') ?? ''), realNow, 2)
      expect(await askRedis('GET', 'gone-tomorrow')).toBeNull()
    }
    await expectMoved()
    await world.stop()
    expectAhead(Date.now(), realNow, 0)

    await openKept()
    await expectMoved()
    expect(world.clock.aheadMs).toBe(2 * DAY_MS)
  })

  test('goes to tomorrow morning, when the bill of the day can be compared', async () => {
    await openFresh()
    await buy()
    const before = Date.now()
    const { now } = await call('POST', '/wechat/control/clock', { to: 'tomorrow-morning' })
    expect(String(now)).toMatch(/T11:00:00\+08:00$/)
    expect(Date.parse(String(now)) - before).toBeGreaterThan(11 * 3_600_000)
    expect(Date.parse(String(now)) - before).toBeLessThanOrEqual(35 * 3_600_000)
    expect(await call('GET', '/api/cron', undefined, world.env.CRON_SECRET)).toMatchObject({
      status: 200,
      reconciled: expect.any(Number),
    })
    expect(await askDatabase(`select outcome from bills order by day desc limit 1`)).toBe(
      'compared',
    )
    expect(await askDatabase('select count(*)::text from incidents')).toBe('0')
  })

  test('is announced after each move, with the new time', async () => {
    const lines: string[] = []
    const onClockMoved = () => void lines.push(describeClock())
    await open({ ...(await borrowStore()), onClockMoved })
    await call('POST', '/wechat/control/clock', { to: 'tomorrow-morning' })
    await call('POST', '/wechat/control/clock', { advanceSeconds: -1 })
    expect(lines).toEqual([
      expect.stringMatching(
        /^The clock was moved\. It is now \S+T11:00:00\+08:00 for every part of the world, also after a restart\.$/,
      ),
    ])
  })

  test('moves only forward, and at most ten years', async () => {
    await openFresh()
    const refused = [
      await call('POST', '/wechat/control/clock', { advanceSeconds: -1 }),
      await call('POST', '/wechat/control/clock', { advanceSeconds: 1e12 }),
    ]
    expect(refused.map(({ status }) => status)).toEqual([400, 400])
  })
})

describe('beside a real service, whose clock cannot move,', () => {
  test('the clock does not move, and the answer says why', async () => {
    await openFresh({
      UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9',
      UPSTASH_REDIS_REST_TOKEN: 'token',
    })
    const realNow = Date.now()
    expect(await call('POST', '/wechat/control/clock', { advanceSeconds: 60 })).toEqual({
      status: 409,
      error:
        'the clock cannot be moved, because the services of UPSTASH_REDIS_REST_URL cannot follow',
    })
    expectAhead(world.simulator?.now() ?? 0, realNow, 0)
  })

  test('data with a moved clock is not opened', async () => {
    await openKept()
    await call('POST', '/wechat/control/clock', { advanceSeconds: 86_400 })
    await world.stop()
    const opening = startWorld({
      env: { DATABASE_URL: 'postgresql://shop:pw@127.0.0.1/shop' },
      dataDirectory,
    })
    await expect(opening).rejects.toThrow(PlainError)
    await expect(opening).rejects.toThrow(
      /the services of DATABASE_URL cannot follow\. Remove DATABASE_URL, or start empty: npm start -- --fresh$/,
    )
  })
})

test(
  'a clock that an earlier version moved for WeChat only becomes the clock of the world',
  SLOW,
  async () => {
    await openKept()
    await world.stop()
    await rm(join(dataDirectory, 'clock.json'))
    await writeFile(
      join(dataDirectory, 'wechat.json'),
      JSON.stringify({
        version: 1,
        clockOffsetMs: 3 * DAY_MS,
        logins: [],
        orders: [],
        notifications: [],
      }),
    )
    const realNow = Date.now()
    await openKept()
    expect(world.clock.aheadMs).toBe(3 * DAY_MS)
    expectAhead(Date.now(), realNow, 3)
    await buy()
  },
)
