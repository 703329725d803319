/** The settings that every order is placed and settled with. */
import { find, isProduction, refuse, toBaseUrl, type Environment } from './environment.ts'
import { isPrivate } from './http-url.ts'

/**
 * The URL of the notify function: https, without a query, at most 256 characters.
 *
 * Names under vercel.app are refused because they do not resolve reliably in China: notifications
 * would be lost.
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

/** The URL of the cron function, at the same address. */
export const cronUrl = (env: Environment): string => new URL('/api/cron', notifyUrl(env)).href

/** More than an honest payer needs, and few enough for cron to close them all. */
const MAX_OPEN_ORDERS = 50

export function maxOpenOrders(env: Environment): number {
  const value = find(env, 'MAX_OPEN_ORDERS')
  if (value === undefined) return MAX_OPEN_ORDERS
  return /^[1-9]\d{0,3}$/.test(value)
    ? Number(value)
    : refuse('MAX_OPEN_ORDERS', 'is not a whole number from 1 to 9999')
}

/** Whether the shop confirms that it may sell virtual goods by ordinary payment. */
export function virtualGoodsAllowed(env: Environment): boolean {
  const value = find(env, 'WECHAT_VIRTUAL_GOODS_ALLOWED')
  if (value === undefined || value === '1') return value === '1'
  return refuse('WECHAT_VIRTUAL_GOODS_ALLOWED', 'is neither 1 nor left out')
}

/**
 * How every payment is reported as shipped automatically. Null: only the merchant reports
 * shipments.
 */
export function autoShipping(env: Environment): 'virtual' | 'self_pickup' | null {
  const kind = find(env, 'WECHAT_AUTO_SHIPPING')
  if (kind === undefined || kind === 'virtual' || kind === 'self_pickup') return kind ?? null
  return refuse('WECHAT_AUTO_SHIPPING', 'is neither virtual nor self_pickup')
}
