/** Fields a log line may carry; there is no field for a secret. */
export interface LogFields {
  readonly event: string
  readonly outTradeNo?: string
  readonly reason?: string
  readonly code?: string
  readonly detail?: string
  readonly count?: number
}
