/**
 * The time a request may still take. Several calls may be made on its behalf, one after another; together they end within
 * what its caller was promised. On a clock that nobody sets.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

const ends = new AsyncLocalStorage<number>()

/** Runs the work of one request, and all it calls, with so much time. */
export const withBudget = <T>(ms: number, work: () => T): T => ends.run(performance.now() + ms, work)

/** Work nobody waits for is not cut short by the request it began in. */
export const withoutBudget = <T>(work: () => T): T => ends.exit(work)

/** What is left, in milliseconds; Infinity where nobody waits. */
export const timeLeft = (): number => Math.max(0, (ends.getStore() ?? Infinity) - performance.now())
