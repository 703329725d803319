/** Fields a log line may carry; there is no field for a secret. */
export interface LogFields {
  readonly event: string
  /** The order number, where it is not the one the request is about. */
  readonly order?: string
  readonly reason?: string
  readonly code?: string
  readonly detail?: string
  readonly count?: number
}
