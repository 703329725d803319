import type { Protocol } from './account.ts'

/** A call to WeChat. Both protocols have the same name for the same job. */
export interface WechatCall {
  readonly protocol: Protocol
  readonly name: string
}

const V3_CALLS: readonly (readonly [path: RegExp, name: string])[] = [
  [/^pay\/transactions\/jsapi$/, 'unifiedorder'],
  [/^pay\/transactions\/out-trade-no\/[^/]+\/close$/, 'closeorder'],
  [/^pay\/transactions\/(?:out-trade-no|id)\/[^/]+$/, 'orderquery'],
  [/^refund\/domestic\/refunds$/, 'refund'],
  [/^refund\/domestic\/refunds\/[^/]+$/, 'refundquery'],
  [/^merchant-service\/complaints-v2\/[^/]+\/(?:response|complete|update-)/, 'complaint-action'],
  [/^merchant-service\/complaints-v2/, 'complaint-query'],
]

export function nameCall(pathname: string): WechatCall {
  const last = pathname.split('/').at(-1) ?? ''
  const [, v3Path] = pathname.split('/v3/')
  if (v3Path === undefined) return { protocol: 'v2', name: last }
  return { protocol: 'v3', name: V3_CALLS.find(([path]) => path.test(v3Path))?.[1] ?? last }
}
