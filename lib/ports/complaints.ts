import type {
  Complaint,
  ComplaintAction,
  ComplaintEntry,
  ComplaintState,
  ComplaintTask,
  KnownComplaint,
} from '../core/complaint.ts'
import type { Day } from '../core/day.ts'
import type { ComplaintId } from '../core/ids.ts'
import type { Outcome } from '../core/result.ts'

/** One page of the complaints of some days. */
export interface ComplaintPage {
  readonly complaints: readonly KnownComplaint[]
  /** The number of complaints on all pages. */
  readonly total: number
}

/** `refused`: WeChat did not take the action, usually because it does not fit the state. */
export type ActionAnswer =
  | { readonly outcome: 'done' | 'missing' }
  | { readonly outcome: 'refused'; readonly code: string; readonly text: string }

/** Complaints at WeChat. Every answer is verified before it becomes a value. */
export interface ComplaintGateway {
  /** The complaints of these days in Beijing, at most 30 days. */
  list(from: Day, to: Day, offset: number, limit: number): Promise<Outcome<ComplaintPage>>
  /** Null: WeChat does not know it. */
  find(id: ComplaintId): Promise<Outcome<KnownComplaint | null>>
  /** The payer's phone number; null if WeChat has none. It must not be stored or logged. */
  findPhone(id: ComplaintId): Promise<Outcome<string | null>>
  /** Oldest first. Null: WeChat does not know the complaint. */
  history(id: ComplaintId): Promise<Outcome<readonly ComplaintEntry[] | null>>
  /**
   * Not idempotent: a reply that is sent twice is shown twice. `wechat_unknown` means that it may
   * have been taken.
   */
  act(id: ComplaintId, action: ComplaintAction): Promise<Outcome<ActionAnswer>>
  /** The URL that WeChat notifies of complaints; null if none is registered. */
  findNotifyUrl(): Promise<Outcome<string | null>>
  /** Registers the URL. It replaces the one that was registered before. */
  setNotifyUrl(url: string): Promise<Outcome<null>>
  /** WeChat sends no notifications of complaints after that. */
  deleteNotifyUrl(): Promise<Outcome<null>>
}

/** A complaint on lease: WeChat must be asked about it, or the merchant must be warned. */
export interface TakenComplaint {
  readonly complaintId: ComplaintId
  /** As stored; null while WeChat has not been asked successfully. */
  readonly complaint: Complaint | null
  /** Failed attempts to ask WeChat, since the number was reported or WeChat last answered. */
  readonly attempts: number
}

export interface ComplaintFilter {
  /** Complaints in any of these distinct states; null: in any state. */
  readonly states: readonly ComplaintState[] | null
  /** Only complaints before this one. */
  readonly before: ComplaintId | null
  readonly limit: number
}

/**
 * Complaints, as WeChat last described them. A number is stored first, so that no complaint is lost
 * if WeChat does not answer the question about it.
 */
export interface Complaints {
  /**
   * Stores the number of a complaint, and takes it on lease until `leaseUntil`. A known one is
   * taken again, because it may have changed.
   */
  report(id: ComplaintId, at: Date, leaseUntil: Date): Promise<TakenComplaint>
  /**
   * Stores WeChat's description, unless WeChat was asked for the stored one later. The first
   * description appends one event `complaint.created`, in the same statement. Returns the complaint
   * as it is stored afterwards.
   *
   * @param askedAt when WeChat was asked
   */
  save(known: KnownComplaint, askedAt: Date, at: Date): Promise<Complaint>
  /**
   * Counts a failed attempt to ask WeChat. The next one is due at `next`. Null: WeChat is not asked
   * again.
   */
  postpone(id: ComplaintId, next: Date | null): Promise<void>
  /**
   * Appends one event `complaint.overdue` for this task, unless it was appended before or the state
   * shows that the task is done.
   */
  warn(complaint: Complaint, task: ComplaintTask, at: Date): Promise<void>
  /**
   * Takes complaints on lease until `leaseUntil`, the longest due first: those that WeChat must be
   * asked about, and those whose deadline is near.
   */
  takeDue(limit: number, at: Date, leaseUntil: Date): Promise<readonly TakenComplaint[]>
  find(id: ComplaintId): Promise<Complaint | null>
  /** The complaints with these numbers that are stored, in any order. */
  findAll(ids: readonly ComplaintId[]): Promise<readonly Complaint[]>
  /** Newest first. */
  list(
    filter: ComplaintFilter,
  ): Promise<{ readonly complaints: readonly Complaint[]; readonly next: ComplaintId | null }>
  /**
   * Claims the complaint for one action of the merchant. Returns when the claim ends, by the clock
   * of the database. Null: another action is under way.
   */
  claim(id: ComplaintId, ms: number): Promise<Date | null>
  /** Ends the claim that ends at this time. */
  release(id: ComplaintId, until: Date): Promise<void>
}
