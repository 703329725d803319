/**
 * The parts of a deployment: the build, its settings, the example of an environment and both
 * READMEs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseEnv } from 'node:util'
import * as v from 'valibot'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readRepository, writeButtons } from '../dev/deploy-button.ts'
import { completeEnvironment, findStandIns } from '../dev/world/environment.ts'
import { readRouting } from '../dev/world/vercel-json.ts'

const root = resolve(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8')

const PRODUCTION = 'postgresql://owner:secret@ep-quiet-1.nowhere.invalid/shop'

async function runProgram(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ code: unknown; output: string }> {
  const child = spawn(process.execPath, command, {
    cwd: root,
    env: { SystemRoot: process.env['SystemRoot'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { code, output: output + errors }
}

test.each([
  ['dev/bundle.ts', []],
  ['dev/migrate.ts', ['--build']],
])(
  'on Vercel %s fails the build if VERCEL_ENV is missing, and names the setting to switch on',
  async (program, options) => {
    for (const env of [
      { VERCEL: '1' },
      { VERCEL: '1', VERCEL_ENV: '', DATABASE_URL: PRODUCTION },
    ]) {
      const { code, output } = await runProgram([program, ...options], env)
      expect(code).toBe(1)
      expect(output).toContain('VERCEL_ENV is not set')
      expect(output).toContain(
        'Settings → Environment Variables, tick "Automatically expose System Environment Variables"',
      )
    }
  },
)

const DEPENDENCIES = v.object({
  dependencies: v.record(v.string(), v.string()),
  devDependencies: v.record(v.string(), v.string()),
})

test('the project depends on no package that Vercel detects as a framework', () => {
  const { dependencies, devDependencies } = v.parse(DEPENDENCIES, JSON.parse(read('package.json')))
  // Vercel detects each of these by its name, and would then serve one page on every path.
  const frameworks = [
    'elysia',
    'express',
    'fastify',
    'h3',
    'hono',
    'koa',
    'nitro',
    'nitropack',
    '@nestjs/core',
    'next',
    'vite',
    'nuxt',
  ]
  expect(
    Object.keys({ ...dependencies, ...devDependencies }).filter((name) =>
      frameworks.includes(name),
    ),
  ).toEqual([])
})

test('vercel.json uses only settings that Vercel documents', () => {
  const settings = [
    '$schema',
    'framework',
    'buildCommand',
    'outputDirectory',
    'cleanUrls',
    'regions',
    'functions',
    'crons',
    'rewrites',
    'headers',
  ]
  expect(
    Object.keys(
      v.parse(v.record(v.string(), v.unknown()), JSON.parse(read('vercel.json'))),
    ).toSorted(),
  ).toEqual(settings.toSorted())
})

describe('the build and the database', () => {
  const build = (env: Readonly<Record<string, string>>) => runMigrate(['--build'], env)

  const runMigrate = (options: readonly string[], env: Readonly<Record<string, string>>) =>
    runProgram(['dev/migrate.ts', ...options], env)

  test('vercel.json lets the build migrate the database', () => {
    expect(JSON.parse(read('vercel.json'))).toMatchObject({
      buildCommand: 'npm run bundle && npm run migrate -- --build',
    })
  })

  test.each([
    [
      'a preview does not touch the database of production',
      { VERCEL_ENV: 'preview', DATABASE_URL: PRODUCTION },
    ],
    ['a build on another machine does not touch the database', { DATABASE_URL: PRODUCTION }],
  ])('%s', async (_, env) => {
    expect(await build(env)).toEqual({
      code: 0,
      output: 'This is not a production build: no database is touched.\n',
    })
  })

  test.each([[{ VERCEL_ENV: 'production' }], [{ VERCEL_ENV: 'production', DATABASE_URL: '' }]])(
    'a first build without a database succeeds and names the next step',
    async (env) => {
      const { code, output } = await build(env)
      expect(code).toBe(0)
      expect(output).toContain('DATABASE_URL is not set for Production')
    },
  )

  test('a migration by hand without a database names the files that it did not read', async () => {
    const { code, output } = await runMigrate([], {})
    expect(code).toBe(1)
    expect(output).toContain('DATABASE_URL is not set')
    expect(output).toContain('.env.local is not')
  })

  test.each([
    [
      'cannot be reached',
      PRODUCTION,
      'The database of DATABASE_URL was not migrated: the database cannot be reached over HTTP',
    ],
    ['is not PostgreSQL', 'redis://shop', 'DATABASE_URL is not a PostgreSQL URL'],
  ])(
    'the build fails with a reason if production’s database %s, so that the previous version stays',
    async (_, url, why) => {
      const { code, output } = await build({ VERCEL_ENV: 'production', DATABASE_URL: url })
      expect(code).toBe(1)
      expect(output).toContain(why)
      expect(output).not.toContain('secret')
    },
  )
})

test('only the reference can be read from another site', () => {
  const { headersFor } = readRouting(root)
  const open = (path: string) =>
    headersFor(path).filter(({ key }) => key === 'Access-Control-Allow-Origin')
  expect(open('/openapi.json')).toEqual([{ key: 'Access-Control-Allow-Origin', value: '*' }])
  expect([...open('/'), ...open('/api/orders'), ...open('/openapi.jsonx')]).toEqual([])
})

describe('.env.example', () => {
  test('has only empty variables, so that a copy of it changes nothing in the local world', () => {
    const copied = parseEnv(read('.env.example'))
    expect(Object.keys(copied).length).toBeGreaterThan(20)
    expect(Object.values(copied).filter((value) => value !== '')).toEqual([])
    const url = 'http://127.0.0.1:3000'
    expect(findStandIns(copied)).toEqual(findStandIns({}))
    expect(completeEnvironment(copied, findStandIns(copied), url)).toEqual(
      completeEnvironment({}, findStandIns({}), url),
    )
  })

  test('does not contain the variables that the marketplace of Vercel sets', () => {
    const set = ['DATABASE_URL', 'KV_REST_API_URL', 'KV_REST_API_TOKEN']
    expect(set.filter((name) => Object.hasOwn(parseEnv(read('.env.example')), name))).toEqual([])
    expect(set.filter((name) => !read('.env.example').includes(`\n# ${name}=\n`))).toEqual([])
  })
})

describe.each(['README.md', 'README.zh-CN.md'])('the Deploy button of %s', (page) => {
  const target =
    /\[!\[[^\]]*\]\(https:\/\/vercel\.com\/button\)\]\((\S+)\)/.exec(read(page))?.[1] ?? ''
  const parameters = new URL(target, 'https://nowhere.invalid').searchParams

  test('asks for the values that only the merchant knows, and gets the stores from the marketplace', () => {
    expect(target).toMatch(/^https:\/\/vercel\.com\/new\/clone\?/)
    expect(parameters.get('env')).toBe(
      'WECHAT_APPID,WECHAT_APP_SECRET,WECHAT_MCH_ID,WECHAT_PAY_KEY,SESSION_SECRET,MERCHANT_API_KEY,CRON_SECRET',
    )
    expect(JSON.parse(parameters.get('products') ?? '')).toEqual([
      { type: 'integration', protocol: 'storage', integrationSlug: 'neon', productSlug: 'neon' },
      {
        type: 'integration',
        protocol: 'storage',
        integrationSlug: 'upstash',
        productSlug: 'upstash-kv',
      },
    ])
  })

  test('copies the repository of origin after npm run deploy-button', () => {
    const directory = mkdtempSync(join(tmpdir(), 'deploy-button-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    for (const name of ['README.md', 'README.zh-CN.md'])
      writeFileSync(join(directory, name), read(name))
    for (const remote of [
      'git@github.com:first-shop/pay.git',
      'https://github.com/first-shop/tea',
    ]) {
      const repository = readRepository(remote)
      writeButtons(directory, repository)
      const [written] = [readFileSync(join(directory, page), 'utf8')]
      expect(written).toBe(
        read(page).replaceAll(/your-name%2Fwechat-pay-functions/g, repository.replace('/', '%2F')),
      )
    }
  })

  test('is preceded by the instruction to run npm run deploy-button first', () => {
    expect(read(page).split('[![')[0]).toMatch(
      /\*\*[^*]*`your-name`[^*]*`npm run deploy-button`[^*]*\*\*/,
    )
  })

  test('links to an explanation in the repository that it copies', () => {
    expect(parameters.get('envLink')).toBe(
      `${parameters.get('repository-url')}/blob/main/.env.example`,
    )
  })
})

test.each([
  ['git@github.com:shop/pay.git', 'shop/pay'],
  ['ssh://git@github.com/shop/pay.git', 'shop/pay'],
  ['https://github.com/shop/pay.js.git\n', 'shop/pay.js'],
  ['https://x-access-token:secret@github.com/shop/pay', 'shop/pay'],
])('the repository of the remote %s is %s', (remote, repository) => {
  expect(readRepository(remote)).toBe(repository)
})

test('a remote outside GitHub has no button, and the error names another way to deploy', () => {
  for (const remote of [
    '/srv/pay.git',
    'https://gitlab.com/shop/pay.git',
    'https://github.com/shop',
  ])
    expect(() => readRepository(remote)).toThrow('import the project in Vercel by hand')
})

test.each([
  ['README.md', 'README.zh-CN.md'],
  ['docs/deploying.md', 'docs/deploying.zh-CN.md'],
])('%s and %s give the same commands', (english, chinese) => {
  const commands = (page: string): readonly string[] =>
    [...read(page).matchAll(/^ *```sh\n([^]*?)^ *```/gm)].map(([, block = '']) => block)
  expect(commands(english).length).toBeGreaterThan(1)
  expect(commands(chinese)).toEqual(commands(english))
})
