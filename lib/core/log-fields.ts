/** The fields of a log line. None of them may hold a secret. */
export interface LogFields {
  readonly event: string
  /** The order number, if it is not the one of the request. */
  readonly order?: string
  readonly reason?: string
  readonly code?: string
  readonly detail?: string
  readonly count?: number
}
