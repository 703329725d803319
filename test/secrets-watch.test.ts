/** The watch that runs in every test file finds each secret, and reports only its name. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { demoCertificate } from '../dev/world/demo-values.ts'
import { listenToLog } from './steps/log-lines.ts'
import {
  learnSecret,
  takeFindings,
  takeLateFindings,
  watch,
  watchAnswer,
} from './support/secrets.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** Invented values: the variable, its value, and the part of the value that appears in a text. */
const planted = [
  ['WECHAT_APP_SECRET', 'app-secret-of-the-shop', 'app-secret-of-the-shop'],
  ['WECHAT_PAY_KEY', 'pay-key-of-the-shop-012345678901', 'pay-key-of-the-shop-012345678901'],
  ['WECHAT_PAY_KEY_OTHER', 'pay-key-of-last-year-01234567890', 'pay-key-of-last-year-01234567890'],
  ['WECHAT_PAY_V3_KEY', 'v3-key-of-the-shop-0123456789012', 'v3-key-of-the-shop-0123456789012'],
  [
    'WECHAT_PAY_CERT_KEY',
    demoCertificate.WECHAT_PAY_CERT_KEY,
    'r8Ju8eGvoFyeaNYJvigOaUvDK9C5jVKGtpJC1jzZs6mxMONbIcWchqGAFZS+nfvc',
  ],
  ['SESSION_SECRET', 'session-secret-of-the-shop', 'session-secret-of-the-shop'],
  ['MERCHANT_API_KEY', 'merchant-key-of-the-shop', 'merchant-key-of-the-shop'],
  ['CRON_SECRET', 'demo-cron-secret', 'demo-cron-secret'],
  [
    'DATABASE_URL',
    'postgresql://shop:password-of-the-shop@db.example/shop',
    'postgresql://shop:password-of-the-shop@db.example/shop',
  ],
  [
    'DATABASE_URL',
    'postgresql://shop:password-of-the-shop@db.example/shop',
    'password-of-the-shop',
  ],
  ['UPSTASH_REDIS_REST_TOKEN', 'redis-token/of=the shop', 'redis-token%2Fof%3Dthe%20shop'],
  ['KV_REST_API_TOKEN', 'other-redis-token-of-the-shop', 'other-redis-token-of-the-shop'],
  ['ORDER_WEBHOOK_SECRET', 'whsec_c2VjcmV0LW9mLXRoZS1zaG9w', 'c2VjcmV0LW9mLXRoZS1zaG9w'],
  ['QSTASH_TOKEN', 'qstash-token-of-the-shop', 'qstash-token-of-the-shop'],
] as const

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvRGVtbyJ9.c2lnbmF0dXJl'

describe('a secret is found', () => {
  test.each(planted)('%s in a log line, whole or in part', (name, value, part) => {
    vi.stubEnv(name, value)
    console.log(JSON.stringify({ level: 'info', detail: `<${part}>` }))
    expect(takeFindings()).toEqual([
      `${name} in this log line: {"level":"info","detail":"<[${name}]>"}`,
    ])
  })

  test.each([
    ['a token', JWT],
    ['session_key', 'session_key'],
    ['an openid', 'oDemo000000000000000000User1'],
    ['a stack trace', 'at settle (/var/task/lib/steps/settle.ts:12:34'],
    ['a stack trace', 'at async file:///var/task/api/notify.js:12:34'],
  ])('%s in a log line, without being configured', (name, text) => {
    console.error(`{"detail":"${text}"}`)
    expect(takeFindings()).toEqual([`${name} in this log line: {"detail":"[${name}]"}`])
  })

  test.each(['debug', 'error', 'info', 'log', 'warn'] as const)(
    'in the output of console.%s',
    (stream) => {
      console[stream]('a line with a', { session_key: 1 })
      expect(takeFindings()).toEqual([
        'session_key in this log line: a line with a { [session_key]: 1 }',
      ])
    },
  )

  test('in a test that listens to the log', () => {
    listenToLog()
    console.log(JWT)
    expect(takeFindings()).toEqual(['a token in this log line: [a token]'])
  })

  test('in the body and the headers of an answer, except the token in the answer of a login', () => {
    const none = new Headers()
    watchAnswer('/api/query', none, `{"token":"${JWT}"}`)
    watchAnswer('/api/query', new Headers({ 'x-token': JWT }), '{}')
    watchAnswer('/api/login', none, `{"token":"${JWT}","sessionKey":"${JWT}"}`)
    expect(takeFindings()).toEqual([
      'a token in this answer: []{"token":"[a token]"}',
      'a token in this answer: [["x-token","[a token]"]]{}',
      'a token in this answer: []{,"sessionKey":"[a token]"}',
    ])
    watchAnswer('/api/login', none, `{"token":"${JWT}","expiresIn":86400}`)
    expect(takeFindings()).toEqual([])
  })

  test.each(['/api/prepay', '/api/orders'])(
    'in an answer of %s, but not in the signature of a payment, which may look like an openid',
    (path) => {
      const [none, openid] = [new Headers(), `o${'A'.repeat(27)}`]
      watchAnswer(path, none, `{"paySign":"Zx/${openid}+Q=="}`)
      expect(takeFindings()).toEqual([])
      watchAnswer(path, none, `{"paySign":"Zx/${openid}+Q==","openid":"${openid}"}`)
      expect(takeFindings()).toEqual(['an openid in this answer: []{,"openid":"[an openid]"}'])
    },
  )

  test('a phone number in an answer, except that of its own login and those of the merchant', () => {
    const [none, number] = [new Headers(), '13800000001']
    watchAnswer('/api/login', none, `{"token":"${JWT}","phoneNumber":"${number}"}`)
    watchAnswer('/api/query?outTradeNo=1', none, `{"payerPhone":"${number}"}`, 'merchant')
    watchAnswer('/api/query?outTradeNo=2', none, `{"payerPhone":"${number}"}`)
    watchAnswer('/api/orders', none, `{"body":"${number}"}`, 'merchant')
    learnSecret('phoneNumber', number)
    expect(takeLateFindings()).toEqual([
      'phoneNumber in this answer: (learned since)',
      'phoneNumber in this answer: (learned since)',
    ])
  })

  test('in an error that was not caught, except its own stack', () => {
    vi.stubEnv('CRON_SECRET', 'demo-cron-secret')
    process.emit('uncaughtExceptionMonitor', new Error('nothing secret'))
    expect(takeFindings()).toEqual([])
    process.emit('uncaughtExceptionMonitor', new Error('Bearer demo-cron-secret'))
    expect(takeFindings()).toEqual([
      expect.stringMatching(/^CRON_SECRET in this error: Bearer \[CRON_SECRET\]\n/),
    ])
  })

  test('in a text that was recorded before the secret was known', () => {
    watch('log line', 'the key is tiihtNczf5v6AKRyjwEUhQ==')
    expect(takeFindings()).toEqual([])
    learnSecret('session_key', 'tiihtNczf5v6AKRyjwEUhQ==')
    expect(takeLateFindings()).toEqual(['session_key in this log line: (learned since)'])
    expect(takeLateFindings()).toEqual([])
  })
})

test('harmless values are not reported as secrets', () => {
  vi.stubEnv('CRON_SECRET', 'short')
  console.log(
    'short',
    '202511201200003015a8b75d3a6f0d47',
    'R-TAPS-PART',
    'order_not_finished',
    'DatabaseError in neon.ts:56',
  )
  console.log(
    'https://shop.example/api/notify',
    'order_already_shipped_by_another_run',
    'evt_5d2b6c2a8db53831f7eda20af46e531c',
  )
  expect(takeFindings()).toEqual([])
})

test('no test bypasses the watch on the log', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).map(
    (name) => name.replaceAll('\\', '/'),
  )
  const replacers = files.filter(
    (name) =>
      name.endsWith('.ts') &&
      /spyOn\(console,[^\n]*\)\.mock|assign\(console/.test(
        readFileSync(`${import.meta.dirname}/${name}`, 'utf8'),
      ),
  )
  // One passes every line on to the watch, and the other is the watch. Fuzzing and the simulation
  // look for secrets in every answer and line themselves.
  expect(replacers.filter((name) => !/^(?:fuzz|simulation)\//.test(name))).toEqual([
    'steps/log-lines.ts',
    'support/secrets-watch.ts',
  ])
})
