/** Defects made by Stryker's mutators, in the code that handles money and messages. */
import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Instrumenter } from '@stryker-mutator/instrumenter'
import type { Random } from '../random.ts'
import type { PlantedDefect } from './planted-defect.ts'

const MUTATED = ['lib/steps/*.ts', 'lib/stores/*.ts', 'lib/wechat/**/*.ts']

const OPTIONS = { plugins: null, ignorers: [], excludedMutations: [], noHeader: true }

const no = () => false
const nothing = () => undefined
/** The instrumenter needs a logger like Stryker's. */
const silent = {
  isTraceEnabled: no,
  isDebugEnabled: no,
  isInfoEnabled: no,
  isWarnEnabled: no,
  isErrorEnabled: no,
  isFatalEnabled: no,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
}

/** Returns this many different mutations. The same generator gives the same ones. */
export async function pickMutations(
  root: string,
  count: number,
  random: Random,
): Promise<readonly PlantedDefect[]> {
  const files = await Promise.all(
    MUTATED.flatMap((pattern) => globSync(pattern, { cwd: root }))
      .toSorted()
      .map(async (name) => ({
        name,
        mutate: true,
        content: await readFile(join(root, name), 'utf8'),
      })),
  )
  const { mutants } = await new Instrumenter(silent).instrument(files, OPTIONS)
  const contents = new Map(files.map(({ name, content }) => [name, content]))
  return random
    .sample(mutants, count)
    .map((mutant) => toDefect(mutant, contents.get(mutant.fileName) ?? ''))
}

type Mutant = Awaited<ReturnType<Instrumenter['instrument']>>['mutants'][number]

/** Lines and columns of a mutant begin at 0. */
function toDefect(
  { fileName, mutatorName, location, replacement }: Mutant,
  content: string,
): PlantedDefect {
  const { start, end } = location
  const lines = content.split('\n')
  const offset = ({ line, column }: typeof start) =>
    lines.slice(0, line).reduce((sum, { length }) => sum + length + 1, column)
  const [from, to] = [offset(start), offset(end)]
  const change = `${inBrief(content.slice(from, to))} becomes ${inBrief(replacement)}`
  return {
    what: `${mutatorName} at ${fileName}:${start.line + 1}:${start.column + 1}: ${change}`,
    file: fileName,
    plant: (code) => `${code.slice(0, from)}${replacement}${code.slice(to)}`,
  }
}

/** On one line and in one cell of a table. */
const inBrief = (code: string): string =>
  code.replaceAll(/\s+/g, ' ').replaceAll('|', '/').slice(0, 60)
