import type { Result } from '../../lib/core/result.ts'

/** Returns the value of a result that must be ok. Tests use it to build their data. */
export function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.error)}`)
  return result.value
}
