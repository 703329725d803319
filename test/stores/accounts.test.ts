/** The account of an order and of a user, and the migration that adds it. */
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { migrate } from '../../dev/migrate/migrate.ts'
import { startWorld, type World } from '../../dev/world/world.ts'
import { accountSettings } from '../../lib/config/wechat.ts'
import { createLedger } from '../../lib/stores/ledger.ts'
import { connect, type Sql } from '../../lib/stores/neon.ts'
import { literal } from '../../lib/stores/migration.ts'
import { migrations } from '../../lib/stores/schema.ts'
import { parseOpenid, parseOutTradeNo } from '../../lib/core/ids.ts'
import { borrowStore } from '../support/embedded.ts'
import { fen, theAccount } from '../support/latte.ts'
import { must } from '../support/must.ts'

let world: World
let sql: Sql
afterEach(() => world.stop())

/** @param isMigrated if false, the database has no table. */
async function openWorld(isMigrated = true): Promise<void> {
  world = await startWorld({
    ...(await borrowStore()),
    env: {},
    migrate: isMigrated,
    redisUrl: process.env['TEST_REDIS_URL'],
  })
  sql = connect(world.env['DATABASE_URL'] ?? '', world.env['NEON_HTTP_ENDPOINT'])
}

/** A database of the last version before accounts. */
async function openEarlierDatabase(): Promise<void> {
  await openWorld(false)
  const earlier = migrations.filter(({ name }) => name < '0009')
  const create =
    'create table migrations (name text primary key, applied_at timestamptz not null default now())'
  await sql.transaction(
    [create, ...earlier.flatMap(({ statements }) => statements(theAccount))].map((text) => ({
      text,
    })),
  )
  for (const { name } of earlier)
    await sql.query('insert into migrations (name) values ($1)', [name])
}

/** Statements of version 0.1.0, which had no accounts. */
const EARLIER_ORDER = `
  insert into orders (out_trade_no, openid, total_fee, body, client_ip, notify_url, created_at, time_expire, request_hash)
  values ($1, 'oDemo000000000000000000User1', 1, 'a', '192.0.2.1', 'https://shop.example/api/notify', now(), now() + interval '2 hours', '')`
const EARLIER_USER = `
  insert into users (openid, created_at, last_login_at, last_code_hash) values ($1, now(), now(), '')`

const orders = () =>
  sql.query(
    'select out_trade_no, appid, mch_id, protocol, sub_mch_id, sub_appid from orders order by out_trade_no',
  )
const underDemo = (outTradeNo: string) => ({
  out_trade_no: outTradeNo,
  appid: 'wx00000000demo0001',
  mch_id: '1900000109',
  protocol: 'v2',
  sub_mch_id: null,
  sub_appid: null,
})

describe('the migration', () => {
  test('gives the configured account to orders and users that were stored before it', async () => {
    await openEarlierDatabase()
    await sql.query(EARLIER_ORDER, ['EARLIER-1'])
    await sql.query(EARLIER_USER, ['oEarlier'])
    expect((await migrate(world.env)).migrations).toContain('0009-accounts')
    expect(await orders()).toEqual([underDemo('EARLIER-1')])
    expect(await sql.query('select openid, appid from users')).toEqual([
      { openid: 'oEarlier', appid: 'wx00000000demo0001' },
    ])
  })

  test('rewrites no row, so that it is as fast in a large shop', async () => {
    await openEarlierDatabase()
    const files = () =>
      sql.query(
        `select pg_relation_filenode('orders') as orders, pg_relation_filenode('users') as users`,
      )
    const before = await files()
    await migrate(world.env)
    expect(await files()).toEqual(before)
  })

  test('gives the configured account to rows that an earlier version stores after it', async () => {
    await openWorld()
    await sql.query(EARLIER_ORDER, ['EARLIER-1'])
    await sql.query(EARLIER_USER, ['oEarlier'])
    expect(await orders()).toEqual([underDemo('EARLIER-1')])
    expect(await sql.query('select appid from users')).toEqual([{ appid: 'wx00000000demo0001' }])
  })

  test.each(['WECHAT_APPID', 'WECHAT_MCH_ID'])(
    'is refused with the name of the setting if %s is not set, and nothing is migrated',
    async (name) => {
      await openEarlierDatabase()
      await expect(migrate({ ...world.env, [name]: undefined })).rejects.toThrow(
        `${name} is not set. Migrations store the account of each order, so they need the settings of WeChat Pay that the functions have. Nothing was migrated.`,
      )
      expect(await sql.query(`select name from migrations where name >= '0009'`)).toEqual([])
    },
  )

  test('of an empty database is refused before its first table', async () => {
    await openWorld(false)
    await expect(migrate({ ...world.env, WECHAT_APPID: undefined })).rejects.toThrow('WECHAT_APPID')
    expect(await sql.query(`select to_regclass('orders') as orders`)).toEqual([{ orders: null }])
  })

  test('is refused for an invalid appid, and the error does not repeat the value', async () => {
    await openEarlierDatabase()
    const appid = `wx';drop/**/table/**/users--`
    const failed = await migrate({ ...world.env, WECHAT_APPID: appid }).catch(String)
    expect(failed).toMatch(/WECHAT_APPID is not an appid.*Nothing was migrated/)
    expect(failed).not.toContain('drop')
  })
})

describe('an order', () => {
  const place = (
    ledger: ReturnType<typeof createLedger>,
    outTradeNo: string,
    account = theAccount,
  ) =>
    ledger.placePriced(
      {
        outTradeNo: must(parseOutTradeNo(outTradeNo)),
        account,
        openid: must(parseOpenid('oDemo000000000000000000User1')),
        attach: null,
        clientIp: '192.0.2.1',
        notifyUrl: 'https://shop.example/api/notify',
        createdAt: new Date('2025-01-01T19:04:05Z'),
        timeExpire: new Date('2025-01-01T21:04:05Z'),
        requestKey: null,
        requestHash: 'a',
      },
      { totalFee: fen(1), body: 'a' },
    )

  test('keeps the account it was placed under when another account becomes the default', async () => {
    await openWorld()
    const ledger = createLedger(sql)
    const other = accountSettings({
      WECHAT_APPID: 'wx0123456789abcdef',
      WECHAT_MCH_ID: '1234567890',
    })
    await place(ledger, 'FIRST-1')
    await place(ledger, 'SECOND-1', other)
    const accountOf = async (outTradeNo: string) =>
      (await ledger.find({ outTradeNo: must(parseOutTradeNo(outTradeNo)) }))?.account
    expect(await accountOf('FIRST-1')).toEqual(theAccount)
    expect(await accountOf('SECOND-1')).toEqual(other)
    expect(await place(ledger, 'FIRST-1', other)).toMatchObject({
      outcome: 'repeated',
      order: { account: theAccount },
    })
  })

  test('of a service provider keeps the merchant it was placed for', async () => {
    await openWorld()
    const ledger = createLedger(sql)
    const sub = { mchId: '1900000111', appid: 'wx0123456789abcdef' }
    for (const account of [
      { ...theAccount, sub },
      { ...theAccount, sub: { ...sub, appid: null } },
    ])
      expect(await place(ledger, `SUB-${String(account.sub.appid)}`, account)).toMatchObject({
        outcome: 'placed',
        order: { account },
      })
  })
})

test('any value is written into a definition unchanged', async () => {
  await openWorld(false)
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
      async (text) => {
        expect(await sql.query(`select ${literal(text)} as value`)).toEqual([{ value: text }])
      },
    ),
    { numRuns: 200, examples: [[`'`], [`''`], [`\\'`], [`'; drop table orders; --`], ['$1']] },
  )
})
