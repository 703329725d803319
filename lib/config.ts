/** The only reader of the environment. Each dependency has its own reader, so a missing variable stops only who needs it. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { ConfigError } from './core/failure.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const find = (env: Environment, ...names: readonly string[]): string | undefined =>
  names.map((name) => env[name]).find((value) => (value ?? '') !== '')

function read(env: Environment, name: string, pattern: RegExp, expected: string): string {
  const value = find(env, name)
  if (value === undefined) throw new ConfigError(name, 'is not set')
  if (!pattern.test(value)) throw new ConfigError(name, `is not ${expected}`)
  return value
}

function toBaseUrl(name: string, value: string): string {
  const url = URL.parse(value)
  if (url === null || !/^https?:\/\/[^\s?#]+$/.test(value) || url.username !== '')
    throw new ConfigError(name, 'is not an http(s) URL without a query or a user name')
  return value.replace(/\/+$/, '')
}

/** Stand-ins take payments that nobody made; in production only WeChat and Neon themselves are believed. */
function findOverride(env: Environment, name: string): string | undefined {
  const value = find(env, name)
  if (value === undefined) return undefined
  if (env['VERCEL_ENV'] === 'production') throw new ConfigError(name, 'must not be set in production: it is for stand-ins')
  return toBaseUrl(name, value)
}

const appid = (env: Environment): string => read(env, 'WECHAT_APPID', /^\w{1,32}$/, 'an appid')

export function miniProgramSettings(env: Environment) {
  return {
    appid: appid(env),
    secret: read(env, 'WECHAT_APP_SECRET', /^[\x21-\x7e]{1,128}$/, 'an AppSecret'),
    host: findOverride(env, 'WECHAT_API_URL') ?? 'https://api.weixin.qq.com',
  }
}

export function paySettings(env: Environment) {
  const signType = find(env, 'WECHAT_SIGN_TYPE') ?? 'HMAC-SHA256'
  if (signType !== 'HMAC-SHA256' && signType !== 'MD5') throw new ConfigError('WECHAT_SIGN_TYPE', 'is neither HMAC-SHA256 nor MD5')
  const override = findOverride(env, 'WECHAT_PAY_URL')
  const hosts: readonly [string, ...string[]] =
    override === undefined ? ['https://api.mch.weixin.qq.com', 'https://api2.mch.weixin.qq.com'] : [override]
  const key = readPayKey(env, 'WECHAT_PAY_KEY')
  const otherKey = find(env, 'WECHAT_PAY_KEY_OTHER') === undefined ? key : readPayKey(env, 'WECHAT_PAY_KEY_OTHER')
  return {
    appid: appid(env),
    mchId: read(env, 'WECHAT_MCH_ID', /^\d{1,32}$/, 'a merchant number'),
    key,
    // The same key twice is one key.
    ...(otherKey === key ? {} : { otherKey }),
    signType,
    hosts,
  } as const
}

const readPayKey = (env: Environment, name: string): string => read(env, name, /^[\x21-\x7e]{32}$/, 'an APIv2 key of 32 characters')

/** The PEM pair of `apiclient_cert.pem` and `apiclient_key.pem`: as it is, with `\n` for line ends, or in Base64. */
export function certificateSettings(env: Environment): { readonly cert: string; readonly key: string } {
  const cert = readPem(env, 'WECHAT_PAY_CERT', /-----BEGIN CERTIFICATE-----/)
  const key = readPem(env, 'WECHAT_PAY_CERT_KEY', /-----BEGIN (?:\w+ )?PRIVATE KEY-----/)
  return isPair(cert, key) ? { cert, key } : refuse('WECHAT_PAY_CERT_KEY', 'is not the key of WECHAT_PAY_CERT')
}

const refuse = (name: string, expected: string): never => {
  throw new ConfigError(name, expected)
}

function readPem(env: Environment, name: string, begins: RegExp): string {
  const value = read(env, name, /[^]/, 'set')
  const pem = (value.includes('-----') ? value : Buffer.from(value, 'base64').toString('utf8')).replaceAll('\\n', '\n')
  return begins.test(pem) ? pem : refuse(name, 'is not PEM, nor PEM in Base64')
}

function isPair(cert: string, key: string): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

/** Where WeChat reaches the notify function: https, without a query, at most 256 characters. */
export function notifyUrl(env: Environment): string {
  const host = find(env, 'VERCEL_PROJECT_PRODUCTION_URL')
  const base = find(env, 'PUBLIC_URL') ?? (host === undefined ? undefined : `https://${host}`)
  if (base === undefined) throw new ConfigError('PUBLIC_URL', 'is not set')
  const url = `${toBaseUrl('PUBLIC_URL', base)}/api/notify`
  if (url.length > 256) throw new ConfigError('PUBLIC_URL', 'is too long')
  if (env['VERCEL_ENV'] === 'production' && !url.startsWith('https:')) throw new ConfigError('PUBLIC_URL', 'is not https')
  return url
}

export const sessionSecret = (env: Environment): string => read(env, 'SESSION_SECRET', /^[^]{32,}$/, 'at least 32 bytes')

export function databaseSettings(env: Environment) {
  const url = read(env, 'DATABASE_URL', /^postgres(?:ql)?:\/\/[^]+$/, 'a PostgreSQL URL')
  // Read as the driver reads it, which would fail only at the first statement and quote the password.
  const parts = URL.parse(url.replace(/^postgres(?:ql)?:/, 'http:'))
  if (parts === null || [parts.username, parts.hostname, parts.pathname.slice(1)].includes(''))
    throw new ConfigError('DATABASE_URL', 'is not a PostgreSQL URL with user, host and database')
  return { url, endpoint: findOverride(env, 'NEON_HTTP_ENDPOINT') }
}

export function redisSettings(env: Environment) {
  const [urlName, tokenName] =
    find(env, 'UPSTASH_REDIS_REST_URL') === undefined && find(env, 'KV_REST_API_URL') !== undefined
      ? ['KV_REST_API_URL', 'KV_REST_API_TOKEN']
      : ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN']
  return { url: toBaseUrl(urlName, read(env, urlName, /^/, 'set')), token: read(env, tokenName, /^[\x21-\x7e]+$/, 'a token') }
}

/** Null: no merchant may call. A short key is refused, for it could be guessed. */
export function merchantKey(env: Environment): string | null {
  return find(env, 'MERCHANT_API_KEY') === undefined ? null : read(env, 'MERCHANT_API_KEY', /^[\x21-\x7e]{32,}$/, 'at least 32 characters')
}

export const cronSecret = (env: Environment): string | null => find(env, 'CRON_SECRET') ?? null

/** Null: only what the merchant reports is reported. */
export function autoShipping(env: Environment): 'virtual' | 'self_pickup' | null {
  const kind = find(env, 'WECHAT_AUTO_SHIPPING')
  if (kind === undefined || kind === 'virtual' || kind === 'self_pickup') return kind ?? null
  throw new ConfigError('WECHAT_AUTO_SHIPPING', 'is neither virtual nor self_pickup')
}

/** Null: events are kept, none is sent. */
export function webhookSettings(env: Environment) {
  const url = find(env, 'ORDER_WEBHOOK_URL')
  if (url === undefined) return null
  if (URL.parse(url) === null || !/^https?:/.test(url)) throw new ConfigError('ORDER_WEBHOOK_URL', 'is not an http(s) URL')
  return {
    url,
    secret: read(
      env,
      'ORDER_WEBHOOK_SECRET',
      /^(?:whsec_)?[A-Za-z0-9+/]{32,}={0,2}$/,
      'a Standard Webhooks secret (whsec_ and Base64 of at least 24 bytes)',
    ),
  }
}

/** Null: events are delivered by these functions themselves. `QSTASH_URL` is Upstash's own name for its regions. */
export function qstashSettings(env: Environment) {
  const token = find(env, 'QSTASH_TOKEN')
  const baseUrl = find(env, 'QSTASH_URL')
  return token === undefined ? null : { token, baseUrl: baseUrl === undefined ? undefined : toBaseUrl('QSTASH_URL', baseUrl) }
}

/** Whether traces are wanted. Both names are OpenTelemetry's, whose library reads their values itself, and those of their headers. */
export const namesCollector = (env: Environment): boolean =>
  find(env, 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') !== undefined
