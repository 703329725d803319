import type { Failure } from '../core/failure.ts'
import { newOutTradeNo } from '../core/ids.ts'
import type { Result } from '../core/result.ts'
import type { Deps } from '../ports.ts'
import { inGroups } from './in-groups.ts'

/** Far below what WeChat allows one merchant a second. */
const AT_ONCE = 8

/** More than this is an outage. A broken order leaves only itself without an answer. */
const MOST_WITHOUT_ANSWER = 10

/**
 * Asks WeChat about each item, and once more about those without a usable answer.
 *
 * Null: WeChat answers, and all items have been asked about. A few may still lack an answer. They stay as they are, because
 * one order whose answer is never readable must not prevent the comparison of a whole day. A failure: WeChat does not answer
 * or does not accept our calls at the moment, so the whole list should be asked again later.
 */
export async function askEach<T>(
  deps: Pick<Deps, 'wechat' | 'clock' | 'randomBytes'>,
  items: readonly T[],
  ask: (item: T) => Promise<Result<unknown, Failure>>,
): Promise<Failure | null> {
  const first = await askOnce(items, ask)
  if (first.failure !== null) return first.failure
  const second = await askOnce(first.unanswered, ask)
  if (second.failure !== null || second.unanswered.length === 0) return second.failure
  if (second.unanswered.length > MOST_WITHOUT_ANSWER) return { reason: 'wechat_unknown' }
  // Asks about an order that was never placed: if WeChat works, it answers that it does not know this order.
  const unknownOrder = newOutTradeNo(deps.clock.now(), deps.randomBytes(9))
  const answer = await deps.wechat.askOrder({ outTradeNo: unknownOrder })
  return answer.ok || isAnswer(answer.error) ? null : answer.error
}

async function askOnce<T>(items: readonly T[], ask: (item: T) => Promise<Result<unknown, Failure>>) {
  const unanswered: T[] = []
  let failure: Failure | null = null
  const asked = await inGroups(items, AT_ONCE, async (item) => ({ item, answer: await ask(item) }))
  for (const { item, answer } of asked) {
    if (answer.ok || isAnswer(answer.error)) continue
    if (answer.error.reason === 'wechat_untrusted' || answer.error.reason === 'wechat_unknown') unanswered.push(item)
    else failure ??= answer.error
  }
  return { unanswered, failure }
}

/** WeChat's own refusal is an answer, and so is one that contradicts the ledger. */
const isAnswer = ({ reason }: Failure): boolean =>
  reason === 'wechat_refused' || reason === 'refund_refused' || reason === 'notice_contradicts'
