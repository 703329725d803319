/** The settings of the merchant's webhook and of the queue in front of it. */
import { find, readAscii, refuse, toBaseUrl, type Environment } from './environment.ts'
import { callUrlFault } from './http-url.ts'

/** Null: events are stored and not delivered. */
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

/**
 * Null: these functions deliver events themselves. `QSTASH_URL` is Upstash's name for the URL of a
 * region.
 */
export function qstashSettings(env: Environment) {
  const token = find(env, 'QSTASH_TOKEN')
  const baseUrl = find(env, 'QSTASH_URL')
  return token === undefined
    ? null
    : { token, baseUrl: baseUrl === undefined ? undefined : toBaseUrl('QSTASH_URL', baseUrl) }
}
