import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { placeOf } from '../../lib/http/source-location.ts'

const directory = mkdtempSync(join(tmpdir(), 'place-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** An error of this message, thrown in these places. */
function thrown(message: string, ...places: readonly string[]): Error {
  const error = new Error(message)
  error.stack = [`Error: ${message}`, ...places.map((place) => `    at ${place}`)].join('\n')
  return error
}

test('the place is a file and its line, without the way to it', () => {
  expect(placeOf(thrown('no', 'settle (/var/task/lib/steps/settle.ts:12:34)'))).toBe('settle.ts:12')
  expect(placeOf(thrown('no', 'file:///var/task/lib/steps/settle.ts:12:34'))).toBe('settle.ts:12')
  expect(placeOf(thrown('no', 'settle (C:\\shop\\lib\\settle.js:12:34)'))).toMatch(/settle\.js:12$/)
  expect(placeOf(thrown('no', 'async Promise.all (index 0)'))).toBeUndefined()
})

test('a message that looks like a place is none', () => {
  expect(
    placeOf(
      thrown('no\n    at secret (/key/hunter2.ts:1:1)', 'settle (/var/task/lib/settle.ts:12:34)'),
    ),
  ).toBe('settle.ts:12')
})

test('in a bundle the place is that of the sources, and of a package that of whoever called it', () => {
  const bundle = join(directory, 'function.cjs')
  // Column 0 is of a package, which the map leaves out; column 10 is line 7 of settle.ts.
  writeFileSync(
    `${bundle}.map`,
    JSON.stringify({
      version: 3,
      sources: ['../../lib/steps/settle.ts'],
      names: [],
      mappings: 'A,UAMA',
    }),
  )
  expect(placeOf(thrown('no', `parse (${bundle}:1:3)`, `settle (${bundle}:1:15)`))).toBe(
    'settle.ts:7',
  )
  expect(placeOf(thrown('no', `parse (${bundle}:1:3)`))).toBe('function.cjs:1')
  expect(placeOf(thrown('no', `parse (${join(directory, 'other.cjs')}:1:3)`))).toBe('other.cjs:1')
})
