/**
 * The request being handled, for everything done on its behalf, however deep and also after its answer: what its log lines
 * say of it, and the time it may still take. Several calls may be made for one request, one after another; together they
 * end within what its caller was promised, on a clock that nobody sets.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

interface RequestContext {
  readonly requestId: string
  /** Undefined in the doctor, where no function runs. */
  readonly function: string | undefined
  /** The order the request is about, once that is known. */
  order?: string
  /** Set once the caller is known to be the merchant. */
  reader?: 'merchant'
  /** Shared with the request's background work: whether an event was written and is not delivered yet. */
  readonly events: { areWaiting: boolean }
  readonly endsAt: number
  readonly backgroundEndsAt: number
}

const contexts = new AsyncLocalStorage<RequestContext>()

/**
 * Background work starts no call later than this after the start of its request. One statement to record an outcome may
 * still follow; `maxDuration` in vercel.json leaves room for it.
 */
export const BACKGROUND_MS = 40_000

/** Runs the work of one request, and all it calls, with so much time. */
export function withRequest<T>(
  request: Pick<RequestContext, 'requestId' | 'function'>,
  budgetMs: number,
  work: () => T,
): T {
  const now = performance.now()
  return contexts.run(
    {
      ...request,
      events: { areWaiting: false },
      endsAt: now + budgetMs,
      backgroundEndsAt: now + Math.max(budgetMs, BACKGROUND_MS),
    },
    work,
  )
}

/**
 * Runs work after the answer, under its own time limit instead of the request's. Its log lines carry the request's id, but
 * not its order unless they name one: such work is often about other orders.
 */
export function inBackground<T>(work: () => T): T {
  const context = contexts.getStore()
  if (context === undefined) return work()
  const { requestId, function: name, events, backgroundEndsAt } = context
  return contexts.run(
    { requestId, function: name, events, endsAt: backgroundEndsAt, backgroundEndsAt },
    work,
  )
}

/** What is left, in milliseconds; Infinity outside of a request. */
export const timeLeft = (): number =>
  Math.max(0, (contexts.getStore()?.endsAt ?? Infinity) - performance.now())

/** Notes that the request, or its background work, has written an event. */
export function noteEvent(): void {
  const context = contexts.getStore()
  if (context !== undefined) context.events.areWaiting = true
}

/** Whether an event was written since the last call. */
export function takeNotedEvents(): boolean {
  const { events } = contexts.getStore() ?? {}
  if (events?.areWaiting !== true) return false
  events.areWaiting = false
  return true
}

/** Names the order the request is about. */
export function nameOrder(outTradeNo: string): void {
  const context = contexts.getStore()
  if (context !== undefined) context.order = outTradeNo
}

/** Marks the caller as the merchant, who may read what payers may not. */
export function nameMerchant(): void {
  const context = contexts.getStore()
  if (context !== undefined) context.reader = 'merchant'
}

/** Whose line is being written; undefined where no request is handled. */
export const currentRequest = (): Readonly<RequestContext> | undefined => contexts.getStore()
