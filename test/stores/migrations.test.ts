import { afterEach, expect, test } from 'vitest'
import { migrate } from '../../dev/migrate/migrate.ts'
import { startWorld, type World } from '../../dev/world/world.ts'
import { connect, type Sql } from '../../lib/stores/neon.ts'
import { migrations } from '../../lib/stores/schema.ts'
import { borrowStore } from '../support/embedded.ts'

const ALL = migrations.map(({ name }) => name)
const NOTHING = { migrations: [], indexes: [] }
const TABLES = [
  'bill_differences',
  'bills',
  'complaints',
  'events',
  'incidents',
  'migrations',
  'orders',
  'payments',
  'products',
  'refunds',
  'shipments',
  'trade_management',
  'users',
]

let world: World
let sql: Sql
afterEach(() => world.stop())

/** A new database without tables. */
async function emptyDatabase(): Promise<void> {
  world = await startWorld({
    ...(await borrowStore()),
    env: {},
    migrate: false,
    redisUrl: process.env['TEST_REDIS_URL'],
  })
  sql = connect(world.env['DATABASE_URL'] ?? '', world.env['NEON_HTTP_ENDPOINT'])
}
const tables = async () =>
  (
    await sql.query(
      `select table_name from information_schema.tables where table_schema = 'public' order by 1`,
    )
  ).map((row) => row['table_name'])
/**
 * The released definitions of the indexes that are built outside the transaction, because their
 * tables are large.
 */
const INDEXES = [
  [
    'orders_by_state',
    'CREATE INDEX orders_by_state ON public.orders USING btree (trade_state, id DESC)',
    true,
  ],
  [
    'orders_by_state_time',
    'CREATE INDEX orders_by_state_time ON public.orders USING btree (trade_state, created_at DESC, id DESC)',
    true,
  ],
  [
    'orders_by_time',
    'CREATE INDEX orders_by_time ON public.orders USING btree (created_at DESC, id DESC)',
    true,
  ],
  [
    'payments_by_time',
    'CREATE INDEX payments_by_time ON public.payments USING btree (paid_at)',
    true,
  ],
  [
    'refunds_by_time',
    'CREATE INDEX refunds_by_time ON public.refunds USING btree (accepted_at)',
    true,
  ],
]
const indexes = async () =>
  (
    await sql.query(
      `select relname as name, pg_get_indexdef(indexrelid) as definition, indisvalid as valid from pg_index join pg_class on oid = indexrelid
       where relname = any($1) order by 1`,
      [INDEXES.map(([name]) => name)],
    )
  ).map((row) => [row['name'], row['definition'], row['valid']])
/** Puts an index into the state that an interrupted build leaves. */
const leaveHalfBuilt = (name: string) =>
  sql.query(
    `update pg_index set indisvalid = false, indisready = false where indexrelid = to_regclass($1)`,
    [name],
  )
/** Every column, index, constraint and trigger, as PostgreSQL describes them. */
const schema = () =>
  sql.query(`
    select 'column' as kind, table_name || '.' || column_name as name, data_type || is_nullable || coalesce(column_default, '') as what
      from information_schema.columns where table_schema = 'public'
    union all select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
    union all select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) from pg_constraint where conrelid <> 0
    union all select 'trigger', tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    order by 1, 2, 3`)
const applied = async () =>
  (await sql.query('select name from migrations order by name')).map((row) => row['name'])

test('an empty database gets the current schema', async () => {
  await emptyDatabase()
  expect((await migrate(world.env)).migrations).toEqual(ALL)
  expect(await tables()).toEqual(TABLES)
  expect(await applied()).toEqual(ALL)
})

test('a current database and its rows are not changed', async () => {
  await emptyDatabase()
  await migrate(world.env)
  await sql.query(`insert into products values ('latte', '拿铁', 2800, true, now())`)
  const before = await schema()
  expect(await migrate(world.env)).toEqual(NOTHING)
  expect(await schema()).toEqual(before)
  expect(await sql.query('select sku, price from products')).toEqual([
    { sku: 'latte', price: 2800 },
  ])
})

test('an older version does nothing to a newer database after a rollback', async () => {
  await emptyDatabase()
  await migrate(world.env)
  await sql.query(`insert into migrations (name) values ('9999-of-a-later-version')`)
  expect(await migrate(world.env)).toEqual(NOTHING)
})

test('five simultaneous runs apply each migration once', async () => {
  await emptyDatabase()
  const runs = await Promise.all(Array.from({ length: 5 }, () => migrate(world.env)))
  expect(runs.flatMap((run) => run.migrations).toSorted()).toEqual(ALL)
  expect(await applied()).toEqual(ALL)
})

test('a migration that fails halfway changes nothing, and runs after the obstacle is removed', async () => {
  await emptyDatabase()
  await sql.query('create table events (in_the_way text)')
  await expect(migrate(world.env)).rejects.toThrow(
    'Migration 0001-payments failed and was undone: PostgreSQL answered 42P07.',
  )
  expect(await tables()).toEqual(['events', 'migrations'])
  expect(await applied()).toEqual([])
  await sql.query('drop table events')
  expect((await migrate(world.env)).migrations).toEqual(ALL)
  expect(await tables()).toEqual(TABLES)
})

test('indexes of large tables have their released definitions', async () => {
  await emptyDatabase()
  await migrate(world.env)
  expect(await indexes()).toEqual(INDEXES)
})

test('a half-built index of an earlier run is dropped and built again', async () => {
  await emptyDatabase()
  await migrate(world.env)
  await leaveHalfBuilt('orders_by_state')
  expect(await migrate(world.env)).toEqual({ migrations: [], indexes: ['orders_by_state'] })
  expect(await indexes()).toEqual(INDEXES)
})

test('a run builds the indexes that an earlier run did not build', async () => {
  await emptyDatabase()
  await migrate(world.env)
  await sql.query('drop index payments_by_time, refunds_by_time')
  expect(await migrate(world.env)).toEqual({
    migrations: [],
    indexes: ['payments_by_time', 'refunds_by_time'],
  })
  expect(await indexes()).toEqual(INDEXES)
})

test('an index built by hand is kept', async () => {
  await emptyDatabase()
  await migrate(world.env)
  await sql.query('drop index orders_by_state')
  await sql.query('create index concurrently orders_by_state on orders (trade_state, id desc)')
  expect(await migrate(world.env)).toEqual(NOTHING)
})

test('a database that accepts requests and never answers is reported as a timeout', async () => {
  await emptyDatabase()
  world.faults.database.stall()
  await expect(migrate(world.env)).rejects.toThrow(
    /^Timeout: the database of DATABASE_URL accepted the request and did not answer/,
  )
  world.faults.database.up()
  expect((await migrate(world.env)).migrations).toEqual(ALL)
})

test.each([
  [
    'password',
    'The database of DATABASE_URL was not migrated: the database refuses the login: the user or the password is wrong.',
  ],
  ['role', 'the user or the password is wrong.'],
  ['database', 'there is no database of that name.'],
  ['endpoint', 'Neon does not know the host of DATABASE_URL'],
  ['address', 'the allow list of the Neon project does not have this address.'],
  ['compute_quota', 'a quota of the Neon plan is used up'],
  ['storage_quota', 'a quota of the Neon plan is used up'],
  ['read_only', 'the database is read-only.'],
  ['permission', 'the user (role) of DATABASE_URL may not read and write the tables.'],
] as const)('a refusal of Neon is explained in plain words: %s', async (refusal, words) => {
  await emptyDatabase()
  world.faults.database.refuse(refusal)
  const failed = await migrate(world.env).catch((error: unknown) => String(error))
  expect(failed).toContain(words)
  expect(failed).not.toMatch(/neondb|\{|undefined/)
  world.faults.database.up()
})

test('a read-only database is named as read-only and is not changed', async () => {
  await emptyDatabase()
  world.faults.database.refuseWrites('read_only')
  await expect(migrate(world.env)).rejects.toThrow('the database is read-only.')
  world.faults.database.up()
  expect(await tables()).toEqual([])
})

test('a run continues where an earlier run died after creating its list', async () => {
  await emptyDatabase()
  await sql.query(
    'create table migrations (name text primary key, applied_at timestamptz not null default now())',
  )
  expect((await migrate(world.env)).migrations).toEqual(ALL)
  expect(await tables()).toEqual(TABLES)
})

test('a run whose answer was lost finds everything done when it is repeated', async () => {
  await emptyDatabase()
  await migrate(world.env)
  await sql.query(`create table witness as select * from migrations`)
  world.faults.database.loseAnswers()
  await expect(migrate(world.env)).rejects.toThrow('Nothing is half done')
  world.faults.database.up()
  expect(await migrate(world.env)).toEqual(NOTHING)
})

test('a database that cannot be reached is not changed, and the error does not show its address', async () => {
  await emptyDatabase()
  world.faults.database.down()
  const failed: unknown = await migrate(world.env).catch((error: unknown) => error)
  expect(String(failed)).toContain('the database cannot be reached over HTTP')
  expect(String(failed)).not.toContain('127.0.0.1')
  world.faults.database.up()
  expect(await tables()).toEqual([])
})
