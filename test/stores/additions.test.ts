/** A deployment switches, and may be rolled back, while the tables stay: the version before has to work on them. */
import { expect, test } from 'vitest'
import { migrations } from '../../lib/stores/schema.ts'
import { theAccount } from '../support/latte.ts'

/** A new table, index or function, or a column that the version before need not know of. Neither a drop nor a name or type that changes. */
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

/** They came with tables and columns that no version before them wrote: all of this was released at once. */
const OF_THE_FIRST_VERSION = [
  /^create trigger refunds_only_forward /,
  /^alter table orders add column claimed_fee .* add constraint orders_refunds_within_payment /,
]

/** A rule about columns that no version before them writes: only code that sets them can meet it. */
const OF_NEW_COLUMNS_ONLY = [/^create trigger orders_keep_account .* when \(\(new\.appid, /]

test('a migration only adds, so that the version before runs on the new tables', () => {
  const statements = migrations
    .slice(1)
    .flatMap((migration) =>
      migration.statements(theAccount).map((text) => text.trim().replaceAll(/\s+/g, ' ')),
    )
  const others = statements.filter((text) => !onlyAdds(text))
  const exceptions = [...OF_THE_FIRST_VERSION, ...OF_NEW_COLUMNS_ONLY]
  expect(others.filter((text) => !exceptions.some((known) => known.test(text)))).toEqual([])
  expect(others.length).toBe(exceptions.length)
})

test('no index is built in a transaction on a table that was there before: orders could not be placed meanwhile', () => {
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
