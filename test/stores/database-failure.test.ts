/**
 * A failed statement is either our bug (a constraint, an invalid statement) or a failure of the
 * database.
 */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { NeonRefusal } from '../../dev/stand-ins/neon-refusals.ts'
import { connect, type Sql } from '../../lib/stores/neon.ts'
import { findWriteObstacle } from '../../lib/stores/write-probe.ts'
import { listenToLog } from '../steps/log-lines.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
let sql: Sql
beforeAll(async () => {
  shop = await openShop()
})
beforeEach(() => {
  sql = connect(shop.world.env['DATABASE_URL'] ?? '', shop.world.env['NEON_HTTP_ENDPOINT'])
})
afterEach(() => {
  vi.restoreAllMocks()
  shop.world.faults.database.up()
})
afterAll(() => shop.close())

const failureOf = (work: Promise<unknown>) => work.then(() => null).catch((error: unknown) => error)

/** Neon's refusals, each with its kind and code. */
const REFUSALS: readonly (readonly [
  NeonRefusal,
  'ConfigError' | 'Unavailable',
  why: string,
  code: string | undefined,
])[] = [
  ['password', 'ConfigError', 'password', undefined],
  ['role', 'ConfigError', 'role', '28000'],
  ['database', 'ConfigError', 'database', '3D000'],
  ['endpoint', 'ConfigError', 'endpoint', undefined],
  ['disabled', 'ConfigError', 'endpoint', undefined],
  ['address', 'ConfigError', 'address', undefined],
  ['compute_quota', 'Unavailable', 'quota', undefined],
  ['too_many_connections', 'Unavailable', 'busy', undefined],
  ['authentication_timeout', 'Unavailable', 'timeout', undefined],
  ['permission', 'Unavailable', 'permission', '42501'],
  ['read_only', 'Unavailable', 'read_only', '25006'],
  ['storage_quota', 'Unavailable', 'quota', '53100'],
  ['restarting', 'Unavailable', 'server', '57P03'],
  ['cancelled', 'Unavailable', 'cancelled', '57014'],
  ['broken', 'Unavailable', 'server', 'XX000'],
  ['unknown', 'Unavailable', 'refused', undefined],
]

describe('a refusal of Neon is not reported as a bug, and its kind is named:', () => {
  test.each(REFUSALS)('%s', async (refusal, name, why, code) => {
    shop.world.faults.database.refuse(refusal)
    expect(await failureOf(sql.query('select 1'))).toMatchObject({ name, why, code })
    expect(await failureOf(sql.transaction([{ text: 'select 1' }]))).toMatchObject({
      name,
      why,
      code,
    })
  })

  test.each(REFUSALS)(
    '%s is answered with 503, and the log names the kind',
    async (refusal, name, why, code) => {
      const lines = listenToLog()
      shop.world.faults.database.refuse(refusal)
      const { status, json, text } = await shop.call('GET', '/api/products')
      const outcome = name === 'ConfigError' ? 'not_configured' : 'unavailable'
      expect([status, json['code']]).toEqual([503, outcome])
      expect(text).not.toMatch(/neondb|quota|password|read-only|203\.0\.113/)
      const [line] = lines.map((one): unknown => JSON.parse(one))
      expect(lines).toHaveLength(1)
      const detail =
        outcome === 'not_configured' ? 'DATABASE_URL' : ['database', code].join(' ').trim()
      expect(line).toMatchObject({ event: 'request', outcome, code: why, detail })
      expect(lines[0]).not.toMatch(/neondb|compute time|203\.0\.113/)
    },
  )
})

describe('a failure without a known code is a failure of the database:', () => {
  let respond: (response: ServerResponse) => void
  const server = createServer((_request, response) => respond(response))
  let elsewhere: string
  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    elsewhere = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/sql`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  test.each([
    [400, '{"message":"no","code":""}', 'refused', undefined],
    [400, '{"message":"no","code":null}', 'refused', undefined],
    [400, '{"message":"no"}', 'refused', undefined],
    [400, '{"message":"no","code":504}', 'refused', undefined],
    [400, '{"message":"a trigger of another","code":"P0001"}', 'refused', 'P0001'],
    [
      400,
      '{"message":"cached plan must not change result type","code":"0A000"}',
      'refused',
      '0A000',
    ],
    [
      400,
      '{"message":"Query cancelled, connection was terminated","code":"08P01"}',
      'server',
      '08P01',
    ],
    [400, '{"message":"deadlock detected","code":"40P01"}', 'conflict', '40P01'],
    [400, '', 'malformed', undefined],
    [403, '<html>Forbidden', 'malformed', undefined],
    [404, 'not found', 'malformed', undefined],
    [429, 'slow down', 'busy', undefined],
    [502, '<html>Bad Gateway', 'server', undefined],
    [
      504,
      '{"message":"HTTP-Connection timed out, execution time exceeded 15 seconds","code":504}',
      'timeout',
      undefined,
    ],
    [
      507,
      '{"message":"response is too large (max is 67108864 bytes)","code":""}',
      'server',
      undefined,
    ],
    [200, '<html>Welcome', 'malformed', undefined],
    [301, '', 'malformed', undefined],
  ])('%i %s is %s', async (status, body, why, code) => {
    respond = (response) => void response.writeHead(status).end(body)
    const failure = await failureOf(
      connect(shop.world.env['DATABASE_URL'] ?? '', elsewhere).query('select 1'),
    )
    expect(failure).toMatchObject({ name: 'Unavailable', why, code })
  })

  test('a refused connection', async () => {
    const failure = await failureOf(
      connect(shop.world.env['DATABASE_URL'] ?? '', 'http://127.0.0.1:1/sql').query('select 1'),
    )
    expect(failure).toMatchObject({ name: 'Unavailable', why: 'network', code: 'ECONNREFUSED' })
  })

  test('a timeout', async () => {
    respond = () => undefined
    const failure = await failureOf(
      connect(shop.world.env['DATABASE_URL'] ?? '', elsewhere, 50).query('select 1'),
    )
    expect(failure).toMatchObject({ name: 'Unavailable', why: 'timeout' })
  })
})

describe('a bug of ours is not reported as a failure of the database:', () => {
  test.each([
    [
      'a violated constraint',
      `insert into products values ('latte', '拿铁', 0, true, now())`,
      '23514',
      'products_price_check',
    ],
    ['a value of the wrong type', `select 'many'::integer`, '22P02', ''],
    ['a syntax error', 'selekt 1', '42601', ''],
    ['a subquery of two rows', 'select (select generate_series(1, 2))', '21000', ''],
  ])('%s', async (_, statement, code, constraint) => {
    expect(await failureOf(sql.query(statement))).toMatchObject({
      name: 'DatabaseError',
      code,
      constraint,
    })
  })

  test('missing tables are a configuration error', async () => {
    expect(await failureOf(sql.query('select from nowhere'))).toMatchObject({
      name: 'ConfigError',
      why: 'not_migrated',
      code: '42P01',
    })
  })
})

describe('a read-only database', () => {
  test('is looked for in one round trip', async () => {
    const requestsBefore = shop.world.faults.database.count()
    expect(await findWriteObstacle(sql)).toBeNull()
    expect(shop.world.faults.database.count() - requestsBefore).toBe(1)
  })

  test('places no order and settles no payment, answers 503, and works again afterwards', async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    await shop.pay(token, outTradeNo)
    shop.world.faults.database.refuseWrites('storage_quota')
    const body = { items: [{ sku: 'latte', quantity: 1 }] }
    const placed = await shop.call('POST', '/api/orders', { token, body })
    const asked = await shop.call('GET', `/api/query?outTradeNo=${outTradeNo}`, { token })
    expect([placed.json['code'], asked.json['code']]).toEqual(['unavailable', 'unavailable'])
    await shop.deliverNotifications()
    expect(
      await shop.sql('select trade_state from orders where out_trade_no = $1', [outTradeNo]),
    ).toEqual([{ trade_state: 'NOTPAY' }])
    shop.world.faults.database.up()
    expect(await shop.query(token, outTradeNo)).toMatchObject({ tradeState: 'SUCCESS' })
  })
})
