import { ConfigError, Unavailable, type Failure } from './failure.ts'

/** The failure that a thrown error stands for. `internal_error`: it is a bug. */
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
