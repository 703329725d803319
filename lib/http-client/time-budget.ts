import { timeLeft } from '../request-context.ts'

/**
 * The time left of a budget, in milliseconds, on a monotonic clock. The budget ends no later than
 * that of the calling request.
 */
export function startBudget(ms: number): () => number {
  const end = performance.now() + Math.min(ms, timeLeft())
  return () => Math.max(0, Math.floor(end - performance.now()))
}
