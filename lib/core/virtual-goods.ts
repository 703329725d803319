import type { Failure } from './failure.ts'

/**
 * The refusal for a shop that has not confirmed that it may sell virtual goods. It names the
 * setting that confirms it.
 *
 * Source: announcement of WeChat, 2026-02-27
 */
export const virtualGoodsRefused: Failure = {
  reason: 'not_configured',
  variable: 'WECHAT_VIRTUAL_GOODS_ALLOWED',
  fault:
    'is not 1. Since 2026-04-01 WeChat restricts Mini Programs that sell virtual goods by ordinary payment. The README says in “Virtual goods” which shops may set it',
  why: 'virtual_goods',
}
