import type { Caller } from './caller.ts'
import type { NoAnswer } from './no-answer.ts'
import type { Result } from './result.ts'

/**
 * Everything that is expected to go wrong, as one union.
 *
 * `reason` is the stable public code (RFC 9457 member `code`); the other fields are for the log and, where harmless,
 * for the text the caller reads. Nothing here may hold a key, a token or a `session_key`. `text` is WeChat's own, cleaned:
 * for the log and for the merchant, never for a payer.
 */
export type Failure =
  | ({ readonly reason: 'invalid_request'; readonly field: string } & (
      | { readonly expected: string }
      | { readonly fault: string }
    ))
  | { readonly reason: 'invalid_user_data' }
  | { readonly reason: 'not_signed_in'; readonly needs: readonly Caller['kind'][] }
  | { readonly reason: 'login_code_invalid' }
  | { readonly reason: 'login_code_used' }
  | { readonly reason: 'login_blocked' }
  | { readonly reason: 'wrong_token'; readonly needs: readonly Caller['kind'][] }
  | { readonly reason: 'order_not_found' }
  | { readonly reason: 'order_conflict' }
  | { readonly reason: 'order_paid' }
  | { readonly reason: 'order_closed' }
  | { readonly reason: 'order_not_paid' }
  | { readonly reason: 'refund_not_found' }
  | { readonly reason: 'refund_conflict' }
  | { readonly reason: 'refund_too_much' }
  | {
      readonly reason: 'refund_refused'
      readonly code: string
      readonly remedy: string
      readonly text?: string
    }
  | {
      readonly reason: 'shipping_refused'
      readonly code: string
      readonly remedy: string
      readonly text?: string
    }
  | { readonly reason: 'body_too_large' }
  | { readonly reason: 'unsupported_media_type' }
  | { readonly reason: 'too_many_requests'; readonly retryAfterSeconds: number }
  | { readonly reason: 'too_many_open_orders'; readonly most: number }
  | { readonly reason: 'notice_rejected'; readonly check: NotificationCheck }
  | { readonly reason: 'notice_contradicts'; readonly field: ContradictedField }
  | { readonly reason: 'wechat_refused'; readonly code: string; readonly text: string }
  | {
      readonly reason: 'wechat_misconfigured'
      readonly code: string
      readonly remedy: string
      readonly text?: string
    }
  | { readonly reason: 'wechat_untrusted'; readonly check: NotificationCheck }
  | { readonly reason: 'wechat_unknown'; readonly silence?: NoAnswer }
  | { readonly reason: 'wechat_busy' }
  | { readonly reason: 'bill_not_ready' }
  | { readonly reason: 'bill_busy' }
  | { readonly reason: 'method_not_allowed'; readonly allow: string }
  | {
      readonly reason: 'unavailable'
      readonly dependency: Unavailable['dependency']
      readonly why: string
      readonly errorCode?: string | undefined
    }
  | {
      readonly reason: 'not_configured'
      readonly variable: string
      readonly expected: string
      readonly why?: string | undefined
    }
  | { readonly reason: 'too_slow' }
  | { readonly reason: 'internal_error' }

/** What was asked for, or why not. */
export type Outcome<T> = Result<T, Failure>

/** Which check a message from WeChat did not pass. For the log: a sender learns only that it was refused. */
export type NotificationCheck =
  | 'size'
  | 'encoding'
  | 'doctype'
  | 'syntax'
  | 'signature'
  | 'merchant'
  | 'content'

/** What a rightly signed message said otherwise than the ledger. */
export type ContradictedField =
  | 'order'
  | 'amount'
  | 'currency'
  | 'transaction'
  | 'payer'
  | 'time'
  | 'unconfirmed'
  | 'refund'

/** A dependency that could not be reached or did not answer in time. Becomes 503; nothing was decided. */
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

/** A missing or malformed environment variable. Names it, never its value; stops only the functions that need it. */
export class ConfigError extends Error {
  readonly variable: string
  readonly expected: string
  /** One word for the log, if a service reported the fault; `code` is the service's own code. */
  readonly why: string | undefined
  readonly code: string | undefined

  constructor(
    variable: string,
    expected: string,
    found?: { readonly why: string; readonly code: string | undefined; readonly cause: unknown },
  ) {
    super(`${variable} ${expected}`, { cause: found?.cause })
    this.name = 'ConfigError'
    this.variable = variable
    this.expected = expected
    this.why = found?.why
    this.code = found?.code
  }
}

/** The failure that a thrown error means. `internal_error`: the error is a bug. */
export function failureOf(cause: unknown): Failure {
  if (cause instanceof Unavailable) {
    const { dependency, why, code } = cause
    return { reason: 'unavailable', dependency, why, errorCode: code }
  }
  if (cause instanceof ConfigError) {
    const { variable, expected, why } = cause
    return { reason: 'not_configured', variable, expected, why }
  }
  return { reason: 'internal_error' }
}
