/** Sends one request. If it fails, says why in words. */
import { readNoAnswer } from '../../lib/http-client/read-no-answer.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The first part of the body, as text. */
  readonly body: string
}

/** The reason why a connection failed, as the end of a sentence. */
export const causes = {
  no_name: 'DNS does not know the name, or does not answer',
  refused: 'the connection is refused: nothing listens there',
  silent: 'no answer came in time',
  expired: 'its TLS certificate has expired',
  other_name: 'its TLS certificate is for another name',
  untrusted:
    'its TLS certificate is from an unknown authority, or the intermediate certificate is missing',
  broken: 'the connection broke off',
} as const

type Cause = keyof typeof causes

const codes: ReadonlyMap<string, Cause> = new Map<string, Cause>([
  ['ENOTFOUND', 'no_name'],
  ['EAI_AGAIN', 'no_name'],
  ['ECONNREFUSED', 'refused'],
  ['ETIMEDOUT', 'silent'],
  ['UND_ERR_CONNECT_TIMEOUT', 'silent'],
  ['CERT_HAS_EXPIRED', 'expired'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'other_name'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'untrusted'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'untrusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'untrusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'untrusted'],
])

/** The words for an error code, or for a deadline that passed. */
export const causeOf = (code: string): string =>
  causes[code === 'TimeoutError' ? 'silent' : (codes.get(code) ?? 'broken')]

/** Only the beginning, because a page can be long. */
const ENOUGH_BYTES = 65_536

export async function ask(
  url: string,
  {
    limitMs,
    ...request
  }: {
    readonly limitMs: number
    readonly method: string
    readonly headers?: Record<string, string>
    readonly body?: string
  },
): Promise<Answer | { readonly cause: string }> {
  try {
    const response = await fetch(url, {
      ...request,
      redirect: 'manual',
      signal: AbortSignal.timeout(limitMs),
    })
    return { status: response.status, headers: response.headers, body: await readStart(response) }
  } catch (error) {
    return { cause: causeOf(codeOf(error)) }
  }
}

async function readStart({
  body,
}: {
  readonly body: ReadableStream<Uint8Array> | null
}): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body ?? []) {
    parts.push(part)
    size += part.byteLength
    if (size >= ENOUGH_BYTES) break
  }
  return Buffer.concat(parts).toString('utf8')
}

/** Not the text of the error, which holds addresses. */
function codeOf(error: unknown): string {
  const found = readNoAnswer(error)
  return found?.code ?? (found?.why === 'timeout' ? 'TimeoutError' : '')
}
