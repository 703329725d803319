import type { NoAnswer } from './no-answer.ts'

/**
 * Everything that is expected to go wrong, as one union.
 *
 * `reason` is the stable public code (RFC 9457 member `code`). The other fields are for the log
 * and, where harmless, for the text that the caller reads. No field may hold a key, a token or a
 * `session_key`. `text` is WeChat's own, cleaned: for the log and for the merchant, never for a
 * payer.
 */
export type Failure =
  | Because<
      | 'invalid_user_data'
      | 'login_code_invalid'
      | 'login_code_used'
      | 'login_blocked'
      | 'phone_code_invalid'
      | 'order_not_found'
      | 'order_conflict'
      | 'order_paid'
      | 'order_closed'
      | 'order_not_paid'
      | 'shipping_complete'
      | 'shipping_corrected'
      | 'refund_not_found'
      | 'refund_conflict'
      | 'refund_too_much'
      | 'payout_not_possible'
      | 'payout_in_console_only'
      | 'complaint_not_found'
      | 'complaint_busy'
      | 'incident_not_found'
      | 'incident_handled'
      | 'event_not_found'
      | 'part_not_found'
      | 'body_too_large'
      | 'unsupported_media_type'
      | 'wechat_busy'
      | 'bill_not_ready'
      | 'bill_busy'
      | 'too_slow'
      | 'internal_error'
    >
  | Because<
      'invalid_request',
      { readonly field: string } & ({ readonly expected: string } | { readonly fault: string })
    >
  | Because<'not_signed_in' | 'wrong_token', { readonly needs: readonly CallerKind[] }>
  | Because<'too_many_requests', { readonly retryAfterSeconds: number }>
  | Because<'too_many_open_orders', { readonly most: number }>
  | Because<'method_not_allowed', { readonly allow: string }>
  | Because<'notice_rejected' | 'wechat_untrusted', { readonly check: MessageCheck }>
  | Because<'notice_contradicts', { readonly field: ContradictedField }>
  | Because<'wechat_unknown', { readonly silence?: NoAnswer }>
  | Because<'wechat_refused', { readonly code: string; readonly text: string }>
  | Because<
      | 'wechat_misconfigured'
      | 'refund_refused'
      | 'payout_refused'
      | 'shipping_refused'
      | 'complaint_refused',
      { readonly code: string; readonly remedy: string; readonly text?: string }
    >
  | Because<
      'unavailable',
      {
        readonly dependency: Unavailable['dependency']
        readonly why: string
        readonly errorCode?: string | undefined
      }
    >
  | Because<
      'not_configured',
      {
        readonly variable: string
        /** The rest of a sentence that begins with the variable: `is not set`. */
        readonly fault: string
        /** `account`: there are no settings for the account of this order. */
        readonly why?: string | undefined
      }
    >

/** The kinds of caller; each has a token of its own. */
type CallerKind = 'user' | 'merchant' | 'cron'

/** One failure for each of the reasons, all with the same details. */
type Because<Reason extends string, Details = unknown> = Reason extends string
  ? { readonly reason: Reason } & Details
  : never

/**
 * The check that a notification from WeChat, or an answer to our call, has failed. For the log:
 * the sender of a notification learns only that it was refused.
 */
export type MessageCheck =
  | 'size'
  | 'encoding'
  | 'doctype'
  | 'syntax'
  | 'signature'
  /** The signing key is unknown. */
  | 'serial'
  /** Signed too long ago, or in the future. */
  | 'time'
  | 'decryption'
  | 'merchant'
  | 'content'

/** The fact in a correctly signed message that contradicts the ledger. */
export type ContradictedField =
  | 'order'
  | 'amount'
  | 'currency'
  | 'transaction'
  | 'payer'
  | 'time'
  | 'unconfirmed'
  | 'refund'

/**
 * A dependency that could not be reached or did not answer in time. Becomes 503. Nothing was
 * decided.
 */
export class Unavailable extends Error {
  readonly dependency: 'database'
  /** One word for the log. */
  readonly why: string
  /** PostgreSQL's SQLSTATE, or Node's own code. */
  readonly code: string | undefined

  constructor(dependency: 'database', cause: unknown, why: string, code?: string) {
    super(`${dependency} is unavailable (${why})`, { cause })
    this.name = 'Unavailable'
    this.dependency = dependency
    this.why = why
    this.code = code
  }
}

/**
 * A missing or malformed environment variable. It names the variable, never its value, and stops
 * only the functions that need it.
 */
export class ConfigError extends Error {
  readonly variable: string
  /** The rest of a sentence that begins with the variable: `is not set`. */
  readonly fault: string
  /** One word for the log, if a service reported the fault; `code` is the service's own code. */
  readonly why: string | undefined
  readonly code: string | undefined

  constructor(
    variable: string,
    fault: string,
    report?: { readonly why: string; readonly code: string | undefined; readonly cause: unknown },
  ) {
    super(`${variable} ${fault}`, { cause: report?.cause })
    this.name = 'ConfigError'
    this.variable = variable
    this.fault = fault
    this.why = report?.why
    this.code = report?.code
  }
}

/** The failure that a thrown error means. `internal_error`: the error is a bug. */
export function failureOf(cause: unknown): Failure {
  if (cause instanceof Unavailable) {
    const { dependency, why, code } = cause
    return { reason: 'unavailable', dependency, why, errorCode: code }
  }
  if (cause instanceof ConfigError) {
    const { variable, fault, why } = cause
    return { reason: 'not_configured', variable, fault, why }
  }
  return { reason: 'internal_error' }
}
