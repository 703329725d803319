/**
 * How long a connection may stay idle, in milliseconds: less than the other side allows. The limits
 * of Upstash and of api.weixin.qq.com are not published.
 *
 * - Neon's proxy closes no idle connection by itself (neondatabase/neon,
 *   proxy/src/serverless/mod.rs). The load balancers of AWS in front of it do after 350 seconds
 *   (docs.aws.amazon.com, elasticloadbalancing, network/update-idle-timeout).
 * - WeChat Pay closes one after 8 seconds (wechatpay-apiv3/wechatpay-java, pull request 187).
 */
const LIMITS: readonly (readonly [RegExp, number])[] = [
  [/\.neon\.tech$/, 300_000],
  [/^api2?\.mch\.weixin\.qq\.com$/, 7_000],
]

/** nginx closes after 75 seconds by default. */
const DEFAULT_LIMIT_MS = 70_000

/** The longest idle time, even if `Keep-Alive` announces more: see AWS above. */
const LONGEST_MS = 300_000

/** The time that a request needs to arrive before the other side closes. */
const MARGIN_MS = 1_000

/** @param keepAlive the header `Keep-Alive` of the last answer, which overrules the table */
export function idleLimitMs(hostname: string, keepAlive: string | undefined): number {
  const announced = /(?:^|[\s,])timeout=(\d+)/.exec(keepAlive ?? '')?.[1]
  if (announced !== undefined)
    return Math.min(LONGEST_MS, Math.max(0, Number(announced) * 1_000 - MARGIN_MS))
  return LIMITS.find(([pattern]) => pattern.test(hostname))?.[1] ?? DEFAULT_LIMIT_MS
}
