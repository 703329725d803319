import { timeLeft } from '../request-context.ts'

/** What is left of a time budget, in milliseconds, on a monotonic clock. Ends with the calling request's. */
export function startBudget(ms: number): () => number {
  const end = performance.now() + Math.min(ms, timeLeft())
  return () => Math.max(0, Math.floor(end - performance.now()))
}
