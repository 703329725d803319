/**
 * Builds an index of a large ledger while the shop sells. Only a real PostgreSQL has several
 * connections. An open transaction makes the build last as long as the test needs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { migrate } from '../../dev/migrate/migrate.ts'
import { openDatabase, type Database } from '../../dev/stand-ins/postgres.ts'
import { startWorld, type World } from '../../dev/world/world.ts'
import { connect, type Sql } from '../../lib/stores/neon.ts'

const server = process.env['TEST_DATABASE_URL'] ?? ''

describe.runIf(server !== '')('on a real PostgreSQL', () => {
  let world: World
  let database: Database
  let sql: Sql
  let openTransaction: Client

  /**
   * Opens a ledger without `orders_by_state`, and a transaction that has written an order and stays
   * open.
   */
  beforeEach(async () => {
    database = await openDatabase(server)
    world = await startWorld({ database, env: {}, redisUrl: process.env['TEST_REDIS_URL'] })
    sql = connect(world.env['DATABASE_URL'] ?? '', world.env['NEON_HTTP_ENDPOINT'])
    await sql.query('drop index orders_by_state')
    const { rows } = await database.pool.query<{ name: string }>(
      'select current_database() as name',
    )
    const url = new URL(server)
    url.pathname = rows[0]?.name ?? ''
    openTransaction = new Client({ connectionString: url.href })
    await openTransaction.connect()
    await openTransaction.query('begin')
    await openTransaction.query(ORDER, ['SO-open-transaction'])
  })
  afterEach(async () => {
    await openTransaction.end()
    await world.stop()
  })

  /** Null if the index does not exist. */
  const isValid = async () =>
    (
      await sql.query(
        `select indisvalid as valid from pg_index where indexrelid = to_regclass('orders_by_state')`,
      )
    )[0]?.['valid'] ?? null
  const builds = async () =>
    (
      await sql.query(
        `select from pg_stat_activity where query like 'create index%' and state = 'active' and datname = current_database()`,
      )
    ).length
  const halfBuilt = () =>
    vi.waitFor(async () => expect(await isValid()).toBe(false), { timeout: 15_000, interval: 50 })
  const runProgram = () =>
    spawn(process.execPath, [resolve(import.meta.dirname, '../../dev/migrate.ts')], {
      env: { ...process.env, ...world.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })

  test('orders are placed while the index is built', async () => {
    const migrating = migrate(world.env)
    await halfBuilt()
    await sql.query(ORDER, ['SO-meanwhile'])
    expect(await isValid()).toBe(false)
    await openTransaction.query('commit')
    expect(await migrating).toEqual({ migrations: [], indexes: ['orders_by_state'] })
    expect(await isValid()).toBe(true)
  })

  test('killing a run cancels its build, and the next run builds the index', async () => {
    const program = runProgram()
    await halfBuilt()
    program.kill('SIGKILL')
    await once(program, 'exit')
    await vi.waitFor(async () => expect(await builds()).toBe(0), { timeout: 15_000, interval: 50 })
    expect(await isValid()).toBe(false)
    await openTransaction.query('commit')
    expect(await migrate(world.env)).toEqual({ migrations: [], indexes: ['orders_by_state'] })
    expect(await isValid()).toBe(true)
  })

  test('a second run waits for the build of the first and does not start its own', async () => {
    const first = migrate(world.env)
    await halfBuilt()
    const second = runProgram()
    const output = text(second.stdout)
    const before = world.faults.database.count()
    // After a few statements about earlier migrations, the second run only polls the index.
    await vi.waitFor(() => expect(world.faults.database.count()).toBeGreaterThan(before + 6), {
      timeout: 15_000,
      interval: 50,
    })
    expect(await builds()).toBe(1)
    await openTransaction.query('commit')
    expect(await first).toEqual({ migrations: [], indexes: ['orders_by_state'] })
    expect(await output).toBe('schema is current, 0 migrations run\n')
  })

  test('runs that start at the same moment leave one valid index', async () => {
    await openTransaction.query('commit')
    const runs = await Promise.all(Array.from({ length: 5 }, () => migrate(world.env)))
    expect(runs.some(({ indexes }) => indexes.includes('orders_by_state'))).toBe(true)
    expect(await isValid()).toBe(true)
    expect(await builds()).toBe(0)
  })

  test('a build that takes too long is cancelled and reported as a timeout, and a later run builds the index', async () => {
    const failed: unknown = await migrate(world.env, 1_000).catch((error: unknown) => error)
    expect(String(failed)).toContain(
      'Timeout: index orders_by_state was not built within 1 s. The tables are unchanged',
    )
    await vi.waitFor(async () => expect(await builds()).toBe(0), { timeout: 15_000, interval: 50 })
    await openTransaction.query('commit')
    expect(await migrate(world.env)).toEqual({ migrations: [], indexes: ['orders_by_state'] })
  })

  test('a migration yields to a transaction that holds its table, and runs when the table is free', async () => {
    await sql.query(`delete from migrations where name = '0003-bills'`)
    await sql.query('drop table bill_differences, bills')
    await sql.query('alter table refunds drop column billed_in, drop column accepted_at')
    await openTransaction.query(
      'rollback; begin; alter table payments drop column billed_in; commit; begin; select from payments',
    )
    const migrating = migrate(world.env)
    const waits = () =>
      sql.query(
        `select from pg_stat_activity where query like 'alter table payments%' and wait_event_type = 'Lock'`,
      )
    await vi.waitFor(async () => expect(await waits()).toHaveLength(1), {
      timeout: 15_000,
      interval: 50,
    })
    // This waits behind the migration, which yields before the deadline of a request.
    expect(await sql.query('select from payments')).toEqual([])
    await openTransaction.query('commit')
    expect(await migrating).toEqual({
      migrations: ['0003-bills'],
      indexes: ['refunds_by_time', 'orders_by_state', 'refunds_takings', 'refunds_by_day'],
    })
  })

  test('a query is cancelled when its client disconnects', async () => {
    await expect(
      connect(world.env['DATABASE_URL'] ?? '', world.env['NEON_HTTP_ENDPOINT'], 200).query(
        'select pg_sleep(60)',
      ),
    ).rejects.toThrow('database is unavailable')
    const sleeping = () =>
      sql.query(
        `select from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'`,
      )
    await vi.waitFor(async () => expect(await sleeping()).toHaveLength(0), {
      timeout: 5_000,
      interval: 50,
    })
  })
})

const ORDER = `insert into orders (out_trade_no, openid, total_fee, body, client_ip, notify_url, created_at, time_expire, request_hash)
  values ($1, 'payer', 1, 'latte', '127.0.0.1', 'https://example.com/api/notify', now(), now() + interval '2 hours', '')`
