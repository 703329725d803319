import { SourceMap } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keepLines } from '../../dev/build/source-lines.ts'

const SOURCES = ['a.ts', 'b.ts', 'c.ts']
const read = (mappings: string) =>
  new SourceMap({
    version: 3,
    file: '',
    sources: SOURCES,
    sourcesContent: [],
    sourceRoot: '',
    names: [],
    mappings,
  })

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const vlq = (number: number): string => {
  let [rest, text] = [number < 0 ? (-number << 1) | 1 : number << 1, '']
  do {
    text += DIGITS[(rest & 31) | (rest > 31 ? 32 : 0)]
    rest >>= 5
  } while (rest > 0)
  return text
}

/** A token of the bundle: its distance from the previous one, and its origin, if it has one. */
const token = fc.record({
  columns: fc.integer({ min: 1, max: 40 }),
  from: fc.option(fc.record({ source: fc.nat(2), line: fc.nat(70_000), column: fc.nat(200) }), {
    freq: 4,
  }),
})

function write(
  lines: readonly (readonly {
    columns: number
    from: { source: number; line: number; column: number } | null
  }[])[],
): string {
  let last = { source: 0, line: 0, column: 0 }
  return lines
    .map((tokens) =>
      tokens
        .map(({ columns, from }) => {
          if (from === null) return vlq(columns)
          const numbers = [
            columns,
            from.source - last.source,
            from.line - last.line,
            from.column - last.column,
          ]
          last = from
          return numbers.map(vlq).join('')
        })
        .join(','),
    )
    .join(';')
}

test('every token keeps its source and line, or still has none', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(token, { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
      (lines) => {
        const mappings = write(lines)
        const [whole, small] = [read(`${mappings};`), read(keepLines(mappings))]
        for (const [line, tokens] of lines.entries()) {
          let column = 0
          for (const { columns } of tokens) {
            column += columns
            const [expected, found] = [whole.findEntry(line, column), small.findEntry(line, column)]
            const sourceLocation = (entry: typeof expected) =>
              'originalSource' in entry && entry.originalSource !== undefined
                ? `${entry.originalSource}:${entry.originalLine}`
                : 'none'
            expect(sourceLocation(found)).toBe(sourceLocation(expected))
          }
        }
      },
    ),
  )
})

test('tokens of one line are one segment', () => {
  expect(keepLines('AAAA,IAAI,KAAKA,OACL;AAAA,CCAA')).toBe('AAAA,gBACA;AAAA,CCAA;')
})
