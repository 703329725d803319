import { describeFailure } from '../core/describe-failure.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { Deps } from '../ports.ts'
import { withAccessToken } from './with-access-token.ts'

/**
 * Asks WeChat once a day whether it holds the money of this app's orders until they are shipped. If
 * it does, and nothing is ever shipped, every payment stays frozen: a log line says so.
 */
export async function checkTradeManagement(
  deps: Pick<
    Deps,
    | 'account'
    | 'autoShipping'
    | 'tradeManagement'
    | 'miniProgram'
    | 'cache'
    | 'clock'
    | 'waitUntil'
    | 'log'
  >,
): Promise<Outcome<null>> {
  const { appid } = deps.account
  if (!(await deps.tradeManagement.claim(appid, deps.clock.now()))) return ok(null)
  const asked = await withAccessToken(deps, appid, (token) =>
    deps.miniProgram(appid).isTradeManaged(token),
  )
  if (!asked.ok) {
    deps.log({ event: 'trade_not_asked', ...describeFailure(asked.error) })
    return asked
  }
  if (asked.value.outcome === 'token_refused') {
    const { code, text } = asked.value
    deps.log({ event: 'trade_not_asked', code })
    return err({ reason: 'wechat_refused', code, text })
  }
  const { isManaged } = asked.value
  const { hasShipped } = await deps.tradeManagement.store(appid, isManaged, deps.clock.now())
  if (isManaged && !hasShipped && deps.autoShipping === null) deps.log({ event: 'nothing_shipped' })
  return ok(null)
}
