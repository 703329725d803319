/**
 * Which obstacle to writing the probe finds. The database has one connection, so that its settings
 * persist.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../dev/stand-ins/postgres.ts'
import { startWorld, type World } from '../../dev/world/world.ts'
import { connect, type Sql } from '../../lib/stores/neon.ts'
import { findWriteObstacle } from '../../lib/stores/write-probe.ts'
import { borrowDatabase } from '../support/embedded.ts'

let database: Database
let world: World
let sql: Sql
beforeAll(async () => {
  database = await borrowDatabase()
  world = await startWorld({ database, env: {} })
  sql = connect(world.env['DATABASE_URL'] ?? '', world.env['NEON_HTTP_ENDPOINT'])
  await database.pool.query(
    'create role writer; grant usage on schema public to writer; grant select, insert, update on all tables in schema public to writer',
  )
})
afterEach(() =>
  database.pool.query(
    'reset role; reset default_transaction_read_only; reset neon.max_cluster_size',
  ),
)
afterAll(async () => {
  await database.pool.query('drop owned by writer; drop role writer')
  await world.stop()
})

test('the owner of the tables has no obstacle', async () => {
  expect(await findWriteObstacle(sql)).toBeNull()
})

test('a role that may read and write has no obstacle', async () => {
  await database.pool.query('set role writer')
  expect(await findWriteObstacle(sql)).toBeNull()
})

test('a role that may not write one of the tables lacks a permission', async () => {
  await database.pool.query('revoke insert on events from writer; set role writer')
  expect(await findWriteObstacle(sql)).toBe('permission')
})

test('a database or a role that is set to read-only is named as read-only, by a probe that writes nothing', async () => {
  // A statement that writes would be refused here with 25006.
  await database.pool.query('set default_transaction_read_only = on')
  expect(await findWriteObstacle(sql)).toBe('read_only')
})

test.each([
  ['1MB', 'quota'],
  ['1GB', null],
  ['0', null],
  ['-1', null],
])('a storage limit of %s gives the obstacle %s', async (limit, obstacle) => {
  await database.pool.query(`set neon.max_cluster_size = '${limit}'`)
  expect(await findWriteObstacle(sql)).toBe(obstacle)
})
