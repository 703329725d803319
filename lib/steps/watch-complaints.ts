/**
 * Learns of complaints from notifications and from WeChat's list, and warns the merchant before
 * each deadline.
 */
import {
  COMPLAINT_TASKS,
  warningOf,
  type Complaint,
  type KnownComplaint,
} from '../core/complaint.ts'
import { dayOf, plusDays } from '../core/day.ts'
import { describeFailure } from '../core/describe-failure.ts'
import type { ComplaintId } from '../core/ids.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import { waitForAll } from '../core/wait-for-all.ts'
import type { ComplaintGateway, Deps, TakenComplaint } from '../ports.ts'
import { unguarded, type Guard } from './guard.ts'

export type ComplaintDeps = Pick<
  Deps,
  'complaints' | 'complaintGateway' | 'delayedCalls' | 'clock' | 'log'
>

/** Longer than it takes to ask WeChat once and to store the answer. */
const LEASE_MS = 30_000

/** Pauses between the questions about a complaint that WeChat does not answer. */
const PAUSES_SECONDS = [60, 120, 300, 600, 1_200] as const
const LONGEST_PAUSE_SECONDS = 1_200

/** A notification may arrive a little before WeChat's own query knows the complaint. */
const MOST_ATTEMPTS_IF_MISSING = 10

/**
 * The last deadline of a complaint is after three days. Cron may fail for some days, so more days
 * are listed. WeChat allows 30.
 */
const LISTED_DAYS = 7
const PAGE = 50
/** 2,000 complaints. Cron's time is usually up before. */
const MOST_PAGES = 40

const NOT_CONFIGURED = err({
  reason: 'not_configured',
  variable: 'WECHAT_PAY_V3_KEY',
  fault: 'is not set, and complaints need the settings of APIv3',
} as const)

/** The calls about complaints; `not_configured` without the settings of APIv3. */
export const complaintCalls = ({
  complaintGateway,
}: Pick<Deps, 'complaintGateway'>): Outcome<ComplaintGateway> =>
  complaintGateway === null ? NOT_CONFIGURED : ok(complaintGateway)

/**
 * Handles a notification, which only names the complaint: its number is stored, then WeChat is
 * asked. If WeChat does not answer, the question is repeated later, so the notification need not
 * come again.
 */
export async function handleComplaintNotification(
  deps: ComplaintDeps,
  id: ComplaintId,
): Promise<Outcome<'taken'>> {
  const calls = complaintCalls(deps)
  if (!calls.ok) return calls
  const taken = await report(deps, id, deps.clock.now())
  await askAbout(deps, calls.value, taken)
  return ok('taken')
}

const leaseFrom = (at: Date): Date => new Date(at.getTime() + LEASE_MS)

const report = (deps: ComplaintDeps, id: ComplaintId, at: Date): Promise<TakenComplaint> =>
  deps.complaints.report(id, at, leaseFrom(deps.clock.now()))

/**
 * Asks WeChat about a few complaints that are due, and warns the merchant of their deadlines.
 * Returns how many were taken.
 */
export async function watchDueComplaints(
  deps: ComplaintDeps,
  limit: number,
  guard: Guard = unguarded,
): Promise<number> {
  const { complaintGateway } = deps
  if (complaintGateway === null) return 0
  const at = deps.clock.now()
  const due = await deps.complaints.takeDue(limit, at, leaseFrom(at))
  await waitForAll(
    due.map((taken) =>
      guard({ event: 'complaint_not_finished', detail: taken.complaintId }, () =>
        askAbout(deps, complaintGateway, taken),
      ),
    ),
  )
  return due.length
}

/** Asks WeChat for the current state first. The merchant is warned even if it does not answer. */
async function askAbout(
  deps: ComplaintDeps,
  calls: ComplaintGateway,
  { complaintId, complaint, attempts }: TakenComplaint,
): Promise<Outcome<unknown>> {
  const askedAt = deps.clock.now()
  const found = await calls.find(complaintId)
  if (found.ok && found.value !== null)
    return ok(await saveAndWarn(deps, found.value, complaint, askedAt))
  if (complaint !== null) await warn(deps, complaint)
  const isGivenUp = found.ok && attempts + 1 >= MOST_ATTEMPTS_IF_MISSING
  const pause = PAUSES_SECONDS[attempts] ?? LONGEST_PAUSE_SECONDS
  const next = new Date(deps.clock.now().getTime() + pause * 1_000)
  deps.log({
    event: isGivenUp ? 'complaint_given_up' : 'complaint_not_known',
    detail: complaintId,
    count: attempts + 1,
    ...(found.ok ? { reason: 'missing' } : describeWithout(found.error)),
  })
  await deps.complaints.postpone(complaintId, isGivenUp ? null : next)
  return found
}

/** In these log lines `detail` names the complaint, so the detail of the failure is left out. */
const describeWithout = (failure: Parameters<typeof describeFailure>[0]) => {
  const { reason, code } = describeFailure(failure)
  return { reason, ...(code === undefined ? {} : { code }) }
}

/** @param stored the complaint as it was stored before; null for a new one */
export async function saveAndWarn(
  deps: ComplaintDeps,
  known: KnownComplaint,
  stored: Complaint | null,
  askedAt: Date,
): Promise<Complaint> {
  // The warnings are scheduled before the complaint is stored. If the instance stops in between,
  // the complaint is still new to the next run, which schedules them again.
  if (stored === null) await scheduleWarnings(deps, known)
  const saved = await deps.complaints.save(known, askedAt, deps.clock.now())
  await warn(deps, saved)
  return saved
}

/**
 * Schedules a call of cron at the time of each warning. If that fails, cron's own schedule warns.
 */
async function scheduleWarnings(
  { delayedCalls, clock, log }: ComplaintDeps,
  known: KnownComplaint,
): Promise<void> {
  if (delayedCalls === null) return
  await waitForAll(
    COMPLAINT_TASKS.map(async (task) => {
      const at = warningOf(known, task)
      if (at <= clock.now()) return
      const fault = await delayedCalls.schedule(`complaint-${known.complaintId}-${task}`, at)
      if (fault !== null)
        log({ event: 'warning_not_scheduled', code: fault, detail: known.complaintId })
    }),
  )
}

/** Sends the warnings that are due, each once. The store checks the state again. */
async function warn({ complaints, clock }: ComplaintDeps, complaint: Complaint): Promise<void> {
  const now = clock.now()
  for (const task of COMPLAINT_TASKS) {
    const isOpen =
      task === 'reply' ? complaint.state === 'PENDING' : complaint.state !== 'PROCESSED'
    if (isOpen && warningOf(complaint, task) <= now) await complaints.warn(complaint, task, now)
  }
}

/**
 * Compares the complaints of the last days at WeChat with those that are stored, so that a
 * complaint whose notification was lost is found. Returns a failure if WeChat does not list them.
 * If the time is up before the end of the list, the next run gets further, because it has fewer
 * complaints to store.
 */
export async function findMissedComplaints(
  deps: ComplaintDeps,
  isTime: () => boolean,
): Promise<Outcome<null>> {
  const { complaintGateway } = deps
  if (complaintGateway === null) return ok(null)
  const today = dayOf(deps.clock.now())
  const from = plusDays(today, 1 - LISTED_DAYS)
  let left: number | null = null
  for (let page = 0; page < MOST_PAGES && isTime(); page += 1) {
    const askedAt = deps.clock.now()
    const listed = await complaintGateway.list(from, today, page * PAGE, PAGE)
    if (!listed.ok) return listed
    const { complaints, total } = listed.value
    await saveListed(deps, complaints, askedAt)
    left = total - page * PAGE - complaints.length
    if (complaints.length < PAGE || left <= 0) return ok(null)
  }
  deps.log({ event: 'complaints_left_out', ...(left === null ? {} : { count: left }) })
  return ok(null)
}

async function saveListed(
  deps: ComplaintDeps,
  listed: readonly KnownComplaint[],
  askedAt: Date,
): Promise<void> {
  const stored = await deps.complaints.findAll(listed.map(({ complaintId }) => complaintId))
  for (const known of listed) {
    const before = stored.find(({ complaintId }) => complaintId === known.complaintId) ?? null
    if (before !== null && isSame(before, known)) continue
    if (before === null) await report(deps, known.complaintId, askedAt)
    await saveAndWarn(deps, known, before, askedAt)
  }
}

const isSame = (stored: Complaint, known: KnownComplaint): boolean =>
  stored.state === known.state &&
  stored.isFullyRefunded === known.isFullyRefunded &&
  stored.isReplyAwaited === known.isReplyAwaited &&
  stored.times === known.times
