/**
 * The sources of 0.1.0, from the history of this repository, for tests of a rollback: its functions
 * must work on the tables of the current version.
 */
import { execFile } from 'node:child_process'
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { rolldown } from 'rolldown'
import type { Account } from '../../lib/core/account.ts'
import { migrations } from '../../lib/stores/schema.ts'

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

/** Writes the sources of the release or of another commit, with the packages of the current one. */
export async function checkOutRelease(directory: string, commit = COMMIT): Promise<void> {
  await mkdir(directory, { recursive: true })
  const archive = join(directory, 'release.tar')
  await run('git', ['archive', '--format=tar', '--output', archive, commit], { cwd: root })
  await run('tar', ['-xf', archive, '-C', directory])
  await rm(archive)
  await linkPackages(join(directory, 'node_modules'))
}

/**
 * 0.1.0 presents its certificate by undici, which is no longer a dependency. The local world asks
 * for no certificate, so the agent of Node's own `fetch` takes its place.
 */
const UNDICI = `export class Agent {
  constructor() {
    return globalThis[Symbol.for('undici.globalDispatcher.1')]
  }
}
`

async function linkPackages(directory: string): Promise<void> {
  await mkdir(join(directory, 'undici'), { recursive: true })
  const installed = join(root, 'node_modules')
  for (const name of await readdir(installed))
    await symlink(join(installed, name), join(directory, name), 'junction')
  await writeFile(
    join(directory, 'undici/package.json'),
    '{"name":"undici","version":"0.0.0","type":"module","exports":"./index.js"}',
  )
  await writeFile(join(directory, 'undici/index.js'), UNDICI)
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
