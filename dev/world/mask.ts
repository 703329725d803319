/**
 * Hides secrets in the feed. The keys of the local world are public and are shown. Values from the
 * environment are real, and so are the tokens of a world with real services: these are hidden.
 */
import { readVariable, type Environment } from '../program/environment.ts'

/** The variables whose values are secret. */
export const secretVariables = [
  'WECHAT_APP_SECRET',
  'WECHAT_PAY_KEY',
  'WECHAT_PAY_KEY_OTHER',
  'WECHAT_PAY_V3_KEY',
  'WECHAT_PAY_CERT_KEY',
  'WECHAT_PUSH_TOKEN',
  'WECHAT_PUSH_KEY',
  'SESSION_SECRET',
  'MERCHANT_API_KEY',
  'CRON_SECRET',
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'KV_REST_API_TOKEN',
  'ORDER_WEBHOOK_SECRET',
  'QSTASH_TOKEN',
  'OTEL_EXPORTER_OTLP_HEADERS',
] as const
const services = [
  'WECHAT_API_URL',
  'WECHAT_PAY_URL',
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_URL',
  'KV_REST_API_URL',
  'ORDER_WEBHOOK_URL',
]

const MASKED = '***'
const PRIVATE_HEADERS = new Set(['authorization', 'neon-connection-string', 'cookie'])

export interface Mask {
  text(text: string): string
  headers(headers: Readonly<Record<string, string>>): Record<string, string>
}

/** @param given the environment before the world completed it */
export function createMask(given: Environment): Mask {
  const values = secretVariables.flatMap((name) => readVariable(given, name) ?? [])
  const isReal = [...secretVariables, ...services].some(
    (name) => readVariable(given, name) !== undefined,
  )
  const text = (plain: string): string => {
    const masked = values.reduce((left, value) => left.replaceAll(value, MASKED), plain)
    const withoutKeys = masked
      .replaceAll(/("(?:session_key|access_token|secret)"\s*:\s*")[^"]*/g, `$1${MASKED}`)
      .replaceAll(/((?:access_token|secret)=)[^&\s"]+/g, `$1${MASKED}`)
    return isReal ? withoutKeys.replaceAll(/("token"\s*:\s*")[^"]*/g, `$1${MASKED}`) : withoutKeys
  }
  return {
    text,
    headers: (headers) =>
      Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [
          name,
          isReal && PRIVATE_HEADERS.has(name) ? maskHeader(value) : text(value),
        ]),
      ),
  }
}

/** The scheme stays, and so does the Authorization of APIv3, which holds a signature and no key. */
const maskHeader = (value: string): string =>
  value.startsWith('WECHATPAY2-') ? value : value.replace(/^(\w+ )?.*$/s, `$1${MASKED}`)
