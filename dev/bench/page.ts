/**
 * Stores the newest result of each part, and writes all of them to `docs/performance.md` and
 * `docs/performance.svg`. The results are committed, so that any machine can measure one part again
 * without the others.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import * as v from 'valibot'
import { PlainError } from '../program/plain-error.ts'
import { draw } from './picture.ts'
import { tableSchema, toMarkdown } from './table.ts'

const resultSchema = v.object({
  /** The date and the machine. */
  measured: v.string(),
  table: tableSchema,
})
type Result = v.InferOutput<typeof resultSchema>

const root = resolve(import.meta.dirname, '../..')
const directory = join(import.meta.dirname, 'results')
const fileOf = (name: string): string => join(directory, `${name}.json`)

export async function storeResult(name: string, result: Result): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(fileOf(name), `${JSON.stringify(result, null, 2)}\n`)
}

/** Undefined if this part was never measured, or only by a version with other figures. */
export async function findResult(name: string): Promise<Result | undefined> {
  const stored = await readFile(fileOf(name), 'utf8').catch(() => '')
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), resultSchema), stored)
  return result.success ? result.output : undefined
}

const [BEGIN, END] = ['<!-- figures: npm run bench -->', '<!-- end of figures -->']

/** @throws PlainError if the page has lost its marks. */
export async function writePage(results: readonly Result[]): Promise<void> {
  const file = join(root, 'docs/performance.md')
  const page = await readFile(file, 'utf8')
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin)
    throw new PlainError(
      `docs/performance.md needs the marks ${BEGIN} and ${END}: the figures go between them.`,
    )
  const picture = draw(results.flatMap(({ table }) => table.plot ?? []))
  await writeFile(join(root, 'docs/performance.svg'), picture)
  await writeFile(
    file,
    `${page.slice(0, begin + BEGIN.length)}\n\n${toSections(results)}\n\n${page.slice(end)}`,
  )
}

function toSections(results: readonly Result[]): string {
  const [first, ...others] = new Set(results.map(({ measured }) => measured))
  const isOneRun = others.length === 0
  const sections = results.map(({ measured, table }) =>
    [
      `## ${table.title}`,
      wrap(table.about),
      toMarkdown(table),
      ...(table.notes.length > 0 ? [table.notes.map((note) => wrap(`- ${note}`)).join('\n')] : []),
      ...table.missed.map((aim) => wrap(`**Missed:** ${aim}.`)),
      ...(isOneRun ? [] : [`Run ${measured}.`]),
    ].join('\n\n'),
  )
  return [
    isOneRun
      ? `All figures were measured in one run, ${first}.`
      : 'The figures were measured in several runs. Each table names its run.',
    '![The figures below as plots](performance.svg)',
    ...sections,
  ].join('\n\n')
}

const PAGE_COLUMNS = 120

/** A list item continues below its text. */
function wrap(text: string): string {
  const indent = text.startsWith('- ') ? '  ' : ''
  return text.split(' ').reduce((lines, word) => {
    const { length } = lines.slice(lines.lastIndexOf('\n') + 1)
    return length + 1 + word.length > PAGE_COLUMNS
      ? `${lines}\n${indent}${word}`
      : `${lines} ${word}`
  })
}
