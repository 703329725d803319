/**
 * What is secret stays so: every door fails in every manner, every variable is set wrongly, and nobody can read a secret in
 * what comes of it. And the watch that stands over every test file (see `support/secrets-watch.ts`) sees what it is there for.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { demoCertificate } from '../dev/world/demo-values.ts'
import { serve } from '../lib/http/serve.ts'
import { connect } from '../lib/stores/neon.ts'
import { createDeps } from '../lib/composition.ts'
import { listenToLog } from './steps/log-lines.ts'
import { ACCESS_TOKEN, readError, tryDoors, type Outcome } from './support/doors.ts'
import { GOSSIP, MANNERS, openIndiscreet, type Indiscreet } from './support/indiscreet.ts'
import { SECRET_VARIABLES, secretsIn, watchAnswer } from './support/secrets.ts'

/** All invented. */
const settings = {
  WECHAT_APPID: 'wx00000000demo0001',
  WECHAT_APP_SECRET: 'app-secret-of-the-shop-0123456789',
  WECHAT_MCH_ID: '1900000109',
  WECHAT_PAY_KEY: 'pay-key-of-the-shop-012345678901',
  WECHAT_PAY_KEY_OTHER: 'pay-key-of-last-year-01234567890',
  ...demoCertificate,
  SESSION_SECRET: 'session-secret-of-the-shop-0123456789',
  MERCHANT_API_KEY: 'merchant-key-of-the-shop-0123456789',
  CRON_SECRET: 'cron-secret-of-the-shop',
  DATABASE_URL: 'postgresql://shop:password-of-the-shop@db.example/shop',
  UPSTASH_REDIS_REST_TOKEN: 'redis-token-of-the-shop',
  KV_REST_API_TOKEN: 'other-redis-token-of-the-shop',
  ORDER_WEBHOOK_SECRET: 'whsec_c2VjcmV0LW9mLXRoZS1zaG9wLXdlYmhvb2s=',
  PUBLIC_URL: 'https://shop.example',
} as const
const QSTASH_TOKEN = 'qstash-token-of-the-shop'

let services: Indiscreet
beforeAll(async () => {
  services = await openIndiscreet()
})
afterAll(() => services.close())
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** The services at `base`; what is configured is what the watch looks for. */
function configure(base: string, changes: Readonly<Record<string, string>> = {}) {
  const places = {
    WECHAT_API_URL: `${base}/wechat`,
    WECHAT_PAY_URL: `${base}/wechat`,
    NEON_HTTP_ENDPOINT: `${base}/neon`,
    UPSTASH_REDIS_REST_URL: `${base}/redis`,
    ORDER_WEBHOOK_URL: `${base}/hook`,
  }
  for (const [name, value] of Object.entries({ ...settings, ...places, ...changes }))
    vi.stubEnv(name, value)
  return createDeps(process.env)
}
/** The doors that showed a secret, or something of what a service said, with what they showed. */
const indiscretions = (outcomes: readonly Outcome[], ...others: readonly string[]) =>
  outcomes.flatMap(({ door, text }) => {
    const shown = [
      ...secretsIn(text).filter((name) => name !== 'a stack trace'),
      ...[GOSSIP, ACCESS_TOKEN, ...others].filter((one) => text.includes(one)),
    ]
    return shown.length === 0 ? [] : [`${door}: ${shown.join(', ')}`]
  })

describe('what is thrown and answered at every door holds no secret', () => {
  test.each(
    MANNERS.flatMap((manner) => [[manner, 'itself'] as const, [manner, 'by QStash'] as const]),
  )('when a service that repeats all it hears %s, and events are sent %s', async (manner, by) => {
    services.manner = manner
    const lines = listenToLog()
    const deps = configure(
      services.url,
      by === 'itself' ? {} : { QSTASH_TOKEN, QSTASH_URL: `${services.url}/qstash` },
    )
    const outcomes = await tryDoors(deps)
    expect(indiscretions(outcomes)).toEqual([])
    expect(
      outcomes.filter(({ error }) => error !== undefined).map(({ error }) => error?.name),
    ).toEqual(Array(8).fill(manner === 'refuses' ? 'DatabaseError' : 'Unavailable'))
    expect(lines.filter((line) => line.includes(GOSSIP) || line.includes(ACCESS_TOKEN))).toEqual([])
  })

  test('when nobody is there', async () => {
    expect(indiscretions(await tryDoors(configure('http://127.0.0.1:2')))).toEqual([])
  })

  test('although every one of them was told to the services, and the database’s own words are kept as the cause', async () => {
    services.manner = 'refuses'
    services.heard.length = 0
    const outcomes = await tryDoors(configure(services.url))
    await tryDoors(configure(services.url, { QSTASH_TOKEN, QSTASH_URL: `${services.url}/qstash` }))
    const heard = services.heard.join('\n')
    for (const secret of [
      settings.WECHAT_APP_SECRET,
      settings.DATABASE_URL,
      settings.UPSTASH_REDIS_REST_TOKEN,
      QSTASH_TOKEN,
      ACCESS_TOKEN,
    ])
      expect(heard).toContain(secret)
    const found = outcomes.find(({ door }) => door === 'an order found')?.error
    expect(inspect(found?.cause)).toContain(GOSSIP)
    expect(inspect(found?.cause)).toContain(settings.DATABASE_URL)
  })

  test('when several statements at once are refused', async () => {
    configure(services.url)
    const sql = connect(settings.DATABASE_URL, `${services.url}/neon`)
    const error: unknown = await sql
      .transaction([{ text: 'select 1' }])
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name: 'DatabaseError' })
    expect(
      indiscretions([{ door: 'a transaction', error: undefined, text: readError(error) }]),
    ).toEqual([])
  })
})

describe('nothing prints the cause of an error, nor its message', () => {
  const secret = () =>
    new TypeError(`failed at ${settings.DATABASE_URL}`, { cause: new Error(settings.CRON_SECRET) })
  const ask = async (thrown: unknown) => {
    configure(services.url)
    const lines = listenToLog()
    const { fetch } = serve('query', { GET: () => Promise.reject(thrown) })
    const response = await fetch(new Request('https://shop.example/api/query'))
    const answer = await response.text()
    watchAnswer('/api/query', response.headers, answer)
    return { answer, lines: lines.map((line): unknown => JSON.parse(line)) }
  }

  test('when it comes from a bug: the log has what it is and where', async () => {
    const { answer, lines } = await ask(secret())
    expect(JSON.parse(answer)).toMatchObject({ status: 500, code: 'internal_error' })
    expect(lines).toMatchObject([
      { event: 'bug', detail: expect.stringMatching(/^TypeError in secrets\.test\.ts:\d+$/) },
      { outcome: 'internal_error' },
    ])
  })

  test('when it is no Error at all', async () => {
    const { lines } = await ask(`failed at ${settings.DATABASE_URL}`)
    expect(lines).toMatchObject([
      { event: 'bug', detail: 'string in an unknown place' },
      { outcome: 'internal_error' },
    ])
  })

  test('when the database refused', async () => {
    services.manner = 'refuses'
    const error = await configure(services.url)
      .ledger.find({ transactionId: '1' })
      .catch((cause: unknown) => cause)
    const { lines } = await ask(error)
    expect(lines).toMatchObject([
      {
        event: 'bug',
        detail: expect.stringMatching(/^DatabaseError in database-failure\.ts:\d+$/),
      },
      { outcome: 'internal_error' },
    ])
    expect(JSON.stringify(lines)).not.toContain(GOSSIP)
  })

  test('when nobody waits for the work any more', async () => {
    const lines = listenToLog()
    configure(services.url).waitUntil(() => Promise.reject(secret()))
    await vi.waitFor(() => expect(lines).toHaveLength(1))
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ event: 'later_failed', reason: 'TypeError' })
  })

  test('when background work fails because the database is down', async () => {
    const lines = listenToLog()
    const deps = configure('http://127.0.0.1:2')
    deps.waitUntil(() => deps.ledger.find({ transactionId: '1' }))
    await vi.waitFor(() => expect(lines).toHaveLength(1))
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      event: 'later_failed',
      reason: 'Unavailable',
      code: 'network',
    })
  })
})

/** What stands in every wrong value. */
const WRONG = 'wrong-but-secret'

/** Wrong values of every variable, and which variable is blamed; none where any value is taken, or none is read. */
const wrong: readonly (readonly [
  name: string,
  blamed: string | null,
  ...values: readonly string[],
])[] = [
  ['WECHAT_APPID', 'WECHAT_APPID', `wx ${WRONG}`],
  ['WECHAT_APP_SECRET', 'WECHAT_APP_SECRET', `${WRONG} `, `${WRONG}密`],
  ['WECHAT_MCH_ID', 'WECHAT_MCH_ID', WRONG],
  ['WECHAT_PAY_KEY', 'WECHAT_PAY_KEY', WRONG, `${WRONG}\n`],
  ['WECHAT_PAY_KEY_OTHER', 'WECHAT_PAY_KEY_OTHER', WRONG],
  ['WECHAT_SIGN_TYPE', 'WECHAT_SIGN_TYPE', WRONG],
  ['WECHAT_PAY_CERT', 'WECHAT_PAY_CERT', WRONG, `-----BEGIN CERTIFICATE-----${WRONG}`],
  ['WECHAT_PAY_CERT_KEY', 'WECHAT_PAY_CERT_KEY', WRONG, `-----BEGIN PRIVATE KEY-----${WRONG}`],
  [
    'WECHAT_API_URL',
    'WECHAT_API_URL',
    WRONG,
    `https://shop:${WRONG}@api.example`,
    `https://api.example/?key=${WRONG}`,
  ],
  [
    'WECHAT_PAY_URL',
    'WECHAT_PAY_URL',
    WRONG,
    `https://shop:${WRONG}@api.example`,
    `ftp://${WRONG}`,
  ],
  [
    'PUBLIC_URL',
    'PUBLIC_URL',
    WRONG,
    `https://shop:${WRONG}@shop.example`,
    `https://shop.example/${WRONG.repeat(20)}`,
  ],
  ['VERCEL_PROJECT_PRODUCTION_URL', null, `shop:${WRONG}@shop.example`],
  ['VERCEL_ENV', 'WECHAT_API_URL', 'production'],
  ['SESSION_SECRET', 'SESSION_SECRET', WRONG],
  ['MERCHANT_API_KEY', 'MERCHANT_API_KEY', WRONG, `${WRONG} with spaces in it, though long`],
  ['DATABASE_URL', 'DATABASE_URL', WRONG, `mysql://shop:${WRONG}@db.example/shop`],
  [
    'DATABASE_URL',
    null,
    `postgresql://shop:${WRONG}@db.example:port/shop`,
    `postgres://${WRONG}`,
    `postgres://shop:${WRONG}%@db.example/shop`,
  ],
  ['NEON_HTTP_ENDPOINT', 'NEON_HTTP_ENDPOINT', WRONG, `https://shop:${WRONG}@neon.example`],
  [
    'UPSTASH_REDIS_REST_URL',
    'UPSTASH_REDIS_REST_URL',
    WRONG,
    `rediss://default:${WRONG}@redis.example:6379`,
  ],
  ['UPSTASH_REDIS_REST_TOKEN', 'UPSTASH_REDIS_REST_TOKEN', `${WRONG}\n`, `${WRONG}密`],
  ['KV_REST_API_URL', null, `https://default:${WRONG}@redis.example`],
  ['KV_REST_API_TOKEN', null, `${WRONG}\n`],
  ['CRON_SECRET', null, `${WRONG}\n`],
  ['ORDER_WEBHOOK_URL', 'ORDER_WEBHOOK_URL', WRONG, `ftp://shop:${WRONG}@shop.example`],
  ['ORDER_WEBHOOK_SECRET', 'ORDER_WEBHOOK_SECRET', WRONG, `whsec_${WRONG.repeat(3)}`],
  ['WECHAT_AUTO_SHIPPING', 'WECHAT_AUTO_SHIPPING', WRONG],
  ['MAX_OPEN_ORDERS', 'MAX_OPEN_ORDERS', WRONG],
  ['QSTASH_TOKEN', null, `${WRONG}\n`, `${WRONG}密`],
  ['QSTASH_URL', 'QSTASH_URL', WRONG, `https://shop:${WRONG}@qstash.example`],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', null, WRONG, `https://shop:${WRONG}@traces.example`],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', null, WRONG],
]

describe('a wrong value is shown to nobody, though its variable is named', () => {
  test.each(
    wrong.flatMap(([name, blamed, ...values]) =>
      values.map((value) => [name, value, blamed] as const),
    ),
  )('%s: %j', async (name, value, blamed) => {
    services.manner = 'hangs up'
    const lines = listenToLog()
    const outcomes = await tryDoors(
      configure(services.url, {
        ...(name === 'QSTASH_URL' ? { QSTASH_TOKEN } : {}),
        [name]: value,
      }),
    )
    expect(indiscretions(outcomes, WRONG)).toEqual([])
    expect(lines.filter((line) => line.includes(WRONG))).toEqual([])
    const said = outcomes.map(({ text }) => text).join('\n') + lines.join('\n')
    if (blamed !== null) expect(said).toContain(blamed)
  })

  test('every variable is tried, and every one that is secret is watched', () => {
    const folder = resolve(import.meta.dirname, '../lib/config')
    const source = readdirSync(folder)
      .map((name) => readFileSync(resolve(folder, name), 'utf8'))
      .join('\n')
    const read = new Set([...source.matchAll(/'([A-Z]+(?:_[A-Z]+)+)'/g)].map(([, name]) => name))
    expect(new Set(wrong.map(([name]) => name))).toEqual(read)
    const secret = [...read].filter((name = '') => /SECRET|TOKEN|KEY|DATABASE_URL/.test(name))
    // Read by OpenTelemetry's library itself.
    expect(new Set<string | undefined>(SECRET_VARIABLES)).toEqual(
      new Set([...secret, 'OTEL_EXPORTER_OTLP_HEADERS']),
    )
  })
})
