/** Makes the database of a shop what 0.1.0 had: its tables, with the rows that they hold. */
import { migrations } from '../../lib/stores/schema.ts'
import { refundsOnlyForward } from '../../lib/stores/tables.ts'
import type { Sql } from '../../lib/stores/neon.ts'
import { theAccount } from './latte.ts'

/** The migrations of 0.1.0. */
const OF_0_1_0 = ['0001-payments', '0002-after-the-payment', '0003-bills']

/** Takes back what later migrations added, in the reverse order. */
const UNDO = [
  'drop index refunds_by_day',
  'alter table shipments drop column claim, drop column earlier_requests',
  'drop index incidents_by_time, events_by_time',
  'drop table bill_differences',
  'alter table bills drop column listed_claim, drop column listed_at, drop column total_fee, drop column refund_fee',
  'drop index users_by_phone, incidents_of_order',
  'drop index payments_takings, refunds_takings, complaints_open',
  'drop index incidents_open, incidents_handled, events_by_order, events_undelivered',
  'alter table events drop column history',
  'alter table incidents drop column handled_at, drop column note',
  'drop table complaints',
  'drop table trade_management',
  'alter table shipments drop column is_all_delivered, drop column is_split, drop column reported_parcels, drop column request_hash, drop column uploaded_at',
  'alter table orders drop column shipped_at, drop column confirmed_at, drop column settled_at, drop column overdue_at, drop column settlement_due_at',
  'alter table users drop column phone_number, drop column phone_code_hash, drop column phone_at',
  'drop index orders_by_time, orders_by_state_time',
  refundsOnlyForward.replace('create function', 'create or replace function'),
  'alter table refunds drop column payout_requested_at',
  'drop trigger orders_keep_account on orders',
  'drop function orders_keep_account',
  'alter table users drop column appid',
  'alter table orders drop column appid, drop column mch_id, drop column protocol, drop column sub_mch_id, drop column sub_appid',
  'drop index orders_open_by_payer',
  'alter table events drop column taken_at, drop column first_attempt_at',
  'alter table shipments drop column err_text, drop column requested_at',
  'drop index refunds_due',
  'alter table refunds drop column err_text, drop column waiting_since, drop column next_attempt_at, drop column parked_at',
  'drop index orders_by_state',
]

export async function returnTo010(sql: Sql): Promise<void> {
  await sql.transaction(UNDO.map((text) => ({ text })))
  await sql.query('delete from migrations where name <> all($1::text[])', [OF_0_1_0])
}

/** Every column, index and trigger of a schema. */
const describeSchema = (schema: string) => `
  select table_name || '.' || column_name as name, data_type || is_nullable || coalesce(column_default, '') as what
    from information_schema.columns where table_schema = '${schema}' and table_name <> 'migrations'
  union all select indexname, indexdef from pg_indexes where schemaname = '${schema}' and tablename <> 'migrations'
  union all select tgname, pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = tgrelid
    where not tgisinternal and relnamespace = '${schema}'::regnamespace
  order by 1, 2`

/**
 * The tables as they are, and as the migrations of 0.1.0 make them: both lists are equal in a
 * database of 0.1.0.
 */
export async function compareWith010(
  sql: Sql,
): Promise<Readonly<Record<'found' | 'expected', readonly string[]>>> {
  const earlier = migrations.filter(({ name }) => OF_0_1_0.includes(name))
  await sql.transaction([
    { text: 'create schema earlier' },
    { text: 'set local search_path to earlier' },
    ...earlier.flatMap(({ statements, indexes = [] }) => [
      ...statements(theAccount).map((text) => ({ text })),
      ...indexes.map(({ name, table, by }) => ({ text: `create index ${name} on ${table} ${by}` })),
    ]),
  ])
  const list = async (schema: string) =>
    (await sql.query(describeSchema(schema))).map((row) =>
      `${String(row['name'])} ${String(row['what'])}`.replaceAll(`${schema}.`, ''),
    )
  const both = { found: await list('public'), expected: await list('earlier') }
  await sql.query('drop schema earlier cascade')
  return both
}
