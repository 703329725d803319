import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { INSERT_EVENT, watchEvents } from '../../lib/stores/events.ts'

test('every statement that writes an event is watched, so that the event is delivered after the answer', () => {
  const stores = new URL('../../lib/stores/', import.meta.url)
  const files = readdirSync(stores).filter((file) =>
    readFileSync(new URL(file, stores), 'utf8').includes('insert into events'),
  )
  expect(files).toEqual(['events.ts'])
})

test.each([
  ['wrote an event', INSERT_EVENT, [{}], 1],
  ['found nothing to change', INSERT_EVENT, [], 0],
  ['only reads', 'select 1', [{}], 0],
])('a statement that %s', async (_, text, rows, expected) => {
  let writes = 0
  const sql = watchEvents(
    { query: async () => rows, transaction: async () => undefined },
    () => (writes += 1),
  )
  expect(await sql.query(text)).toBe(rows)
  expect(writes).toBe(expected)
})
