/** The settings of the HTTP layer: the secrets of the three kinds of caller, and traces. */
import { find, read, readAscii, type Environment } from './environment.ts'

export const sessionSecret = (env: Environment): string =>
  read(env, 'SESSION_SECRET', /^[^]{32,}$/, 'at least 32 characters')

/** Null: the merchant cannot call. A short key is refused because it could be guessed. */
export function merchantKey(env: Environment): string | null {
  return find(env, 'MERCHANT_API_KEY') === undefined
    ? null
    : readAscii(env, 'MERCHANT_API_KEY', /^.{32,}$/, 'at least 32 characters')
}

export const cronSecret = (env: Environment): string | null => find(env, 'CRON_SECRET') ?? null

/**
 * Whether a variable of OpenTelemetry names a collector of traces. The values are not checked here.
 */
export const namesCollector = (env: Environment): boolean =>
  [env['OTEL_EXPORTER_OTLP_ENDPOINT'], env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']].some(
    (value) => (value ?? '') !== '',
  )
