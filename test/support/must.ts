import type { Result } from '../../lib/core/result.ts'

/** The value of a result that is certain to be good: for building what a test starts from. */
export function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.error)}`)
  return result.value
}
