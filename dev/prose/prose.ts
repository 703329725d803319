/**
 * `npm run prose`: checks that the texts people read are in plain English. Part of `npm run check`.
 *
 * Checks the Markdown pages, `.env.example`, and in every source the comments and the strings of
 * words. Chinese pages are checked only for the width of their lines. `npm run prose -- lib/core`
 * checks one folder or file.
 */
import { globSync, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { answerHelp } from '../program/command-line.ts'
import { lint } from './lint.ts'
import { findWideComments, findWideMarkdown, textsOfSource } from './texts.ts'

const SETTINGS = '.env.example'
const EVERYTHING = '{*,{api,dev,docs,lib,miniprogram,test}/**/*}'

answerHelp('npm run prose [-- PATH...]    plain English, in the given folders and files or in all')

const root = resolve(import.meta.dirname, '../..')
const { positionals } = parseArgs({ allowPositionals: true })

const find = (places: string): readonly string[] =>
  globSync(`${places}.{md,ts,tsx}`, { cwd: root, exclude: ['**/node_modules'] })

function filesOf(path: string): readonly string[] {
  const found = statSync(resolve(root, path), { throwIfNoEntry: false })
  if (found === undefined) {
    console.error(`There is no file or folder ${path}.`)
    return process.exit(2)
  }
  return found.isFile() ? [path] : find(`${path.replace(/\/$/, '')}/**/*`)
}

async function complaintsAbout(file: string): Promise<readonly string[]> {
  const content = readFileSync(resolve(root, file), 'utf8')
  const isPage = !/\.tsx?$/.test(file)
  const page = file === SETTINGS ? content.replaceAll(/^(?:# ?|[A-Z].*)/gm, '') : content
  const texts = isPage ? [{ text: page, line: 1 }] : textsOfSource(file, content)
  const isEnglish = !file.endsWith('.zh-CN.md')
  const wide = isPage ? findWideMarkdown(content) : findWideComments(file, content)
  const complaints = wide.map(({ line, columns }) => ({ line, reason: `${columns} columns wide` }))
  for (const { text, line } of isEnglish ? texts : [])
    for (const complaint of await lint(text))
      complaints.push({ line: line + complaint.line - 1, reason: complaint.reason })
  return complaints
    .toSorted((a, b) => a.line - b.line)
    .map(({ line, reason }) => `${file}:${line}  ${reason}`)
}

const files =
  positionals.length > 0 ? positionals.flatMap(filesOf) : [SETTINGS, ...find(EVERYTHING)]
const complaints = (await Promise.all(files.toSorted().map(complaintsAbout))).flat()
for (const complaint of complaints) console.log(complaint)
console.log(`${files.length} files, ${complaints.length} complaints`)
process.exitCode = complaints.length === 0 ? 0 : 1
