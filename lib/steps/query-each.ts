import type { Failure } from '../core/failure.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import { mapConcurrently } from './map-concurrently.ts'

/** Far below what WeChat allows one merchant a second. */
const AT_ONCE = 8

/** More items without an answer are an outage. A broken order has effect on its own item only. */
const MOST_WITHOUT_ANSWER = 10

/**
 * Asks WeChat about each item, and once more about those without a usable answer.
 *
 * Ok: WeChat answers, and all items have been asked about. Some may still lack an answer, because
 * one order whose answer is never readable must not prevent the comparison of a whole day. A
 * failure: WeChat does not answer or does not accept our calls at the moment, so the whole list
 * should be asked again later.
 *
 * @param probe asks the same question about a number that does not exist; it tells a broken item
 * from an outage
 */
export async function queryEach<T>(
  items: readonly T[],
  ask: (item: T) => Promise<Outcome<unknown>>,
  probe: () => Promise<Outcome<unknown>>,
): Promise<Outcome<unknown>> {
  let unanswered = items
  for (let round = 1; round <= 2; round += 1) {
    const asked = await mapConcurrently(unanswered, AT_ONCE, async (item) => ({
      item,
      answer: await ask(item),
    }))
    const failed = asked.filter(({ answer }) => !isAnswer(answer))
    const refused = failed.find(({ answer }) => !isReason(answer, NO_ANSWER))
    if (refused !== undefined) return refused.answer
    unanswered = failed.map(({ item }) => item)
  }
  if (unanswered.length === 0) return ok(null)
  if (unanswered.length > MOST_WITHOUT_ANSWER) return err({ reason: 'wechat_unknown' })
  const probed = await probe()
  return isAnswer(probed) ? ok(null) : probed
}

/** WeChat's own refusal is an answer, and so is an answer that contradicts the ledger. */
const ANSWER: readonly string[] = [
  'wechat_refused',
  'refund_refused',
  'notice_contradicts',
] satisfies Failure['reason'][]

/**
 * `refund_not_found`: WeChat does not know a refund that is in its own bill. `internal_error`:
 * a bug prevented the answer.
 */
const NO_ANSWER: readonly string[] = [
  'wechat_untrusted',
  'wechat_unknown',
  'refund_not_found',
  'internal_error',
] satisfies Failure['reason'][]

const isReason = (answer: Outcome<unknown>, reasons: readonly string[]): boolean =>
  !answer.ok && reasons.includes(answer.error.reason)

const isAnswer = (answer: Outcome<unknown>): boolean => answer.ok || isReason(answer, ANSWER)
