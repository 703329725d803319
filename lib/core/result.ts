import type { Failure } from './failure.ts'

/** An expected outcome as a value: the result, or the reason for the failure. */
export type Result<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E }

/** A result that may be one of our expected failures. */
export type Outcome<T> = Result<T, Failure>

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value })
export const err = <E>(error: E): { readonly ok: false; readonly error: E } => ({
  ok: false,
  error,
})
