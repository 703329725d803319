/**
 * No secret can be read when things fail: every dependency fails in every mode, every variable gets
 * a wrong value, and no answer, error or log line may contain a secret. `support/secrets-watch.ts`
 * checks the same in every other test file.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { demoCertificate } from '../dev/world/demo-values.ts'
import { serve } from '../lib/http/serve.ts'
import { connect } from '../lib/stores/neon.ts'
import { createInstance } from '../lib/composition.ts'
import { listenToLog } from './steps/log-lines.ts'
import { ACCESS_TOKEN, readError, tryDependencies, type Outcome } from './support/dependencies.ts'
import {
  LEAKED_TEXT,
  FAILURE_MODES,
  openLeakyServices,
  type LeakyServices,
} from './support/leaky-services.ts'
import { v3Variables } from './support/v3-variables.ts'
import { secretVariables } from '../dev/world/mask.ts'
import { secretsIn, watchAnswer } from './support/secrets.ts'

/** Invented values. */
const settings = {
  WECHAT_APPID: 'wx00000000demo0001',
  WECHAT_APP_SECRET: 'app-secret-of-the-shop-0123456789',
  WECHAT_MCH_ID: '1900000109',
  WECHAT_PAY_KEY: 'pay-key-of-the-shop-012345678901',
  WECHAT_PAY_KEY_OTHER: 'pay-key-of-last-year-01234567890',
  WECHAT_PAY_V3_KEY: 'v3-key-of-the-shop-0123456789012',
  ...demoCertificate,
  WECHAT_PUSH_TOKEN: 'PushTokenOfTheShop',
  WECHAT_PUSH_KEY: 'PushKeyOfTheShop000000000000000000000000001',
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

let services: LeakyServices
beforeAll(async () => {
  services = await openLeakyServices()
})
afterAll(() => services.close())
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** Configures all services at `base`. The watch looks for the configured secrets. */
function configure(base: string, changes: Readonly<Record<string, string>> = {}) {
  const addresses = {
    WECHAT_API_URL: `${base}/wechat`,
    WECHAT_PAY_URL: `${base}/wechat`,
    NEON_HTTP_ENDPOINT: `${base}/neon`,
    UPSTASH_REDIS_REST_URL: `${base}/redis`,
    ORDER_WEBHOOK_URL: `${base}/hook`,
  }
  for (const [name, value] of Object.entries({ ...settings, ...addresses, ...changes }))
    vi.stubEnv(name, value)
  return createInstance(process.env)
}
/** Returns the dependencies that showed a secret or a text of a service, with what they showed. */
const leaks = (outcomes: readonly Outcome[], ...others: readonly string[]) =>
  outcomes.flatMap(({ name, text }) => {
    const shown = [
      ...secretsIn(text).filter((secret) => secret !== 'a stack trace'),
      ...[LEAKED_TEXT, ACCESS_TOKEN, ...others].filter((one) => text.includes(one)),
    ]
    return shown.length === 0 ? [] : [`${name}: ${shown.join(', ')}`]
  })

describe('no error or value of a dependency contains a secret', () => {
  test.each(
    FAILURE_MODES.flatMap((mode) => [[mode, 'directly'] as const, [mode, 'by QStash'] as const]),
  )('when each service %s and repeats its request, and events are sent %s', async (mode, by) => {
    services.mode = mode
    const lines = listenToLog()
    const instance = configure(
      services.url,
      by === 'directly' ? {} : { QSTASH_TOKEN, QSTASH_URL: `${services.url}/qstash` },
    )
    const outcomes = await tryDependencies(instance)
    expect(leaks(outcomes)).toEqual([])
    expect(
      outcomes.filter(({ error }) => error !== undefined).map(({ error }) => error?.name),
    ).toEqual(Array(9).fill(mode === 'refuses the request' ? 'DatabaseError' : 'Unavailable'))
    expect(
      lines.filter((line) => line.includes(LEAKED_TEXT) || line.includes(ACCESS_TOKEN)),
    ).toEqual([])
  })

  test('when no service can be reached', async () => {
    expect(leaks(await tryDependencies(configure('http://127.0.0.1:2')))).toEqual([])
  })

  test('although the services got every secret, and the cause of the error keeps the database’s text', async () => {
    services.mode = 'refuses the request'
    services.requests.length = 0
    const outcomes = await tryDependencies(configure(services.url))
    await tryDependencies(
      configure(services.url, { QSTASH_TOKEN, QSTASH_URL: `${services.url}/qstash` }),
    )
    const received = services.requests.join('\n')
    for (const secret of [
      settings.WECHAT_APP_SECRET,
      settings.DATABASE_URL,
      settings.UPSTASH_REDIS_REST_TOKEN,
      QSTASH_TOKEN,
      ACCESS_TOKEN,
    ])
      expect(received).toContain(secret)
    const found = outcomes.find(({ name }) => name === 'a found order')?.error
    expect(inspect(found?.cause)).toContain(LEAKED_TEXT)
    expect(inspect(found?.cause)).toContain(settings.DATABASE_URL)
  })

  test('when a transaction is refused', async () => {
    configure(services.url)
    const sql = connect(settings.DATABASE_URL, `${services.url}/neon`)
    const error: unknown = await sql
      .transaction([{ text: 'select 1' }])
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name: 'DatabaseError' })
    expect(leaks([{ name: 'a transaction', error: undefined, text: readError(error) }])).toEqual([])
  })
})

describe('neither the message nor the cause of an error is printed', () => {
  const secret = () =>
    new TypeError(`failed at ${settings.DATABASE_URL}`, { cause: new Error(settings.CRON_SECRET) })
  const answerOf = async (thrown: unknown) => {
    configure(services.url)
    const lines = listenToLog()
    const { fetch } = serve('query', { GET: () => Promise.reject(thrown) })
    const response = await fetch(new Request('https://shop.example/api/query'))
    const answer = await response.text()
    watchAnswer('/api/query', response.headers, answer)
    return { answer, lines: lines.map((line): unknown => JSON.parse(line)) }
  }

  test('when a bug threw it: the log has only its type and its location', async () => {
    const { answer, lines } = await answerOf(secret())
    expect(JSON.parse(answer)).toMatchObject({ status: 500, code: 'internal_error' })
    expect(lines).toMatchObject([
      { event: 'bug', detail: expect.stringMatching(/^TypeError in secrets\.test\.ts:\d+$/) },
      { outcome: 'internal_error' },
    ])
  })

  test('when it is not an Error', async () => {
    const { lines } = await answerOf(`failed at ${settings.DATABASE_URL}`)
    expect(lines).toMatchObject([
      { event: 'bug', detail: 'string in an unknown place' },
      { outcome: 'internal_error' },
    ])
  })

  test('when the database refused a statement', async () => {
    services.mode = 'refuses the request'
    const error = await configure(services.url)
      .deps.ledger.find({ transactionId: '1' })
      .catch((cause: unknown) => cause)
    const { lines } = await answerOf(error)
    expect(lines).toMatchObject([
      {
        event: 'bug',
        detail: expect.stringMatching(/^DatabaseError in database-failure\.ts:\d+$/),
      },
      { outcome: 'internal_error' },
    ])
    expect(JSON.stringify(lines)).not.toContain(LEAKED_TEXT)
  })

  test('when background work throws it', async () => {
    const lines = listenToLog()
    configure(services.url).deps.waitUntil(() => Promise.reject(secret()))
    await vi.waitFor(() => expect(lines).toHaveLength(1))
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ event: 'later_failed', reason: 'TypeError' })
  })

  test('when background work fails because the database is down', async () => {
    const lines = listenToLog()
    const { deps } = configure('http://127.0.0.1:2')
    deps.waitUntil(() => deps.ledger.find({ transactionId: '1' }))
    await vi.waitFor(() => expect(lines).toHaveLength(1))
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      event: 'later_failed',
      reason: 'Unavailable',
      code: 'network',
    })
  })
})

/** Part of every wrong value. */
const WRONG = 'wrong-but-secret'

/**
 * Wrong values of every variable, and the variable that the error names; null if no error names
 * one.
 */
const wrong: readonly (readonly [
  name: string,
  named: string | null,
  ...values: readonly string[],
])[] = [
  ['WECHAT_APPID', 'WECHAT_APPID', `wx ${WRONG}`],
  ['WECHAT_APP_SECRET', 'WECHAT_APP_SECRET', `${WRONG} `, `${WRONG}密`],
  ['WECHAT_MCH_ID', 'WECHAT_MCH_ID', WRONG],
  ['WECHAT_PAY_KEY', 'WECHAT_PAY_KEY', WRONG, `${WRONG}\n`],
  ['WECHAT_PAY_KEY_OTHER', 'WECHAT_PAY_KEY_OTHER', WRONG],
  ['WECHAT_PUSH_TOKEN', 'WECHAT_PUSH_TOKEN', WRONG, `${WRONG}\n`],
  ['WECHAT_PUSH_KEY', 'WECHAT_PUSH_KEY', WRONG, `${WRONG}密`],
  ['WECHAT_SIGN_TYPE', 'WECHAT_SIGN_TYPE', WRONG],
  ['WECHAT_PAY_API', 'WECHAT_PAY_API', WRONG],
  ['WECHAT_PAY_V3_KEY', 'WECHAT_PAY_V3_KEY', WRONG, `${WRONG}\n`],
  ['WECHAT_PAY_PUBLIC_KEY', 'WECHAT_PAY_PUBLIC_KEY', WRONG, `-----BEGIN PUBLIC KEY-----${WRONG}`],
  ['WECHAT_PAY_PUBLIC_KEY_ID', 'WECHAT_PAY_PUBLIC_KEY_ID', WRONG],
  ['WECHAT_PAY_PUBLIC_KEY_OTHER', 'WECHAT_PAY_PUBLIC_KEY_OTHER', WRONG],
  ['WECHAT_PAY_PUBLIC_KEY_ID_OTHER', 'WECHAT_PAY_PUBLIC_KEY_ID_OTHER', WRONG],
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
  ['WECHAT_VIRTUAL_GOODS_ALLOWED', 'WECHAT_VIRTUAL_GOODS_ALLOWED', WRONG],
  ['MAX_OPEN_ORDERS', 'MAX_OPEN_ORDERS', WRONG],
  ['QSTASH_TOKEN', null, `${WRONG}\n`, `${WRONG}密`],
  ['QSTASH_URL', 'QSTASH_URL', WRONG, `https://shop:${WRONG}@qstash.example`],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', null, WRONG, `https://shop:${WRONG}@traces.example`],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', null, WRONG],
]

describe('a wrong value is never shown, although its variable is named', () => {
  test.each(
    wrong.flatMap(([name, named, ...values]) =>
      values.map((value) => [name, value, named] as const),
    ),
  )('%s: %j', async (name, value, named) => {
    services.mode = 'closes the connection'
    const lines = listenToLog()
    const outcomes = await tryDependencies(
      configure(services.url, {
        ...(name === 'QSTASH_URL' ? { QSTASH_TOKEN } : {}),
        ...(/_(?:V3|PUBLIC)_/.test(name) ? v3Variables() : {}),
        [name]: value,
      }),
    )
    expect(leaks(outcomes, WRONG)).toEqual([])
    expect(lines.filter((line) => line.includes(WRONG))).toEqual([])
    const output = outcomes.map(({ text }) => text).join('\n') + lines.join('\n')
    if (named !== null) expect(output).toContain(named)
  })

  test('every variable is tested, and every secret one is watched', () => {
    const folder = resolve(import.meta.dirname, '../lib/config')
    const source = readdirSync(folder)
      .map((name) => readFileSync(resolve(folder, name), 'utf8'))
      .join('\n')
    const read = new Set(
      [...source.matchAll(/'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g)].map(([, name]) => name),
    )
    expect(new Set(wrong.map(([name]) => name))).toEqual(read)
    const secret = [...read].filter(
      (name = '') => /SECRET|TOKEN|KEY|DATABASE_URL/.test(name) && !name.includes('PUBLIC'),
    )
    // The library of OpenTelemetry reads the last one.
    expect(new Set<string | undefined>(secretVariables)).toEqual(
      new Set([...secret, 'OTEL_EXPORTER_OTLP_HEADERS']),
    )
  })
})
