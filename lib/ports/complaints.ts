import type { ComplaintAction, ComplaintEntry, KnownComplaint } from '../core/complaint.ts'
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
  /** The complaints of these days in Beijing, at most 30. */
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
  /** Registers the URL, in place of another one. */
  setNotifyUrl(url: string): Promise<Outcome<null>>
  /** WeChat sends no notifications of complaints after that. */
  deleteNotifyUrl(): Promise<Outcome<null>>
}
