/**
 * `npm run guards`: removes each guard from a copy of the code, one at a time, and runs histories
 * until one breaks a promise. If no history fails, either the simulation has a gap or the code
 * needs no such guard.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { readOptions } from '../../dev/program/command-line.ts'
import { guards, type Guard } from './guard-list.ts'

const root = resolve(import.meta.dirname, '../..')
const values = readOptions('npm run guards -- [--histories N] [--seed N] [--only WORDS]', {
  /** Part of the description: only these guards are removed. */
  only: { type: 'string', default: '' },
  histories: { type: 'string', default: '4000' },
  seed: { type: 'string', default: '1' },
})

const copy = await mkdtemp(join(tmpdir(), 'guards-'))
const undetected: string[] = []
const chosen = guards.filter(({ what }) => what.includes(values.only))
let search: ChildProcess | undefined
process.once('SIGINT', () => {
  search?.kill()
  rmSync(copy, { recursive: true })
  process.exit(130)
})
try {
  for (const part of ['api', 'lib', 'dev', 'test', 'package.json', 'tsconfig.json', 'vercel.json'])
    await cp(join(root, part), join(copy, part), { recursive: true })
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
  console.log('| without the guard that | noticed after | because |\n| --- | ---: | --- |')
  for (const guard of chosen) await tryWithout(guard)
} finally {
  await rm(copy, { recursive: true })
}
console.log(
  undetected.length === 0
    ? `\nall ${chosen.length} noticed`
    : `\nnot noticed: ${undetected.join('; ')}`,
)
process.exitCode = undetected.length === 0 ? 0 : 1

async function tryWithout({ what, file, from, to }: Guard): Promise<void> {
  const path = join(copy, file)
  const before = await readFile(path, 'utf8')
  if (before.split(from).length !== 2)
    throw new Error(`${file} must contain this exactly once: ${from}`)
  await writeFile(
    path,
    before.replace(from, () => to),
  )
  const program = [
    'test/simulation/simulate.ts',
    '--quick',
    '--histories',
    values.histories,
    '--seed',
    values.seed,
  ]
  const child = spawn(process.execPath, program, {
    cwd: copy,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  search = child
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  await writeFile(path, before)
  const [, why = ''] = /^seed \d+: (.*)$/m.exec(output) ?? []
  const [, count = ''] = /^(\d+) histories/m.exec(output) ?? []
  if (count === '') throw new Error(`the search without "${what}" did not finish:\n${errors}`)
  if (why === '') undetected.push(what)
  console.log(
    `| ${what} | ${why === '' ? 'never' : `${count} histories`} | ${
      why
        .split('; ')[0]
        ?.replaceAll(/\(?[\w-]{20,}\)?/g, '')
        .trim() ?? ''
    } |`,
  )
}
