import { readVariable, type Environment } from '../program/environment.ts'
import { PlainError } from '../program/plain-error.ts'

/**
 * Fails a build on Vercel that cannot tell production from a preview. The deployment could not
 * either, and all its checks for production would be off. `vercel build` sets VERCEL itself. At run
 * time neither variable exists, so only the build can check.
 *
 * @throws PlainError
 */
export function requireVercelEnvironment(environment: Environment): void {
  if (
    readVariable(environment, 'VERCEL') !== undefined &&
    readVariable(environment, 'VERCEL_ENV') === undefined
  )
    throw new PlainError(
      'VERCEL_ENV is not set, so this build cannot tell production from a preview. In Vercel, open the project, then Settings → Environment Variables, tick "Automatically expose System Environment Variables", and deploy again. On your own machine, run `vercel pull` before `vercel build`.',
    )
}

/**
 * Fails a production build whose deployment would take no order, so that the deployment before it
 * stays live. Only a shop that ships every payment as virtual is concerned.
 *
 * @throws PlainError
 */
export function requireVirtualGoodsSetting(environment: Environment): void {
  if (
    readVariable(environment, 'VERCEL_ENV') === 'production' &&
    readVariable(environment, 'WECHAT_AUTO_SHIPPING') === 'virtual' &&
    readVariable(environment, 'WECHAT_VIRTUAL_GOODS_ALLOWED') === undefined
  )
    throw new PlainError(
      'WECHAT_AUTO_SHIPPING is virtual, and WECHAT_VIRTUAL_GOODS_ALLOWED is not set, so this version would take no order. Since 2026-04-01 WeChat restricts Mini Programs that sell virtual goods by ordinary payment. For goods and services that are used offline, set WECHAT_AUTO_SHIPPING to self_pickup. If WeChat lets you sell your virtual goods by ordinary payment, set WECHAT_VIRTUAL_GOODS_ALLOWED to 1. The README explains it in "Virtual goods". The deployment before this one stays live.',
    )
}

/**
 * Why this build keeps the sources, as one sentence; null if it replaces them. The variables are
 * Vercel's: its tool on a developer's machine sets at most one of them.
 */
export const reasonToKeepSources = (environment: Environment): string | null =>
  ['VERCEL', 'CI'].some((name) => readVariable(environment, name) === undefined)
    ? 'This is not a build machine of Vercel: the functions are packed from their sources.'
    : null
