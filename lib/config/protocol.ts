/** Which versions of WeChat Pay's API are configured, and which one new orders use. */
import { find, refuse, type Environment } from './environment.ts'

type Protocol = 'v2' | 'v3'

/**
 * The settings of one protocol that the other does not use. The merchant's certificate is not among
 * them, because refunds of APIv2 need it too.
 */
const SIGNS = {
  v2: ['WECHAT_PAY_KEY'],
  v3: ['WECHAT_PAY_V3_KEY', 'WECHAT_PAY_PUBLIC_KEY', 'WECHAT_PAY_PUBLIC_KEY_ID'],
} as const

const names = (env: Environment, protocol: Protocol): boolean =>
  SIGNS[protocol].some((name) => (env[name] ?? '') !== '')

/**
 * The protocol of new orders. If both are configured, it is v2 until WECHAT_PAY_API is set, so that
 * a shop can prepare v3 while it is open.
 */
export function newOrderProtocol(env: Environment): Protocol {
  const named = find(env, 'WECHAT_PAY_API')
  if (named === undefined) return names(env, 'v3') && !names(env, 'v2') ? 'v3' : 'v2'
  return named === 'v2' || named === 'v3' ? named : refuse('WECHAT_PAY_API', 'is neither v2 nor v3')
}

/**
 * Every protocol that is configured, even in part, v2 last. It never throws, because notifications
 * must be answered whatever WECHAT_PAY_API is.
 */
export function configuredProtocols(env: Environment): readonly Protocol[] {
  const found = (['v3', 'v2'] as const).filter(
    (protocol) => names(env, protocol) || env['WECHAT_PAY_API'] === protocol,
  )
  return found.length === 0 ? ['v2'] : found
}
