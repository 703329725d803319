/**
 * Replies to a complaint, finishes it, or decides about its refund.
 *
 * WeChat shows a repeated reply twice, and its calls take no idempotency key. So the history at
 * WeChat is read before an action is sent. If WeChat already has the action, and the payer has not
 * written since, it counts as done.
 *
 * A claim ensures that only one action on a complaint runs at a time. If an answer is lost, the
 * claim is kept for a minute. After that, either WeChat has the action or it will not receive
 * it.
 */
import type { Complaint, ComplaintAction, ComplaintEntry } from '../core/complaint.ts'
import type { Failure } from '../core/failure.ts'
import type { ComplaintId } from '../core/ids.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { ComplaintGateway } from '../ports.ts'
import { COMPLAINT_NOT_FOUND, refreshComplaint } from './show-complaint.ts'
import { complaintCalls, type ComplaintDeps } from './watch-complaints.ts'

/**
 * Longer than the sum of two times: a request, and WeChat's processing of a message that it
 * received. The sum is 30 seconds.
 */
const CLAIM_MS = 60_000

/** After these failures WeChat may have the action. */
const UNKNOWN: readonly string[] = [
  'wechat_unknown',
  'wechat_untrusted',
] satisfies Failure['reason'][]

/** Safe to repeat: the same action is sent to WeChat once. */
export async function actOnComplaint(
  deps: ComplaintDeps,
  id: ComplaintId,
  action: ComplaintAction,
): Promise<Outcome<Complaint>> {
  const calls = complaintCalls(deps)
  if (!calls.ok) return calls
  // A complaint that is not stored yet is stored first, because the claim is part of it.
  const before = await refreshComplaint(deps, id)
  if (!before.ok) return before
  const until = await deps.complaints.claim(id, CLAIM_MS)
  if (until === null) return err({ reason: 'complaint_busy' })
  const acted = await sendOnce(calls.value, before.value, action)
  if (acted.ok || !UNKNOWN.includes(acted.error.reason)) await deps.complaints.release(id, until)
  if (!acted.ok) return acted
  const after = await refreshComplaint(deps, id)
  return after.ok ? after : ok(await saveActed(deps, before.value, action))
}

async function sendOnce(
  calls: ComplaintGateway,
  { complaintId: id, state }: Complaint,
  action: ComplaintAction,
): Promise<Outcome<'done'>> {
  // WeChat refuses to finish a complaint twice, so its state from before the claim is enough.
  const earlier =
    action.action === 'finish' ? ok(state === 'PROCESSED') : await isDone(calls, id, action)
  if (!earlier.ok) return earlier
  if (earlier.value) return ok('done')
  const answer = await calls.act(id, action)
  if (!answer.ok) return answer
  const { value } = answer
  if (value.outcome === 'missing') return COMPLAINT_NOT_FOUND
  if (value.outcome !== 'refused') return ok('done')
  // Another system of the merchant may have taken the same action since.
  const meanwhile = await isDone(calls, id, action)
  if (meanwhile.ok && meanwhile.value) return ok('done')
  const { code, text } = value
  return err({ reason: 'complaint_refused', code, remedy: REMEDIES[action.action], text })
}

const REMEDIES = {
  reply: 'a complaint that is PROCESSED takes no reply, and WeChat shows at most 200 characters',
  finish: 'reply first: WeChat finishes a complaint that is PROCESSING',
  refund: 'only a complaint of problemType REFUND waits for a decision, and only once',
} as const

async function isDone(
  calls: ComplaintGateway,
  id: ComplaintId,
  action: ComplaintAction,
): Promise<Outcome<boolean>> {
  if (action.action === 'finish') {
    const found = await calls.find(id)
    return found.ok ? ok(found.value?.state === 'PROCESSED') : found
  }
  const history = await calls.history(id)
  if (!history.ok) return history
  return ok(sinceThePayerWrote(history.value ?? []).some((entry) => isEntryOf(action, entry)))
}

/** Types that end in `_SYSTEM_MESSAGE` are not matched: the system wrote those messages. */
const PAYER_WROTE = /^USER_(?:CREATE_COMPLAINT|CONTINUE_COMPLAINT|RESPONSE)$/

/** The merchant may give the same reply again after a new message of the payer. */
const sinceThePayerWrote = (history: readonly ComplaintEntry[]): readonly ComplaintEntry[] =>
  history.slice(history.findLastIndex(({ type }) => PAYER_WROTE.test(type)) + 1)

function isEntryOf(
  action: Exclude<ComplaintAction, { action: 'finish' }>,
  { type, text }: ComplaintEntry,
): boolean {
  if (action.action === 'reply')
    return type === 'MERCHANT_RESPONSE' && text.trim() === action.content.trim()
  return action.decision === 'approve'
    ? type === 'MERCHANT_APPROVE_REFUND'
    : // `RERUND` is WeChat's spelling, probably by mistake. `REFUND` is accepted too.
      /^MERCHANT_REFUSE_RE[RF]UND$/.test(type)
}

/**
 * WeChat has taken the action, but does not answer the question that follows. The new state is
 * stored anyway, so that no warning is sent.
 */
function saveActed(
  { complaints, clock }: ComplaintDeps,
  before: Complaint,
  { action }: ComplaintAction,
): Promise<Complaint> {
  const now = clock.now()
  const state = action === 'finish' ? 'PROCESSED' : 'PROCESSING'
  return complaints.save({ ...before, state, isReplyAwaited: false }, now, now)
}
