/** The command-line options of the programs in package.json. */
import { spawn } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { readNumber } from '../../dev/program/command-line.ts'
import { listen } from '../../dev/world/listen.ts'

const root = resolve(import.meta.dirname, '../..')

async function run(program: string, options: readonly string[], more: Record<string, string> = {}) {
  const { npm_lifecycle_event: _script, ...env } = process.env
  const child = spawn(process.execPath, [resolve(root, program), ...options], {
    env: { ...env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((done, fail) =>
    child.once('error', fail).once('close', done),
  )
  const [code, out, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { code, out, errors }
}

test.each([
  ['dev/start.ts', 'start', 'fresh', 'npm kept --fresh for itself: write npm start -- --fresh\n'],
  [
    'dev/migrate.ts',
    'migrate',
    'build',
    'npm kept --build for itself: write npm run migrate -- --build\n',
  ],
  [
    'dev/doctor.ts',
    'doctor',
    'json',
    'npm kept --json for itself: write npm run doctor -- --json\n',
  ],
])('%s says how to pass an option that npm consumed', async (program, script, option, errors) => {
  const env = {
    npm_lifecycle_event: script,
    [`npm_config_${option}`]: 'true',
    DATABASE_URL: '',
    PORT: '0',
  }
  expect(await run(program, [], env)).toEqual({ code: 2, out: '', errors })
})

const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(resolve(root, 'package.json'), 'utf8'),
)
const programs = Object.values(scripts).filter((script) => script.startsWith('node '))

test.each(programs)('%s --help prints the usage, and does nothing else', async (script) => {
  const before = statSync(resolve(root, 'public/openapi.json')).mtimeMs
  const program = /^node (?:-- )?(\S+\.ts)$/.exec(script)?.[1]
  // A script with more commands after the program would pass --help to the last of them.
  expect(program, script).toBeDefined()
  const { code, out, errors } = await run(program ?? '', ['--help'])
  expect([code, errors]).toEqual([0, ''])
  expect(out).toMatch(/^Usage: npm (?:run )?[\w:-]+/)
  expect(out.split('\n').length).toBeLessThan(20)
  expect(statSync(resolve(root, 'public/openapi.json')).mtimeMs).toBe(before)
})

test.each(['dev/demo.ts', 'dev/openapi.ts', 'dev/deploy-button.ts', 'dev/sql.ts', 'dev/doctor.ts'])(
  '%s names an unknown option',
  async (program) => {
    expect(await run(program, ['--nonsense'])).toEqual({
      code: 2,
      out: '',
      errors: expect.stringMatching(/^Unknown option '--nonsense'\nUsage: npm run /),
    })
  },
)

test.each([
  ['--histories', '0', 1],
  ['--workers', 'two', 1],
  ['--rules', '1.5', 0],
  ['--missed', '01', 0],
])('npm run simulate refuses %s %s', async (option, value, least) => {
  expect(await run('test/simulation/simulate.ts', ['--power', option, value])).toEqual({
    code: 2,
    out: '',
    errors: `${option} takes a whole number from ${least} on\n`,
  })
})

test('the numbers of rules, mutations and missed defects can be zero', () => {
  expect(readNumber('rules', '0', 0)).toBe(0)
})

test('a port that fetch refuses is refused under the name of its variable', async () => {
  await expect(listen('127.0.0.1', 6000)).rejects.toThrow('Set PORT to another one.')
})

test('npm run sql says that DATABASE_URL is invalid', async () => {
  const { code, out, errors } = await run('dev/sql.ts', ['select 1'], { DATABASE_URL: 'nonsense' })
  expect([code, out, errors]).toEqual([
    1,
    '',
    expect.stringMatching(/^DATABASE_URL is not .*\.\n$/),
  ])
})

describe('a production build of a shop that ships everything as virtual', () => {
  const production = {
    VERCEL: '1',
    VERCEL_ENV: 'production',
    WECHAT_AUTO_SHIPPING: 'virtual',
    DATABASE_URL: '',
  }

  test('fails without WECHAT_VIRTUAL_GOODS_ALLOWED, and names it', async () => {
    const { code, errors } = await run('dev/migrate.ts', ['--build'], production)
    expect([code, errors]).toEqual([
      1,
      expect.stringContaining(
        'WECHAT_VIRTUAL_GOODS_ALLOWED is not set, so this version would take no order',
      ),
    ])
  })

  test.each([
    ['it is set', { ...production, WECHAT_VIRTUAL_GOODS_ALLOWED: '1' }],
    ['the goods are picked up', { ...production, WECHAT_AUTO_SHIPPING: 'self_pickup' }],
    ['the build is a preview', { ...production, VERCEL_ENV: 'preview' }],
  ])('goes on if %s', async (_, environment) => {
    expect((await run('dev/migrate.ts', ['--build'], environment)).code).toBe(0)
  })
})
