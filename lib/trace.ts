/**
 * OpenTelemetry, if the environment names a collector: a span for each request and for each hop
 * within it. Like the log, a span has the target, the duration and the outcome, but no content of a
 * message.
 *
 * The libraries are loaded only in this case, and their failures do not stop the work. Their own
 * spans for each fetch are off, because an address may contain a secret (`jscode2session` has the
 * AppSecret in its query), and WeChat must not receive our trace headers.
 */
import type { Attributes, Span, SpanKind } from '@opentelemetry/api'

/** Adds attributes to the span. `error.type` marks it as failed. */
export type Note = (attributes: Attributes) => void

interface Recorder {
  begin(name: string, kind: keyof typeof SpanKind): Span
  within<T>(span: Span, work: () => Promise<T>): Promise<T>
  note(span: Span, attributes: Attributes): void
  flush(): Promise<unknown>
}

let recorder: Recorder | undefined

/**
 * Must have resolved before the first request of an instance. The library itself reads the address
 * and the headers of the collector from the environment.
 */
export async function startTracing(): Promise<void> {
  const [{ registerOTel }, api] = await Promise.all([
    import('@vercel/otel'),
    import('@opentelemetry/api'),
  ])
  const name = 'wechat-pay-functions'
  registerOTel({ serviceName: name, instrumentations: [], propagators: ['none'] })
  const { context, trace, SpanKind, SpanStatusCode } = api
  const tracer = trace.getTracer(name)
  const given = trace.getTracerProvider()
  const provider = isProxy(given) ? given.getDelegate() : given
  recorder = {
    begin: (spanName, kind) => tracer.startSpan(spanName, { kind: SpanKind[kind] }),
    within: (span, work) => context.with(trace.setSpan(context.active(), span), work),
    note(span, attributes) {
      span.setAttributes(attributes)
      if (attributes['error.type'] !== undefined) span.setStatus({ code: SpanStatusCode.ERROR })
    },
    flush: async () => canFlush(provider) && provider.forceFlush(),
  }
}

const isProxy = (provider: object): provider is { getDelegate(): object } =>
  'getDelegate' in provider && typeof provider.getDelegate === 'function'

const canFlush = (provider: object): provider is { forceFlush(): Promise<void> } =>
  'forceFlush' in provider && typeof provider.forceFlush === 'function'

/** Runs the work of one request as a span. Without a collector it only runs the work. */
export const traceRequest = <T>(name: string, work: (note: Note) => Promise<T>): Promise<T> =>
  record(name, 'SERVER', work)

/**
 * Runs one outgoing request, and the reading of its answer, as a span. `name` contains no address
 * and no value.
 */
export const traceHop = <T>(name: string, work: (note: Note) => Promise<T>): Promise<T> =>
  record(name, 'CLIENT', work)

/** Sends the recorded spans now, because an idle instance may be frozen for hours. */
export const flushTraces = async (): Promise<void> => void (await recorder?.flush())

function record<T>(
  name: string,
  kind: 'SERVER' | 'CLIENT',
  work: (note: Note) => Promise<T>,
): Promise<T> {
  const span = quietly(() => recorder?.begin(name, kind))
  if (recorder === undefined || span === undefined) return work(() => undefined)
  const { within, note: add } = recorder
  const note: Note = (attributes) => quietly(() => add(span, attributes))
  return within(span, async () => {
    try {
      return await work(note)
    } catch (cause) {
      note({ 'error.type': typeOf(cause) })
      throw cause
    } finally {
      quietly(() => span.end())
    }
  })
}

/**
 * The error's one-word cause, otherwise its name. Never its message, which may quote a statement, a
 * URL or a value.
 */
function typeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  return 'why' in cause && typeof cause.why === 'string' ? cause.why : cause.name
}

/** The SDK calls every registered span processor. One that throws must not stop a payment. */
function quietly<T>(attempt: () => T): T | undefined {
  try {
    return attempt()
  } catch {
    return undefined
  }
}
