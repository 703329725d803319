import { timeLeft } from '../request-context.ts'

/**
 * Starts a budget on a monotonic clock and returns a function that tells the time left, in
 * milliseconds. The budget ends no later than that of the calling request.
 */
export function startBudget(ms: number): () => number {
  const end = performance.now() + Math.min(ms, timeLeft())
  return () => Math.max(0, Math.floor(end - performance.now()))
}
