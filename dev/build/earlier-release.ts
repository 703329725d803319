/**
 * The sources of 0.1.0, from the history of this repository, for tests of a rollback: its functions
 * must work on the tables of the current version.
 */
import { execFile } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { rolldown } from 'rolldown'
import type { Account } from '../../lib/core/account.ts'
import { migrations } from '../../lib/stores/schema.ts'
import { runNpm } from '../program/npm.ts'
import { PlainError } from '../program/plain-error.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')

/**
 * The last commit of 0.1.0: the next one added the traces, which CHANGELOG.md lists after 0.1.0.
 */
const COMMIT = 'a1a80f3f329ca98b9fc736e5783d62e7655282c0'

/** One sentence; null if the history has the release. */
export async function whyReleaseIsMissing(): Promise<string | null> {
  try {
    await run('git', ['cat-file', '-e', `${COMMIT}^{commit}`], { cwd: root })
    return null
  } catch {
    return 'The history of this copy does not have the sources of 0.1.0. In a shallow clone, run git fetch --unshallow.'
  }
}

/**
 * Writes the sources of the release or of another commit, and installs its own packages.
 *
 * @throws PlainError if npm cannot install them
 */
export async function checkOutRelease(directory: string, commit = COMMIT): Promise<void> {
  await mkdir(directory, { recursive: true })
  const archive = join(directory, 'release.tar')
  await run('git', ['archive', '--format=tar', '--output', archive, commit], { cwd: root })
  await run('tar', ['-xf', archive, '-C', directory])
  await rm(archive)
  const errors = await runNpm(directory, ['ci', '--prefer-offline'])
  if (errors !== null)
    throw new PlainError(`npm could not install the packages of ${commit.slice(0, 7)}:\n${errors}`)
}

/**
 * Bundles the functions of a release that is checked out, so that `api/` in `target` leads to them.
 */
export async function bundleRelease(release: string, target: string): Promise<void> {
  const names = (await readdir(join(release, 'api'))).map((name) => name.replace(/\.ts$/, ''))
  const build = await rolldown({
    input: Object.fromEntries(names.map((name) => [name, join(release, 'api', `${name}.ts`)])),
    cwd: release,
    platform: 'node',
  })
  await build.write({ dir: join(target, 'dist'), format: 'esm', entryFileNames: '[name].mjs' })
  await build.close()
  await mkdir(join(target, 'api'), { recursive: true })
  await writeFile(join(target, 'package.json'), '{"type":"module"}')
  for (const name of names)
    await writeFile(
      join(target, 'api', `${name}.ts`),
      `export { default } from '../dist/${name}.mjs'\n`,
    )
}

/** Has the tests of a release that is checked out run on the tables of the current version. */
export async function giveCurrentTables(release: string, account: Account): Promise<void> {
  const current = migrations.map(({ name, statements, indexes = [] }) => ({
    name,
    statements: [
      ...statements(account),
      ...indexes.map((index) => `create index ${index.name} on ${index.table} ${index.by}`),
    ],
  }))
  await writeFile(
    join(release, 'lib/stores/schema.ts'),
    `export interface Migration { readonly name: string; readonly statements: readonly string[] }
export const migrations: readonly Migration[] = ${JSON.stringify(current)}
`,
  )
}
