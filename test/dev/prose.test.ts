/**
 * The rules of plain English see what they forbid, and nothing else. The examples are in a fixture,
 * because they would not pass.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { lint } from '../../dev/prose/lint.ts'
import { findWideComments, findWideMarkdown, textsOfSource } from '../../dev/prose/texts.ts'

const root = resolve(import.meta.dirname, '../..')
const examples = v.parse(
  v.object({ refused: v.array(v.tuple([v.string(), v.string()])), accepted: v.array(v.string()) }),
  JSON.parse(readFileSync(resolve(root, 'test/dev/plain-english.json'), 'utf8')),
)

test.each(examples.refused)('a text is refused: %s', async (text, found) => {
  const complaints = await lint(text)
  expect(complaints).toHaveLength(1)
  expect(complaints[0]?.reason).toContain(found)
})

test.each(examples.accepted)('a text in plain English is accepted: %s', async (text) => {
  expect(await lint(text)).toEqual([])
})

test('a sentence of more than forty words is refused', async () => {
  expect(await lint(`${'word, '.repeat(40)}end.`)).toEqual([
    { line: 1, reason: 'a sentence of 41 words: at most 40' },
  ])
})

test('a sentence may begin with code, and the sentence before it may end with a number', async () => {
  const words = 'word, '.repeat(20)
  expect(await lint(`${words}step 2. A ${words}end. \`code\` is ${words}code.`)).toEqual([])
})

test('a complaint names the line of the word', async () => {
  expect(await lint(`# Title\n\nThe first line\nsays ${'the '.repeat(2)}.`)).toMatchObject([
    { line: 4 },
  ])
})

describe('in a source', () => {
  test('comments, doc comments and strings of several words are read, with their lines', () => {
    const source = [
      '/**',
      ' * Doc of it.',
      ' */',
      '// One sentence',
      '// on two lines.',
      "const one = 'a text for people'",
      'const two = `a text with ${one} inside of it`',
      "const sql = 'select one from some table'",
      "const key = 'a_key'",
    ].join('\n')
    expect(textsOfSource('a.ts', source)).toEqual([
      { line: 1, text: '\nDoc of it.\n' },
      { line: 4, text: 'One sentence\non two lines.' },
      { line: 6, text: 'a text for people' },
      { line: 7, text: 'a text with `x` inside of it' },
    ])
  })

  test('a comment of more than 100 columns is wide, code of that width is not', () => {
    const source = `// ${'x'.repeat(98)}\nconst text = '${'x'.repeat(98)}'\n`
    expect(findWideComments('a.ts', source)).toEqual([{ line: 1, columns: 101 }])
  })
})

test('a line of a page is wide beyond 120 columns, whatever the length of a URL or a command', () => {
  const wide = 'x'.repeat(121)
  expect(findWideMarkdown(`${wide}\n<https://example.com/${wide}>\n`)).toEqual([
    { line: 1, columns: 121 },
  ])
  expect(findWideMarkdown(`\`\`\`sh\n${wide}\n\`\`\`\n`)).toEqual([])
})
