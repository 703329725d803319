/** Puts the figures where people read them: between the marks of `docs/performance.md`, and its picture beside it. */
import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { PlainError } from '../program/plain-error.ts'
import { draw } from './picture.ts'
import type { Result } from './results.ts'
import { toMarkdown } from './table.ts'

const docs = resolve(import.meta.dirname, '../../docs')
const [BEGIN, END] = ['<!-- figures: npm run bench -->', '<!-- end of figures -->']

/** @throws PlainError when the page has lost its marks. */
export async function writePage(results: readonly Result[]): Promise<void> {
  const file = resolve(docs, 'performance.md')
  const page = await readFile(file, 'utf8')
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin)
    throw new PlainError(
      `docs/performance.md needs the marks ${BEGIN} and ${END}: the figures go between them.`,
    )
  await writeFile(
    resolve(docs, 'performance.svg'),
    draw(results.flatMap(({ table }) => table.plot ?? [])),
  )
  await writeFile(
    file,
    `${page.slice(0, begin + BEGIN.length)}\n\n${toSections(results)}\n\n${page.slice(end)}`,
  )
}

function toSections(results: readonly Result[]): string {
  const occasions = new Set(results.map(({ measured }) => measured))
  const [first] = occasions
  // One run, as a rule; where a part was measured again, each says when.
  const isOneRun = occasions.size === 1
  const sections = results.map(({ measured, table }) =>
    [
      `## ${table.title}`,
      table.about,
      toMarkdown(table),
      ...(table.notes.length > 0 ? [table.notes.map((note) => `- ${note}`).join('\n')] : []),
      ...table.missed.map((aim) => `**Missed:** ${aim}.`),
      ...(isOneRun ? [] : [`Run ${measured}.`]),
    ].join('\n\n'),
  )
  return [
    isOneRun
      ? `All of it measured in one run, ${first}.`
      : 'Measured in several runs: each table says in which.',
    '![The figures below as plots](performance.svg)',
    ...sections,
  ].join('\n\n')
}
