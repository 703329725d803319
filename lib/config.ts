/** The only reader of the environment. Each dependency has its own reader, so a missing variable stops only who needs it. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { ConfigError } from './core/failure.ts'
import { fingerprint } from './core/fingerprint.ts'
import { findFullWidth, findNotAscii, findPasteFault } from './core/pasted.ts'
import { readPem, type Opened, type PemName } from './core/pem.ts'
import { baseUrlFault, callUrlFault, isPrivate } from './core/http-url.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const isProduction = (env: Environment): boolean => env['VERCEL_ENV'] === 'production'

/**
 * What every value of dev/world/demo-values.ts begins with, the last one in Base64: they are public, so in production each of them
 * would let anybody in. The merchant number is the one of WeChat's own examples.
 */
const DEMO = /^(?:(?:wx0{8}|postgres(?:ql)?:\/\/|whsec_)?(?:demo|zgvtby)|1900000109$)/i

function refuse(name: string, why: string): never {
  throw new ConfigError(name, why)
}

/** A value as it was meant: what a paste brings along around it is refused, for it would be taken for part of it. */
function find(env: Environment, name: string): string | undefined {
  const value = env[name] ?? ''
  if (value === '') return undefined
  const fault = findPasteFault(value)
  if (fault !== null) refuse(name, fault)
  if (isProduction(env) && DEMO.test(value))
    refuse(name, 'is a value of the local world, which anybody knows')
  return value
}

/** @param hint what to say of a common slip, behind the rest; nothing of the value itself */
function read(
  env: Environment,
  name: string,
  pattern: RegExp,
  expected: string,
  hint: (value: string) => string = () => '',
): string {
  const value = find(env, name) ?? refuse(name, 'is not set')
  return pattern.test(value)
    ? value
    : refuse(name, findFullWidth(value) ?? `is not ${expected}${hint(value)}`)
}

/** Reads a value that has only visible ASCII characters. */
const readAscii: typeof read = (env, name, ...more) => {
  const fault = findNotAscii(find(env, name) ?? '')
  return fault === null ? read(env, name, ...more) : refuse(name, fault)
}

function toBaseUrl(name: string, value: string): string {
  const fault = findFullWidth(value) ?? baseUrlFault(value)
  return fault === null ? value.replace(/\/+$/, '') : refuse(name, fault)
}

/** Stand-ins take payments that nobody made; in production only WeChat and Neon themselves are believed. */
function findOverride(env: Environment, name: string): string | undefined {
  const value = find(env, name)
  if (value === undefined) return undefined
  if (isProduction(env)) refuse(name, 'must not be set in production: it is for stand-ins')
  return toBaseUrl(name, value)
}

export const appid = (env: Environment): string =>
  readAscii(
    env,
    'WECHAT_APPID',
    /^wx[0-9A-Za-z]{16}$/,
    'an appid: wx and 16 characters of 0-9 and a-f',
    (value) =>
      /^[0-9a-f]{32}$/i.test(value)
        ? '; it looks like an AppSecret: perhaps the two are swapped'
        : '',
  )

export const appSecret = (env: Environment): string =>
  readAscii(env, 'WECHAT_APP_SECRET', /^.{1,128}$/, 'an AppSecret: it has more than 128 characters')

export const miniProgramHost = (env: Environment): string =>
  findOverride(env, 'WECHAT_API_URL') ?? 'https://api.weixin.qq.com'

export const miniProgramSettings = (env: Environment) => ({
  host: miniProgramHost(env),
  appid: appid(env),
  secret: appSecret(env),
})

export const merchantNumber = (env: Environment): string =>
  read(env, 'WECHAT_MCH_ID', /^\d{8,10}$/, 'a merchant number of 8 to 10 digits')

const readPayKey = (env: Environment, name: string): string =>
  readAscii(
    env,
    name,
    /^.{32}$/,
    'an APIv2 key of 32 characters',
    ({ length }) => `: it has ${length}`,
  )

export const payKey = (env: Environment): string => readPayKey(env, 'WECHAT_PAY_KEY')

/** Undefined: there is one key. The same key twice is one key. */
export function otherPayKey(env: Environment): string | undefined {
  const other =
    find(env, 'WECHAT_PAY_KEY_OTHER') === undefined
      ? undefined
      : readPayKey(env, 'WECHAT_PAY_KEY_OTHER')
  return other === env['WECHAT_PAY_KEY'] ? undefined : other
}

export function signType(env: Environment): 'HMAC-SHA256' | 'MD5' {
  const type = find(env, 'WECHAT_SIGN_TYPE') ?? 'HMAC-SHA256'
  return type === 'HMAC-SHA256' || type === 'MD5'
    ? type
    : refuse('WECHAT_SIGN_TYPE', 'is neither HMAC-SHA256 nor MD5')
}

/** Base URLs, the next one for when the one before gives no answer. */
export function payHosts(env: Environment): readonly [string, ...string[]] {
  const override = findOverride(env, 'WECHAT_PAY_URL')
  return override === undefined
    ? ['https://api.mch.weixin.qq.com', 'https://api2.mch.weixin.qq.com']
    : [override]
}

export function paySettings(env: Environment) {
  const otherKey = otherPayKey(env)
  return {
    appid: appid(env),
    mchId: merchantNumber(env),
    key: payKey(env),
    ...(otherKey === undefined ? {} : { otherKey }),
    signType: signType(env),
    hosts: payHosts(env),
  } as const
}

/** The PEM pair of `apiclient_cert.pem` and `apiclient_key.pem`, with or without line ends, or in Base64. */
export function certificateSettings(
  env: Environment,
  now: Date,
): { readonly cert: string; readonly key: string } {
  const certificate = openCertificate(env, now)
  const key = openPem(env, 'WECHAT_PAY_CERT_KEY', createPrivateKey)
  if (!certificate.opened.checkPrivateKey(key.opened))
    refuse('WECHAT_PAY_CERT_KEY', 'is not the key of WECHAT_PAY_CERT')
  return { cert: certificate.pem, key: key.pem }
}

/**
 * The certificate alone, whatever its key is.
 * WeChat writes the merchant number as the common name; a certificate that names another merchant is refused there anyway.
 * When it begins is not looked at: a new one must not wait for a clock that is slow.
 */
export function openCertificate(env: Environment, now: Date): Opened<X509Certificate> {
  const certificate = openPem(env, 'WECHAT_PAY_CERT', (pem) => new X509Certificate(pem))
  if (certificate.opened.validToDate <= now) refuse('WECHAT_PAY_CERT', 'has expired')
  const named = certificateName(certificate.opened)
  if (isProduction(env) && named.endsWith('demo'))
    refuse('WECHAT_PAY_CERT', 'is a value of the local world, which anybody knows')
  if (/^\d{8,10}$/.test(named) && named !== (env['WECHAT_MCH_ID'] || named))
    refuse('WECHAT_PAY_CERT', 'is the certificate of another merchant than WECHAT_MCH_ID')
  return certificate
}

/** The common name of its subject; empty when it has none. */
export const certificateName = ({ subject }: X509Certificate): string =>
  /^CN=(.*)$/m.exec(subject)?.[1] ?? ''

function openPem<T>(env: Environment, name: PemName, open: (pem: string) => T): Opened<T> {
  const pem = readPem(env, name, open)
  return typeof pem === 'string' ? refuse(name, pem) : pem
}

/**
 * Where WeChat reaches the notify function: https, directly under /api, without a query, at most 256 characters. Names under
 * vercel.app do not resolve reliably in China, so a payment would be paid and not heard of.
 */
export function notifyUrl(env: Environment): string {
  const given = find(env, 'PUBLIC_URL')
  const host = env['VERCEL_PROJECT_PRODUCTION_URL'] ?? ''
  const base = given ?? (host === '' ? refuse('PUBLIC_URL', 'is not set') : `https://${host}`)
  const origin = toBaseUrl('PUBLIC_URL', base)
  if (!/^https?:\/\/[^/\\]+$/.test(origin))
    refuse('PUBLIC_URL', 'has a path: set only https:// and the domain, without /api/notify')
  const url = `${origin}/api/notify`
  if (url.length > 256) refuse('PUBLIC_URL', 'is too long')
  if (!isProduction(env)) return url
  if (!url.startsWith('https:')) refuse('PUBLIC_URL', 'is not https')
  if (isPrivate(url)) refuse('PUBLIC_URL', 'leads to this machine or into a private network')
  if (new URL(url).hostname.endsWith('.vercel.app'))
    refuse(
      'PUBLIC_URL',
      `${given === undefined ? 'is not set, and the project has only a name' : 'is a name'} under vercel.app, which WeChat cannot reach`,
    )
  return url
}

export const sessionSecret = (env: Environment): string =>
  read(env, 'SESSION_SECRET', /^[^]{32,}$/, 'at least 32 characters')

export const databaseEndpoint = (env: Environment): string | undefined =>
  findOverride(env, 'NEON_HTTP_ENDPOINT')

export function databaseSettings(env: Environment) {
  const endpoint = databaseEndpoint(env)
  const url = read(
    env,
    'DATABASE_URL',
    /^postgres(?:ql)?:\/\/[^\u3000\uff01-\uff5e]+$/,
    'a PostgreSQL URL',
    (value) => (/^psql\s/.test(value) ? ': take only what stands between the quotation marks' : ''),
  )
  // Read as the driver reads it, which would fail only at the first statement and quote the password.
  const parts = URL.parse(url.replace(/^postgres(?:ql)?:/, 'http:'))
  if (parts === null || [parts.username, parts.hostname, parts.pathname.slice(1)].includes(''))
    refuse('DATABASE_URL', 'is not a PostgreSQL URL with user, host and database')
  return { url, endpoint }
}

export function redisSettings(env: Environment) {
  const isKv =
    find(env, 'UPSTASH_REDIS_REST_URL') === undefined && find(env, 'KV_REST_API_URL') !== undefined
  const [urlName, tokenName] = isKv
    ? ['KV_REST_API_URL', 'KV_REST_API_TOKEN']
    : ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN']
  const address = read(env, urlName, /^/, 'set')
  if (/^rediss?:/i.test(address))
    refuse(urlName, 'is the Redis address: copy the REST URL (https://….upstash.io)')
  if (!address.includes('://') && env[tokenName]?.startsWith('https:') === true)
    refuse(urlName, `is not a URL: perhaps it and ${tokenName} are swapped`)
  return { url: toBaseUrl(urlName, address), token: readAscii(env, tokenName, /^/, 'set') }
}

/** Null: no merchant may call. A short key is refused, for it could be guessed. */
export function merchantKey(env: Environment): string | null {
  return find(env, 'MERCHANT_API_KEY') === undefined
    ? null
    : readAscii(env, 'MERCHANT_API_KEY', /^.{32,}$/, 'at least 32 characters')
}

export const cronSecret = (env: Environment): string | null => find(env, 'CRON_SECRET') ?? null

/** Enough for a payer who tries again and again, and few enough for cron to close them all. */
const MAX_OPEN_ORDERS = 50

export function maxOpenOrders(env: Environment): number {
  const value = find(env, 'MAX_OPEN_ORDERS')
  if (value === undefined) return MAX_OPEN_ORDERS
  return /^[1-9]\d{0,3}$/.test(value)
    ? Number(value)
    : refuse('MAX_OPEN_ORDERS', 'is not a whole number from 1 to 9999')
}

/** Null: only what the merchant reports is reported. */
export function autoShipping(env: Environment): 'virtual' | 'self_pickup' | null {
  const kind = find(env, 'WECHAT_AUTO_SHIPPING')
  if (kind === undefined || kind === 'virtual' || kind === 'self_pickup') return kind ?? null
  return refuse('WECHAT_AUTO_SHIPPING', 'is neither virtual nor self_pickup')
}

/** Null: events are kept, none is sent. */
export function webhookSettings(env: Environment) {
  const url = find(env, 'ORDER_WEBHOOK_URL')
  if (url === undefined) return null
  const fault = callUrlFault(url)
  if (fault !== null) refuse('ORDER_WEBHOOK_URL', fault)
  return {
    url,
    secret: readAscii(
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
  return token === undefined
    ? null
    : { token, baseUrl: baseUrl === undefined ? undefined : toBaseUrl('QSTASH_URL', baseUrl) }
}

/** Whether the environment names a collector of traces, under OpenTelemetry's own names. What is wrong with it stops nobody. */
export const namesCollector = (env: Environment): boolean =>
  [env['OTEL_EXPORTER_OTLP_ENDPOINT'], env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']].some(
    (value) => (value ?? '') !== '',
  )

const ASKED_BY_HEALTH = [
  'DATABASE_URL',
  'NEON_HTTP_ENDPOINT',
  'VERCEL_ENV',
  'WECHAT_API_URL',
  'WECHAT_APPID',
  'WECHAT_APP_SECRET',
  'WECHAT_MCH_ID',
  'WECHAT_PAY_KEY',
  'WECHAT_PAY_URL',
]

/** A digest of the settings that health probes. Deployments with different settings may share a Redis but never an answer. */
export const nameOfHealth = (env: Environment): string =>
  fingerprint(ASKED_BY_HEALTH.map((name) => env[name] ?? null))
