/** A deployment switches, and may be rolled back, while the tables stay: the version before has to work on them. */
import { expect, test } from 'vitest'
import { migrations } from '../../lib/stores/schema.ts'

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

test('a migration only adds, so that the version before runs on the new tables', () => {
  const statements = migrations
    .slice(1)
    .flatMap((migration) => migration.statements.map((text) => text.trim().replaceAll(/\s+/g, ' ')))
  const others = statements.filter((text) => !onlyAdds(text))
  expect(others.filter((text) => !OF_THE_FIRST_VERSION.some((known) => known.test(text)))).toEqual(
    [],
  )
  expect(others.length).toBe(OF_THE_FIRST_VERSION.length)
})

test('no index is built in a transaction on a table that was there before: orders could not be placed meanwhile', () => {
  const built = migrations.flatMap(({ statements }) => {
    const created = statements.flatMap((text) => /create table (\w+)/.exec(text)?.[1] ?? [])
    const indexed = statements.flatMap(
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
