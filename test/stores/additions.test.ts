/** The tables stay when a deployment is rolled back, so the previous version must work on them. */
import { expect, test } from 'vitest'
import { migrations } from '../../lib/stores/schema.ts'
import { theAccount } from '../support/latte.ts'

/**
 * Whether a statement adds a table, an index, a function, or a column that the previous version
 * need not write. A statement that drops, renames or changes a type does not only add.
 */
function onlyAdds(statement: string): boolean {
  if (/\b(?:drop|rename|alter column) /.test(statement)) return false
  if (/^create (?:table|index|function) /.test(statement)) return true
  const [table, ...clauses] = statement.split(/(?:^alter table \w+|,) add /)
  return (
    table === '' &&
    clauses.length > 0 &&
    clauses.every(
      (clause) =>
        clause.startsWith('column ') && (!/ not null/.test(clause) || / default /.test(clause)),
    )
  )
}

/**
 * Their tables and columns were released together with them, so no earlier version writes these.
 */
const OF_THE_FIRST_VERSION = [
  /^create trigger refunds_only_forward /,
  /^alter table orders add column claimed_fee .* add constraint orders_refunds_within_payment /,
]

/**
 * Rules about new columns that earlier versions do not write, so that only new code can violate
 * them.
 */
const OF_NEW_COLUMNS_ONLY = [/^create trigger orders_keep_account .* when \(\(new\.appid, /]

/** Allow a change that was forbidden, so that earlier versions violate nothing. */
const RELAXED = [/^create or replace function refunds_only_forward\(\) /]

test('a migration only adds, so that the previous version runs on the new tables', () => {
  const statements = migrations
    .slice(1)
    .flatMap((migration) =>
      migration.statements(theAccount).map((text) => text.trim().replaceAll(/\s+/g, ' ')),
    )
  const others = statements.filter((text) => !onlyAdds(text))
  const exceptions = [...OF_THE_FIRST_VERSION, ...OF_NEW_COLUMNS_ONLY, ...RELAXED]
  expect(others.filter((text) => !exceptions.some((known) => known.test(text)))).toEqual([])
  expect(others.length).toBe(exceptions.length)
})

test('no migration builds an index on an existing table in a transaction, which would block new orders', () => {
  const built = migrations.flatMap(({ statements }) => {
    const texts = statements(theAccount)
    const created = texts.flatMap((text) => /create table (\w+)/.exec(text)?.[1] ?? [])
    const indexed = texts.flatMap(
      (text) => /^create (?:unique )?index \w+ on (\w+)/.exec(text.trim())?.[1] ?? [],
    )
    return indexed.filter((table) => !created.includes(table))
  })
  expect(built).toEqual([])
})

test.each([
  ['alter table orders add column channel text', true],
  [`alter table orders add column channel text not null default 'jsapi'`, true],
  ['alter table orders add column channel text not null', false],
  ['alter table orders add column channel text, drop column attach', false],
  ['alter table orders rename column body to description', false],
  ['alter table orders alter column body type varchar(10)', false],
  ['create unique index orders_by_attach on orders (attach)', false],
  ['drop table bills', false],
  ['delete from events', false],
])('%s only adds: %s', (statement, adds) => {
  expect(onlyAdds(statement)).toBe(adds)
})
