/**
 * The common frame of all functions: the table of methods, the request id, one log line, the last
 * catch, and `Cache-Control: no-store`.
 */
import { randomUUID } from 'node:crypto'
import { describeFailure } from '../core/describe-failure.ts'
import { failureOf, type Failure } from '../core/failure.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import { writeLog } from '../log.ts'
import type { Deps } from '../ports.ts'
import { currentRequest, withRequest } from '../request-context.ts'
import { flushTraces, traceRequest, type Note } from '../trace.ts'
import { thisInstance } from '../composition.ts'
import { writeBug } from './bug.ts'
import type { Edge, Peer } from './edge.ts'
import { embeddedProblem, problem, toProblem } from './problem.ts'

export interface Reply {
  readonly status: number
  readonly body: unknown
  /** The reason for a part of the answer that is missing. The body gets it as `problem`. */
  readonly missing?: Failure
}

export type Handled = Outcome<Reply>
export type Handler = (request: Request, deps: Deps, edge: Edge) => Promise<Handled>
type Method = 'GET' | 'POST' | 'PUT'

/** Writes the HTTP answer. Notifications have their own, in the form that WeChat reads. */
export type Render = (handled: Handled, request: Request, deps: Deps) => Promise<Response>

export const reply = (status: number, body: unknown): Handled => ok({ status, body })

/** Replies with the view of a value; a failure stays a failure. */
export const replyWith = <T>(
  status: number,
  outcome: Outcome<T>,
  toView: (value: T) => unknown = (value) => value,
): Handled => (outcome.ok ? reply(status, toView(outcome.value)) : outcome)

function renderJson(handled: Handled, requestId: string): Response {
  const reader = currentRequest()?.reader
  if (!handled.ok) return problem(handled.error, requestId, reader)
  const { status, body, missing } = handled.value
  const sent =
    missing === undefined
      ? body
      : Object.assign({}, body, { problem: embeddedProblem(missing, requestId, reader) })
  return new Response(JSON.stringify(sent), {
    status,
    headers: { 'content-type': 'application/json' },
  })
}

/** Less than the eight seconds that callers are promised. */
const BUDGET_MS = 7_500

/** By then every call to WeChat has ended: only a slow database can take longer. */
const ANSWER_MS = BUDGET_MS + 300
const SLOW_DATABASE = { reason: 'unavailable', dependency: 'database', why: 'timeout' } as const

export interface ServeOptions {
  readonly render?: Render
  /**
   * The answer is `too_slow` after this time. The work continues; a retry finds its outcome.
   * Without it, the answer is `unavailable` after `ANSWER_MS`.
   */
  readonly withinMs?: number
  /** The methods of the requested address, if one function serves several addresses. */
  readonly methodsOf?: (request: Request) => readonly string[]
  /** Runs in the background after a successful answer. */
  readonly afterwards?: (deps: Deps) => Promise<unknown>
  /**
   * The other sides that a request of this method may wait for. Connections to them
   * are opened when the request arrives, so that they are ready when it needs them.
   */
  readonly waitsFor?: Partial<Record<Method, readonly Peer[]>>
  /** The time limit of all calls of the request together. */
  readonly budgetMs?: number
}

/**
 * Vercel calls `fetch` detached from its object, so nothing here uses `this`.
 *
 * @param name the name of the file for the log, because the URL may end in a slash
 */
export function serve(
  name: string,
  methods: Partial<Record<Method, Handler>>,
  { render, withinMs, budgetMs = BUDGET_MS, methodsOf, afterwards, waitsFor }: ServeOptions = {},
): { fetch: (request: Request) => Promise<Response> } {
  return {
    fetch: (request) => {
      const { deps, edge } = thisInstance()
      const requestId = readRequestId(request) ?? randomUUID()
      edge.openConnections((isServed(methods, request.method) && waitsFor?.[request.method]) || [])
      const answer = async (note: Note) => {
        const startedAt = performance.now()
        const method = request.method === 'HEAD' ? 'GET' : request.method
        const handler = isServed(methods, method) ? methods[method] : undefined
        const handled =
          handler === undefined
            ? err({
                reason: 'method_not_allowed',
                allow: (methodsOf?.(request) ?? Object.keys(methods)).join(', '),
              } as const)
            : await inTime(run(handler, request), withinMs)
        const response =
          handler === undefined || render === undefined
            ? renderJson(handled, requestId)
            : await render(handled, request, deps)
        response.headers.set('cache-control', 'no-store')
        response.headers.set('x-request-id', requestId)
        if (handled.ok && afterwards !== undefined) deps.waitUntil(() => afterwards(deps))
        report(handled, response.status, Math.round(performance.now() - startedAt), note)
        return request.method === 'HEAD' ? new Response(null, response) : response
      }
      return withRequest({ requestId, function: name }, budgetMs, async () => {
        const { tracing, waitUntil } = edge
        if (tracing === null) return answer(() => undefined)
        await tracing
        return traceRequest(`${request.method} /api/${name}`, answer).finally(() =>
          waitUntil(flushTraces),
        )
      })
    },
  }
}

/** Vercel's request id. A header of another form did not come from Vercel and is ignored. */
const readRequestId = (request: Request): string | undefined =>
  /^[\w:.-]{1,128}$/.exec(request.headers.get('x-vercel-id') ?? '')?.[0]

const isServed = (methods: Partial<Record<Method, Handler>>, method: string): method is Method =>
  Object.hasOwn(methods, method)

async function run(handler: Handler, request: Request): Promise<Handled> {
  try {
    const { deps, edge } = thisInstance()
    return await handler(request, deps, edge)
  } catch (cause) {
    const failure = failureOf(cause)
    if (failure.reason === 'internal_error') writeBug(cause)
    return err(failure)
  }
}

async function inTime(running: Promise<Handled>, withinMs: number | undefined): Promise<Handled> {
  const { promise: tooSlow, resolve } = Promise.withResolvers<Handled>()
  const giveUp = () => resolve(err(withinMs === undefined ? SLOW_DATABASE : { reason: 'too_slow' }))
  const timer = setTimeout(giveUp, withinMs ?? ANSWER_MS)
  const handled = await Promise.race([running, tooSlow])
  clearTimeout(timer)
  // Finishes work that was too slow, and delivers the events that the request has written.
  thisInstance().edge.waitUntil(() => running)
  return handled
}

/** Reports to the log and, if there are traces, to the span of the request. */
function report(handled: Handled, status: number, duration: number, note: Note): void {
  const { reason: outcome, ...failure } = handled.ok
    ? { reason: status >= 500 ? 'down' : 'ok' }
    : describeFailure(handled.error)
  // WeChat may require the status 200 for a refused notification. In the log it is an error.
  const worst = handled.ok ? status : Math.max(status, toProblem(handled.error).status)
  writeLog({
    level: worst >= 500 ? 'error' : handled.ok ? 'info' : 'warn',
    event: 'request',
    outcome,
    status,
    duration,
    ...failure,
  })
  const { requestId, order } = currentRequest() ?? {}
  note({
    'http.response.status_code': status,
    outcome,
    ...(requestId === undefined ? {} : { requestId }),
    ...(order === undefined ? {} : { order }),
    ...(worst >= 500 ? { 'error.type': outcome } : {}),
  })
}
