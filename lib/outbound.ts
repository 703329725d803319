/**
 * The one way out over HTTP. The deadline covers the body too (a stalled body is no answer), the size is bounded, nothing
 * is retried and no redirect followed; what the library would say in an error stays here, for it holds URLs with secrets.
 */
import { ofetch } from 'ofetch'
import { timeLeft } from './budget.ts'

export interface Outgoing {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly deadlineMs: number
  readonly maxBytes: number
}

export interface Answer {
  readonly status: number
  readonly bytes: Uint8Array
}

/**
 * Sends one request, within its own deadline and what is left of the time of whoever asked. `no_answer` means the outcome
 * is unknown: it may well have arrived.
 */
export async function send({ method, url, headers = {}, body, deadlineMs, maxBytes }: Outgoing): Promise<Answer | 'no_answer'> {
  try {
    const response = await ofetch.raw(url, {
      method,
      headers: { 'user-agent': 'wechat-pay-functions', ...headers },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(Math.ceil(Math.min(deadlineMs, timeLeft()))),
      redirect: 'manual',
      responseType: 'stream',
      ignoreResponseError: true,
      retry: 0,
    })
    const bytes = await readAtMost(response.body, maxBytes)
    return bytes === null ? 'no_answer' : { status: response.status, bytes }
  } catch {
    return 'no_answer'
  }
}

async function readAtMost(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** What is left of a time budget, in milliseconds, on a clock that nobody sets. */
export function startBudget(ms: number): () => number {
  const end = performance.now() + Math.min(ms, timeLeft())
  return () => Math.max(0, Math.floor(end - performance.now()))
}
