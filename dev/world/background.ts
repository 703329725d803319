/**
 * Vercel's request context, which `waitUntil` of `@vercel/functions` uses for work after an answer.
 *
 * `waitUntil` reads a global symbol, and gets the context of the current request from it.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { explain } from '../program/plain-error.ts'

interface RequestContext {
  waitUntil(work: Promise<unknown> | (() => Promise<unknown>)): void
  /** The headers of the request, for `@vercel/otel`. */
  readonly headers: Readonly<Record<string, string>>
  readonly url: string
}

const contexts = new AsyncLocalStorage<RequestContext>()
Object.defineProperty(globalThis, Symbol.for('@vercel/request-context'), {
  configurable: true,
  value: { get: () => contexts.getStore() },
})

export interface Background {
  /** Runs one request in a context of its own. */
  run<T>(request: Request, work: () => T): T
  /** Resolves when all work has ended, including the work that it started. */
  readonly settled: () => Promise<void>
}

export function createBackground(): Background {
  const pending = new Set<Promise<void>>()
  const waitUntil: RequestContext['waitUntil'] = (work) => {
    const tracked: Promise<void> = Promise.resolve(typeof work === 'function' ? work() : work)
      .then(
        () => undefined,
        (error: unknown) => console.error(`Background work failed: ${explain(error)}`),
      )
      .finally(() => pending.delete(tracked))
    pending.add(tracked)
  }
  return {
    run: ({ headers, url }, work) =>
      contexts.run({ waitUntil, headers: Object.fromEntries(headers), url }, work),
    settled: async () => {
      while (pending.size > 0) await Promise.all(pending)
    },
  }
}
