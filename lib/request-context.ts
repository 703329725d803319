/**
 * The request being handled, for everything done on its behalf, however deep and also after its answer: what its log lines
 * say of it, and the time it may still take. Several calls may be made for one request, one after another; together they
 * end within what its caller was promised, on a clock that nobody sets.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

interface RequestContext {
  readonly requestId: string
  /** Undefined where no function runs: in the doctor. */
  readonly function: string | undefined
  /** The order the request is about, once that is known. */
  order?: string
  /** Set once it is known who calls. */
  reader?: 'merchant'
  readonly endsAt: number
  readonly backgroundEndsAt: number
}

const contexts = new AsyncLocalStorage<RequestContext>()

/**
 * Background work begins no call later than this after its request began. A statement of the database may still follow, to
 * record an outcome: `maxDuration` in vercel.json leaves room for it.
 */
export const BACKGROUND_MS = 40_000

/** Runs the work of one request, and all it calls, with so much time. */
export function withRequest<T>(request: Pick<RequestContext, 'requestId' | 'function'>, budgetMs: number, work: () => T): T {
  const now = performance.now()
  return contexts.run({ ...request, endsAt: now + budgetMs, backgroundEndsAt: now + Math.max(budgetMs, BACKGROUND_MS) }, work)
}

/**
 * Work after the answer is not cut short by the time of its request, and has a limit of its own. Its lines name that
 * request, but an order only where they say so themselves: such work is often about the orders of others.
 */
export function inBackground<T>(work: () => T): T {
  const context = contexts.getStore()
  if (context === undefined) return work()
  const { requestId, function: name, backgroundEndsAt } = context
  return contexts.run({ requestId, function: name, endsAt: backgroundEndsAt, backgroundEndsAt }, work)
}

/** What is left, in milliseconds; Infinity outside of a request. */
export const timeLeft = (): number => Math.max(0, (contexts.getStore()?.endsAt ?? Infinity) - performance.now())

/** Names the order the request is about. */
export function nameOrder(outTradeNo: string): void {
  const context = contexts.getStore()
  if (context !== undefined) context.order = outTradeNo
}

/** The merchant calls, and may read what payers may not. */
export function nameMerchant(): void {
  const context = contexts.getStore()
  if (context !== undefined) context.reader = 'merchant'
}

/** Whose line is being written; undefined where no request is handled. */
export const currentRequest = (): Readonly<RequestContext> | undefined => contexts.getStore()
