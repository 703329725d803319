import type { Failure } from '../core/failure.ts'
import { err, ok, type Result } from '../core/result.ts'
import { mapConcurrently } from './map-concurrently.ts'

/** Far below what WeChat allows one merchant a second. */
const AT_ONCE = 8

/** More than this is an outage. A broken order leaves only itself without an answer. */
const MOST_WITHOUT_ANSWER = 10

/**
 * Asks WeChat about each item, and once more about those without a usable answer.
 *
 * Ok: WeChat answers, and all items have been asked about. The items in it still lack an answer, because one order whose
 * answer is never readable must not prevent the comparison of a whole day; the caller decides about them. A failure: WeChat
 * does not answer or does not accept our calls at the moment, so the whole list should be asked again later.
 *
 * @param probe asks the same question about a number that does not exist; it tells a broken item from an outage
 */
export async function queryEach<T>(
  items: readonly T[],
  ask: (item: T) => Promise<Result<unknown, Failure>>,
  probe: () => Promise<Result<unknown, Failure>>,
): Promise<Result<readonly T[], Failure>> {
  const first = await askOnce(items, ask)
  if (first.failure !== null) return err(first.failure)
  const second = await askOnce(first.unanswered, ask)
  if (second.failure !== null) return err(second.failure)
  if (second.unanswered.length === 0) return ok([])
  if (second.unanswered.length > MOST_WITHOUT_ANSWER) return err({ reason: 'wechat_unknown' })
  const answer = await probe()
  return answer.ok || isAnswer(answer.error) ? ok(second.unanswered) : answer
}

async function askOnce<T>(
  items: readonly T[],
  ask: (item: T) => Promise<Result<unknown, Failure>>,
) {
  const unanswered: T[] = []
  let failure: Failure | null = null
  const asked = await mapConcurrently(items, AT_ONCE, async (item) => ({
    item,
    answer: await ask(item),
  }))
  for (const { item, answer } of asked) {
    if (answer.ok || isAnswer(answer.error)) continue
    if (isNoAnswer(answer.error)) unanswered.push(item)
    else failure ??= answer.error
  }
  return { unanswered, failure }
}

/** WeChat's own refusal is an answer, and so is one that contradicts the ledger. */
const isAnswer = ({ reason }: Failure): boolean =>
  reason === 'wechat_refused' || reason === 'refund_refused' || reason === 'notice_contradicts'

/** `refund_not_found`: WeChat does not know a refund that stands in its own bill. `internal_error`: a bug kept the answer out. */
const isNoAnswer = ({ reason }: Failure): boolean =>
  reason === 'wechat_untrusted' ||
  reason === 'wechat_unknown' ||
  reason === 'refund_not_found' ||
  reason === 'internal_error'
