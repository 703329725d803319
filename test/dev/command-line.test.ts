/** What the programs of package.json do with their command line. */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

async function run(program: string, options: readonly string[], more: Record<string, string> = {}) {
  const { npm_lifecycle_event: _script, ...env } = process.env
  const child = spawn(process.execPath, [resolve(root, program), ...options], {
    env: { ...env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done))
  const [code, out, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { code, out, errors }
}

test.each([
  ['dev/start.ts', 'start', 'fresh', 'npm kept --fresh for itself: write npm start -- --fresh\n'],
  ['dev/migrate.ts', 'migrate', 'build', 'npm kept --build for itself: write npm run migrate -- --build\n'],
  ['dev/doctor.ts', 'doctor', 'json', 'npm kept --json for itself: write npm run doctor -- --json\n'],
])('%s says how to write an option that npm kept for itself', async (program, script, option, errors) => {
  const env = { npm_lifecycle_event: script, [`npm_config_${option}`]: 'true', DATABASE_URL: '', PORT: '0' }
  expect(await run(program, [], env)).toEqual({ code: 2, out: '', errors })
})
