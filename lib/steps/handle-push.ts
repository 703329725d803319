import { describeFailure } from '../core/describe-failure.ts'
import { parseOutTradeNo, type OutTradeNo } from '../core/ids.ts'
import { ok, type Outcome } from '../core/result.ts'
import type { Deps, Push } from '../ports.ts'
import { refreshSettlement, type SettlementDeps } from './refresh-settlement.ts'

/**
 * Handles a message of the Mini Program's message push. It is only a hint: WeChat is asked about
 * its order. That happens after the answer, because WeChat waits five seconds. If it fails, cron
 * asks later.
 */
export async function handlePush(
  deps: SettlementDeps & Pick<Deps, 'setLogOrder'>,
  { id, name, outTradeNo, remedy }: Push,
): Promise<Outcome<'taken'>> {
  const order = outTradeNo === null ? null : parseOutTradeNo(outTradeNo)
  if (order?.ok === true) deps.setLogOrder(order.value)
  if (!(await deps.cache.claimPush(id))) return ok('taken')
  if (remedy !== null) deps.log({ event: 'push_warning', code: name, detail: remedy })
  if (order?.ok === true) deps.waitUntil(() => askAbout(deps, order.value))
  else if (remedy === null && (await deps.cache.claimPush(name)))
    deps.log({ event: 'push_unknown', detail: name })
  return ok('taken')
}

/** The order may belong to another system that uses the same Mini Program. */
const NOT_OURS = ['order_not_found', 'order_not_paid']

async function askAbout(deps: SettlementDeps, outTradeNo: OutTradeNo): Promise<void> {
  const asked = await refreshSettlement(deps, outTradeNo)
  if (asked.ok || NOT_OURS.includes(asked.error.reason)) return
  deps.log({ event: 'settlement_not_asked', order: outTradeNo, ...describeFailure(asked.error) })
}
