import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { sourceLocation } from '../../lib/http/source-location.ts'

const directory = mkdtempSync(join(tmpdir(), 'place-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Builds an error with this message and these stack frames. */
function thrown(message: string, ...frames: readonly string[]): Error {
  const error = new Error(message)
  error.stack = [`Error: ${message}`, ...frames.map((frame) => `    at ${frame}`)].join('\n')
  return error
}

test('the location is a file name and a line, without the directory', () => {
  expect(sourceLocation(thrown('no', 'settle (/var/task/lib/steps/settle.ts:12:34)'))).toBe(
    'settle.ts:12',
  )
  expect(sourceLocation(thrown('no', 'file:///var/task/lib/steps/settle.ts:12:34'))).toBe(
    'settle.ts:12',
  )
  expect(sourceLocation(thrown('no', 'settle (C:\\shop\\lib\\settle.js:12:34)'))).toMatch(
    /settle\.js:12$/,
  )
  expect(sourceLocation(thrown('no', 'async Promise.all (index 0)'))).toBeUndefined()
})

test('a message that looks like a stack frame is ignored', () => {
  expect(
    sourceLocation(
      thrown('no\n    at secret (/key/hunter2.ts:1:1)', 'settle (/var/task/lib/settle.ts:12:34)'),
    ),
  ).toBe('settle.ts:12')
})

test('in a bundle the location is in the sources, and a frame of a package is skipped', () => {
  const bundle = join(directory, 'function.cjs')
  // Column 0 belongs to a package, which the map omits. Column 10 is line 7 of settle.ts.
  writeFileSync(
    `${bundle}.map`,
    JSON.stringify({
      version: 3,
      sources: ['../../lib/steps/settle.ts'],
      names: [],
      mappings: 'A,UAMA',
    }),
  )
  expect(sourceLocation(thrown('no', `parse (${bundle}:1:3)`, `settle (${bundle}:1:15)`))).toBe(
    'settle.ts:7',
  )
  expect(sourceLocation(thrown('no', `parse (${bundle}:1:3)`))).toBe('function.cjs:1')
  expect(sourceLocation(thrown('no', `parse (${join(directory, 'other.cjs')}:1:3)`))).toBe(
    'other.cjs:1',
  )
})
