/** The merchant's knowledge of what the shop has accepted, by its answers. */

/** `maybe`: no answer says whether the shop has accepted it. */
export type Accepted = 'yes' | 'maybe' | 'no'

/** The parcels of an order, as the merchant knows them from the answers. */
export interface ParcelOrder {
  readonly requested: Set<string>
  readonly accepted: Set<string>
  /** Whether the shop has accepted the request that says that nothing is left. */
  last: Accepted
  /** Replaces everything before it. */
  correction: { readonly parcels: ReadonlySet<string>; accepted: Accepted } | null
}

export type MerchantAction = 'reply' | 'finish' | 'approve' | 'reject'

/** An action that the shop has accepted. */
export interface AcceptedAction {
  readonly complaintId: string
  readonly action: MerchantAction
}
