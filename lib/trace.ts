/**
 * OpenTelemetry, where the environment names a collector: a span for each request and one for each hop within it. A span
 * says what the log says: who was asked, how long it took, how it ended. Nothing that was sent or answered.
 *
 * The libraries are loaded only then, and whatever they do, the work goes on. Their own spans for every fetch stay off: an
 * address may hold a secret (`jscode2session` takes the AppSecret in its query), and no trace of ours is anything to WeChat.
 */
import type { Attributes, Span, SpanKind } from '@opentelemetry/api'

/** Adds to the span. With an `error.type` it is one that went wrong. */
export type Note = (attributes: Attributes) => void

interface Recorder {
  begin(name: string, kind: keyof typeof SpanKind): Span
  within<T>(span: Span, work: () => Promise<T>): Promise<T>
  note(span: Span, attributes: Attributes): void
  flush(): Promise<unknown>
}

let recorder: Recorder | undefined

/** To be awaited once per instance, before its first request. The collector's address and headers are read by the library. */
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

/** Runs the work of one request as a span; without a collector only runs it. */
export const traceRequest = <T>(name: string, work: (note: Note) => Promise<T>): Promise<T> =>
  record(name, 'SERVER', work)

/** Runs one request to somebody else, and the reading of its answer, as a span. `name` holds no address and no value. */
export const traceHop = <T>(name: string, work: (note: Note) => Promise<T>): Promise<T> =>
  record(name, 'CLIENT', work)

/** Sends what has been recorded: an instance may be frozen, for hours, once nobody waits for it. */
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

/** The error's one-word cause, or else its name. Never its message, which may quote a statement, a URL or a value. */
function typeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  return 'why' in cause && typeof cause.why === 'string' ? cause.why : cause.name
}

/** What becomes of a payment does not hang on what becomes of its span: the SDK calls whatever is registered with it. */
function quietly<T>(attempt: () => T): T | undefined {
  try {
    return attempt()
  } catch {
    return undefined
  }
}
