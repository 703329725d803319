/**
 * The current request, for all work on its behalf, including work after the answer: the fields of
 * its log lines, and its time left on a monotonic clock. A request may need several calls one after
 * the other; together they end within the time that its caller was promised.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

interface RequestContext {
  readonly requestId: string
  /** The name of the function that serves it. Undefined in the doctor, where no function runs. */
  readonly function: string | undefined
  /** The order of the request, once it is known. */
  order?: string
  /** Set once the caller is known to be the merchant or cron. */
  reader?: 'merchant'
  /**
   * Shared with the request's background work: whether an event was written and is not delivered
   * yet.
   */
  readonly events: { areWaiting: boolean }
  readonly answered: Promise<void>
  readonly endsAt: number
  readonly backgroundEndsAt: number
}

const contexts = new AsyncLocalStorage<RequestContext>()

/**
 * Background work has no time left this long after the start of its request. One statement that
 * records an outcome may still follow, and `maxDuration` in vercel.json leaves time for it.
 */
export const BACKGROUND_MS = 40_000

/** Runs the work of one request, and everything that it calls, within this time. */
export function withRequest<T>(
  request: Pick<RequestContext, 'requestId' | 'function'>,
  budgetMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const now = performance.now()
  const { promise: answered, resolve } = Promise.withResolvers<void>()
  const context = {
    ...request,
    events: { areWaiting: false },
    answered,
    endsAt: now + budgetMs,
    backgroundEndsAt: now + Math.max(budgetMs, BACKGROUND_MS),
  }
  return contexts.run(context, async () => {
    try {
      return await work()
    } finally {
      resolve()
    }
  })
}

/**
 * Runs work after the answer, with its own time limit instead of the request's. Its log lines carry
 * the request's id. They do not carry the request's order, because such work is often about other
 * orders.
 */
export function inBackground<T>(work: () => T): T {
  const context = contexts.getStore()
  if (context === undefined) return work()
  const { requestId, function: name, events, answered, backgroundEndsAt } = context
  return contexts.run(
    { requestId, function: name, events, answered, endsAt: backgroundEndsAt, backgroundEndsAt },
    work,
  )
}

/** The time left in milliseconds; Infinity outside a request. */
export const timeLeft = (): number =>
  Math.max(0, (contexts.getStore()?.endsAt ?? Infinity) - performance.now())

/** Resolves when the request has its answer; outside a request at the next turn. */
export const whenAnswered = (): Promise<void> => contexts.getStore()?.answered ?? Promise.resolve()

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

/** Sets the order that the log lines of the request name. */
export function setLogOrder(outTradeNo: string): void {
  const context = contexts.getStore()
  if (context !== undefined) context.order = outTradeNo
}

/** Marks the reader of the answer as the merchant, who may read what payers may not. */
export function markReaderAsMerchant(): void {
  const context = contexts.getStore()
  if (context !== undefined) context.reader = 'merchant'
}

/** Undefined outside a request. */
export const currentRequest = (): Readonly<RequestContext> | undefined => contexts.getStore()
