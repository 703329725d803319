import type { Complaint, ComplaintEntry } from '../core/complaint.ts'
import type { ComplaintId } from '../core/ids.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { ComplaintFilter, Deps } from '../ports.ts'
import { complaintCalls, saveAndWarn, type ComplaintDeps } from './watch-complaints.ts'

export const COMPLAINT_NOT_FOUND = err({ reason: 'complaint_not_found' } as const)

export interface ShownComplaint {
  readonly complaint: Complaint
  readonly history: readonly ComplaintEntry[]
  /** Undefined unless it was requested; null if WeChat has no number. */
  readonly phone?: string | null
}

/** A page of the stored complaints, newest first. */
export async function listComplaints(
  deps: Pick<Deps, 'complaints' | 'complaintGateway'>,
  filter: ComplaintFilter,
): Promise<Outcome<Awaited<ReturnType<Deps['complaints']['list']>>>> {
  const calls = complaintCalls(deps)
  return calls.ok ? ok(await deps.complaints.list(filter)) : calls
}

/** One complaint with its history, as WeChat describes it now. The stored one is updated. */
export async function showComplaint(
  deps: ComplaintDeps,
  id: ComplaintId,
  withPhone: boolean,
): Promise<Outcome<ShownComplaint>> {
  const calls = complaintCalls(deps)
  if (!calls.ok) return calls
  const [complaint, history, phone] = await Promise.all([
    refreshComplaint(deps, id),
    calls.value.history(id),
    withPhone ? calls.value.findPhone(id) : null,
  ])
  if (!complaint.ok) return complaint
  if (!history.ok) return history
  if (history.value === null) return COMPLAINT_NOT_FOUND
  const shown = { complaint: complaint.value, history: history.value }
  if (phone === null) return ok(shown)
  return phone.ok ? ok({ ...shown, phone: phone.value }) : phone
}

/**
 * Asks WeChat about a complaint and stores its answer, even if the complaint was not stored before.
 */
export async function refreshComplaint(
  deps: ComplaintDeps,
  id: ComplaintId,
): Promise<Outcome<Complaint>> {
  const calls = complaintCalls(deps)
  if (!calls.ok) return calls
  const askedAt = deps.clock.now()
  const [stored, found] = await Promise.all([deps.complaints.find(id), calls.value.find(id)])
  if (!found.ok) return found
  if (found.value === null) return COMPLAINT_NOT_FOUND
  // The lease ends immediately. If the instance stops here, the complaint is due again.
  if (stored === null) await deps.complaints.report(id, askedAt, askedAt)
  return ok(await saveAndWarn(deps, found.value, stored, askedAt))
}
