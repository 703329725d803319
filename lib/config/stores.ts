/** The settings of the database and of Redis. */
import { fingerprint } from '../core/fingerprint.ts'
import {
  find,
  findOverride,
  read,
  readAscii,
  refuse,
  toBaseUrl,
  type Environment,
} from './environment.ts'

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
  // The driver parses it the same way, but fails only at the first statement, with the password in
  // its message.
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

const PROBED_BY_HEALTH = [
  'DATABASE_URL',
  'NEON_HTTP_ENDPOINT',
  'VERCEL_ENV',
  'WECHAT_API_URL',
  'WECHAT_APPID',
  'WECHAT_APP_SECRET',
  'WECHAT_MCH_ID',
  'WECHAT_PAY_API',
  'WECHAT_PAY_CERT',
  'WECHAT_PAY_CERT_KEY',
  'WECHAT_PAY_KEY',
  'WECHAT_PAY_KEY_OTHER',
  'WECHAT_PAY_PUBLIC_KEY',
  'WECHAT_PAY_PUBLIC_KEY_ID',
  'WECHAT_PAY_PUBLIC_KEY_ID_OTHER',
  'WECHAT_PAY_PUBLIC_KEY_OTHER',
  'WECHAT_PAY_URL',
  'WECHAT_PAY_V3_KEY',
  'WECHAT_SIGN_TYPE',
]

/**
 * A digest of the settings that a health probe reads. Deployments with different settings may share
 * a Redis but never a health answer.
 */
export const healthDigest = (env: Environment): string =>
  fingerprint(PROBED_BY_HEALTH.map((name) => env[name] ?? null))
