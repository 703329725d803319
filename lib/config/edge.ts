/** The settings of the HTTP layer: the secrets of the three kinds of caller, and traces. */
import { find, read, readAscii, refuse, type Environment } from './environment.ts'

export const sessionSecret = (env: Environment): string =>
  read(env, 'SESSION_SECRET', /^[^]{32,}$/, 'at least 32 characters')

/** Null: the merchant cannot call. A short key is refused because it could be guessed. */
export function merchantKey(env: Environment): string | null {
  return find(env, 'MERCHANT_API_KEY') === undefined
    ? null
    : notLikeToken(
        'MERCHANT_API_KEY',
        readAscii(env, 'MERCHANT_API_KEY', /^.{32,}$/, 'at least 32 characters'),
      )
}

/** Null: cron cannot call. */
export function cronSecret(env: Environment): string | null {
  const secret = find(env, 'CRON_SECRET')
  return secret === undefined ? null : notLikeToken('CRON_SECRET', secret)
}

/**
 * A user's token has three parts. A bearer token of that form is never compared with a key, and
 * does not count as a guess of one.
 */
const notLikeToken = (name: string, value: string): string =>
  value.split('.').length === 3
    ? refuse(name, 'has the form of a user’s token, with two dots: choose one without dots')
    : value

/**
 * Whether a variable of OpenTelemetry names a collector of traces. The values are not checked here.
 */
export const namesCollector = (env: Environment): boolean =>
  [env['OTEL_EXPORTER_OTLP_ENDPOINT'], env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']].some(
    (value) => (value ?? '') !== '',
  )
