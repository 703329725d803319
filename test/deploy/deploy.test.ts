/**
 * The deployed project: built by Vercel's own tool, routed by its own routes, and run as in
 * production.
 *
 * No address is overridden. WeChat, Neon, Upstash, the merchant's webhook and the shop's domain are
 * stand-ins on this machine, reached over TLS under their real names. Vercel's production launcher
 * is not public; `host.ts` is a model of it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployedPages } from '../../dev/build/page-files.ts'
import { takeOnePayment } from '../../dev/demo/payment.ts'
import { openStage } from '../../dev/demo/stage.ts'
import { startWorld, type World } from '../../dev/world/world.ts'
import { readBuildOutput, type BuildOutput } from './build-output.ts'
import { deploy, type Deployment } from './deployment.ts'
import { openInternet, type Internet } from './internet.ts'
import { findDestination } from './route.ts'
import { vercelBuild } from './vercel-build.ts'

const root = resolve(import.meta.dirname, '../..')
const SITE = 'https://pay.example.com'

/** Made-up values, because production refuses those of the local world. */
const SHOP = {
  WECHAT_APPID: 'wx2421b1c4370ec43b',
  WECHAT_APP_SECRET: 'app-secret-of-a-deployed-shop',
  WECHAT_MCH_ID: '1230000109',
  WECHAT_PAY_KEY: '8934e7d15453e97507ef794cf7b0519d',
  SESSION_SECRET: 'session-secret-of-a-deployed-shop-0123',
  MERCHANT_API_KEY: 'merchant-key-of-a-deployed-shop-01234567',
  CRON_SECRET: 'cron-secret-of-a-deployed-shop-0123456789',
  ORDER_WEBHOOK_SECRET: 'whsec_c2VjcmV0LW9mLWEtZGVwbG95ZWQtc2hvcA==',
} as const
const REDIS_TOKEN = 'redis-token-of-a-deployed-shop'

/** The variables of the Production environment, with those that Vercel adds itself. */
const VARIABLES = {
  ...SHOP,
  VERCEL: '1',
  VERCEL_ENV: 'production',
  PUBLIC_URL: SITE,
  DATABASE_URL:
    'postgresql://owner:secret@ep-quiet-shop-1-pooler.ap-southeast-1.aws.neon.tech/shop?sslmode=require',
  KV_REST_API_URL: 'https://quiet-shop-1.upstash.io',
  KV_REST_API_TOKEN: REDIS_TOKEN,
  ORDER_WEBHOOK_URL: 'https://orders.example.com/events',
}

const vercelSettings = v.object({
  functions: v.record(v.string(), v.object({ maxDuration: v.number() })),
  crons: v.array(v.object({ path: v.string(), schedule: v.string() })),
  headers: v.array(
    v.object({ headers: v.array(v.object({ key: v.string(), value: v.string() })) }),
  ),
})
const settings = v.parse(
  vercelSettings,
  JSON.parse(readFileSync(join(root, 'vercel.json'), 'utf8')),
)
const headersOf = (at: number) =>
  Object.fromEntries((settings.headers[at]?.headers ?? []).map(({ key, value }) => [key, value]))

const FUNCTIONS = readdirSync(join(root, 'api')).map((name) => `api/${name.replace('.ts', '')}`)

const ROUTES = [
  { src: String.raw`^/(?:(.+)/)?index(?:\.html)?/?$`, headers: { Location: '/$1' }, status: 308 },
  { src: String.raw`^/(.*)\.html/?$`, headers: { Location: '/$1' }, status: 308 },
  { src: '^(?:/(.*))$', headers: headersOf(0), continue: true },
  { src: String.raw`^/openapi\.json$`, headers: headersOf(1), continue: true },
  {
    src: String.raw`^/(api(?:.+)?)/index(?:\.(?:ts))?/?$`,
    headers: { Location: '/$1' },
    status: 308,
  },
  { src: String.raw`^/api/(.+)(?:\.(?:ts))/?$`, headers: { Location: '/api/$1' }, status: 308 },
  { handle: 'filesystem' },
  { src: '^/api/console(?:/([^/]+?))$', dest: '/api/console?part=$1', check: true },
  { src: '^/api(/.*)?$', status: 404 },
  { handle: 'error' },
  { src: '^(?!/api).*$', status: 404, dest: '/404' },
]
const setPath = (args: string) => [
  { type: 'request.headers', op: 'set', target: { key: 'x-matched-path' }, args },
]
const ROUTES_TO_MERGED = [
  ...ROUTES,
  { handle: 'hit' },
  { src: '^/index(?:/)?$', transforms: setPath('/'), continue: true, important: true },
  { src: '^/((?!index$).*?)(?:/)?$', transforms: setPath('/$1'), continue: true, important: true },
]

/** The size limit of a zipped function; the same as in dev/build/build-functions.ts. */
const BUDGET_BYTES = 350_000

const program = process.env['VERCEL_PROGRAM'] ?? ''

let world: World
let internet: Internet
beforeAll(async () => {
  if (program === '')
    throw new Error('Run these tests by npm run test:deploy, which installs what they need.')
  // The build migrates the database.
  world = await startWorld({
    env: { ...SHOP, UPSTASH_REDIS_REST_TOKEN: REDIS_TOKEN },
    migrate: false,
  })
  const wechat = `${world.url}/wechat`
  internet = await openInternet(
    new Map([
      ['api.weixin.qq.com', wechat],
      ['api.mch.weixin.qq.com', wechat],
      ['api.ap-southeast-1.aws.neon.tech', `${world.url}/stand-ins/neon`],
      ['quiet-shop-1.upstash.io', `${world.url}/stand-ins/upstash`],
      ['orders.example.com', `${world.url}/merchant`],
    ]),
  )
})
afterAll(async () => {
  await internet.stop()
  await world.stop()
})

describe.each([
  {
    kind: 'one process a function',
    mergesFunctions: false,
    migrations: /schema is current, [1-9]\d* migrations? run/,
  },
  {
    kind: 'all functions merged',
    mergesFunctions: true,
    migrations: /schema is current, 0 migrations run/,
  },
])('$kind', ({ mergesFunctions, migrations }) => {
  let directory: string
  let buildLog: string
  let output: BuildOutput
  let deployment: Deployment
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'vercel-build-'))
    const variables = { ...VARIABLES, CI: '1' }
    buildLog = await vercelBuild({
      program,
      directory,
      variables,
      internetPort: internet.port,
      mergesFunctions,
    })
    output = readBuildOutput(join(directory, 'output'), program)
    deployment = await deploy(join(directory, 'output'), program, internet.port, VARIABLES)
    internet.hosts.set('pay.example.com', deployment.url)
  })
  afterAll(async () => {
    await deployment.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  test('the build bundles every function and migrates the production database', () => {
    expect(buildLog).toContain(`${FUNCTIONS.length} functions bundled`)
    expect(buildLog).toMatch(migrations)
  })

  test('the routes are exactly these, in this order, and cron is called once a day', () => {
    expect(output.config.routes).toEqual(mergesFunctions ? ROUTES_TO_MERGED : ROUTES)
    expect(output.config.crons).toEqual(settings.crons)
  })

  test('every file in api/ is a function on Node 24 with its maxDuration, within the size limit and without other files', () => {
    expect([...output.functions.keys()].toSorted()).toEqual(FUNCTIONS.toSorted())
    for (const [name, { config, directory: own, files }] of output.functions) {
      expect(config, name).toMatchObject({
        handler: mergesFunctions ? '___vc_bundled_api_handler.js' : `${name}.js`,
        runtime: 'nodejs24.x',
        maxDuration: settings.functions[`${name}.ts`]?.maxDuration,
      })
      expect(
        files.filter((path) => !/^(?:api|dist)\//.test(path)),
        name,
      ).toEqual(mergesFunctions ? [config.handler] : [])
      const ours = files.filter((path) => path !== config.handler || !mergesFunctions)
      const bytes = ours
        .map((path) => deflateRawSync(readFileSync(join(own, path))).length)
        .reduce((sum, size) => sum + size, 0)
      expect(bytes, name).toBeLessThan(BUDGET_BYTES)
    }
  })

  test('the pages are those of public/ and the console, and no source is published', () => {
    const names = new Set([...readdirSync(join(root, 'public')), ...deployedPages.keys()])
    const published = [...names].map((name) => name.replace('.html', ''))
    expect([...output.pages.keys()].toSorted()).toEqual(published.toSorted())
  })

  test.each([
    ['/', 200, 'page index'],
    ['/openapi.json', 200, 'page openapi.json'],
    ['/console', 200, 'page console'],
    ['/console.js', 200, 'page console.js'],
    ['/console.css', 200, 'page console.css'],
    ['/console.html', 308, '/console'],
    ['/index.html', 308, '/'],
    ['/404', 200, 'page 404'],
    ['/404/', 200, 'page 404'],
    ['/404.html', 308, '/404'],
    ['/nowhere', 404, 'page 404'],
    ['/lib/composition.ts', 404, 'page 404'],
    ['/api/nowhere', 404, 'nothing'],
    ['/api', 404, 'nothing'],
    ['/api/query', 200, 'function api/query'],
    ['/api/query/', 200, 'function api/query'],
    ['/api/console/complaints', 200, 'function api/console'],
    ['/api/console/complaints/1', 404, 'nothing'],
    ['/api/query.ts', 308, '/api/query'],
  ])('%s is answered with %i: %s', (path, status, what) => {
    const { found, headers, ...destination } = findDestination(output, path)
    expect(destination.status).toBe(status)
    expect(
      headers['location'] ?? (found === null ? 'nothing' : `${found.kind} ${found.path}`),
    ).toBe(what)
  })

  test('over HTTPS a page has its security policy, an unknown path is 404, and a function names a missing field', async () => {
    const page = await fetch(SITE)
    expect([
      page.status,
      page.headers.get('x-frame-options'),
      page.headers.get('content-type'),
    ]).toEqual([200, 'DENY', 'text/html; charset=utf-8'])
    expect((await fetch(`${SITE}/openapi.json`)).headers.get('access-control-allow-origin')).toBe(
      '*',
    )
    const unknown = await fetch(`${SITE}/nowhere`)
    expect([unknown.status, await unknown.text()]).toEqual([
      404,
      readFileSync(join(root, 'public/404.html'), 'utf8'),
    ])
    expect((await fetch(`${SITE}/api/nowhere`)).status).toBe(404)
    const query = await fetch(`${SITE}/api/query?outTradeNo=20260101000000000001`)
    expect([query.status, query.headers.get('content-type')]).toEqual([
      401,
      'application/problem+json',
    ])
  })

  test('a payment works: login, order, prepay, payment, notification, and the merchant receives the event', async () => {
    const [before, logged] = [world.events.length, deployment.log.length]
    const stage = openStage({ ...world, url: SITE, settled: deployment.settled })
    const outTradeNo = await takeOnePayment(stage)
    expect(world.events.slice(before).map(({ body }) => v.parse(event, JSON.parse(body)))).toEqual([
      { type: 'order.paid', data: { outTradeNo } },
    ])
    const notification = stage.wechat
      .notifications()
      .findLast((one) => one.outTradeNo === outTradeNo)
    expect(notification).toMatchObject({ acknowledged: true })
    // No store and no service failed.
    expect(deployment.log.slice(logged).filter((line) => !line.includes('"level":"info"'))).toEqual(
      [],
    )
  })

  test('cron runs with the secret that Vercel sends', async () => {
    const answer = await fetch(`${SITE}/api/cron`, {
      headers: { authorization: `Bearer ${SHOP.CRON_SECRET}` },
    })
    expect([answer.status, await answer.json()]).toEqual([
      200,
      // Yesterday's bill is compared once, from ten in the morning on.
      { settled: 0, closed: 0, refunded: 0, delivered: 0, reconciled: expect.toBeOneOf([0, 1]) },
    ])
  })
})

const event = v.object({ type: v.string(), data: v.object({ outTradeNo: v.string() }) })
