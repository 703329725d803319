/**
 * `npm run test:rollback`: payments through the functions of 0.1.0 and the current ones on one
 * database, one after another and at the same time, then the integration tests of 0.1.0 on the
 * tables of the current version.
 *
 * It installs the packages of 0.1.0 from npm's cache or the registry. The tests are skipped if the
 * history of this copy does not have the sources of 0.1.0.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { accountSettings } from '../lib/config/wechat.ts'
import {
  bundleRelease,
  checkOutRelease,
  giveCurrentTables,
  whyReleaseIsMissing,
} from './build/earlier-release.ts'
import { readNoOptions } from './program/command-line.ts'
import { demoValues } from './world/demo-values.ts'

readNoOptions(
  'npm run test:rollback    0.1.0 on the current tables: payments, and its integration tests',
)

/** It compares the tables with those that 0.1.0 makes. */
const ABOUT_OWN_TABLES = 'migrations.test.ts'

/** @param root of the sources whose vitest runs */
async function runVitest(
  root: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const vitest = spawn(
    process.execPath,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...args],
    { cwd: root, env: { ...process.env, ...env }, stdio: 'inherit' },
  )
  return new Promise((done) => vitest.once('close', (code) => done(code ?? 1)))
}

async function runTestsOfRelease(release: string): Promise<number> {
  await giveCurrentTables(release, accountSettings(demoValues))
  const stores = (await readdir(join(release, 'test/stores')))
    .filter((name) => name.endsWith('.test.ts') && name !== ABOUT_OWN_TABLES)
    .map((name) => `test/stores/${name}`)
  return runVitest(release, [
    '--config',
    'test/vitest.config.ts',
    // Some of its tests measure time, and fail on a machine that is busy with other work.
    '--retry=2',
    'test/api',
    'test/steps',
    'test/attacks.test.ts',
    ...stores,
  ])
}

const reason = await whyReleaseIsMissing()
if (reason === null) {
  const release = await mkdtemp(join(tmpdir(), 'rollback-'))
  try {
    await checkOutRelease(release)
    const functions = join(release, 'functions')
    await bundleRelease(release, functions)
    const codes = [
      await runVitest(
        resolve(import.meta.dirname, '..'),
        ['--config', 'test/rollback/vitest.config.ts'],
        { EARLIER_RELEASE: release, EARLIER_FUNCTIONS: functions },
      ),
      await runTestsOfRelease(release),
    ]
    process.exitCode = Math.max(...codes)
  } finally {
    await rm(release, { recursive: true, force: true })
  }
} else console.log(`Skipped. ${reason}`)
