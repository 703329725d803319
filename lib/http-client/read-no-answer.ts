import type { NoAnswer } from '../core/no-answer.ts'

const TOO_LARGE = 'ERR_TOO_LARGE'

/** For an answer that exceeds its size limit. */
export const tooLarge = (): Error =>
  Object.assign(new Error('the answer is too large'), { code: TOO_LARGE })

/** For an answer that does not arrive in time. */
export const timedOut = (): Error => new DOMException('no answer in time', 'TimeoutError')

/** There is no usable answer, for a reason that is known. */
export class NoAnswerError extends Error {
  readonly noAnswer: NoAnswer

  constructor(noAnswer: NoAnswer) {
    super('no usable answer')
    this.name = 'NoAnswerError'
    this.noAnswer = noAnswer
  }
}

/** For a gateway's 5xx: it is unknown whether the server behind it received the request. */
export const serverError = (status: number): NoAnswerError =>
  new NoAnswerError({ why: 'server', code: String(status) })

const CODE = /^[A-Z][A-Z0-9_]{2,63}$/
const DNS = /^(?:ENOTFOUND$|EAI_)/
const TIMEOUT = /TIMEDOUT$|TIMEOUT$/
const TLS = /CERT|_TLS_|_SSL_|ISSUER|SELF_SIGNED|LEAF_SIGNATURE|HOSTNAME_MISMATCH|^EPROTO$/

/**
 * Classifies an error of Node's HTTP client or of `fetch`. Their messages may hold an address or a
 * command and are not used. Only deadlines abort requests here, so an abort is a timeout. Null for
 * an error that is not about a connection.
 */
export function readNoAnswer(cause: unknown): NoAnswer | null {
  for (let at = cause; at instanceof Error; at = at.cause) {
    if (at instanceof NoAnswerError) return at.noAnswer
    if (at.name === 'TimeoutError' || at.name === 'AbortError') return { why: 'timeout' }
    if (!('code' in at) || typeof at.code !== 'string' || !CODE.test(at.code)) continue
    if (at.code === TOO_LARGE) return { why: 'too_large' }
    return {
      why: DNS.test(at.code)
        ? 'dns'
        : TIMEOUT.test(at.code)
          ? 'timeout'
          : TLS.test(at.code)
            ? 'tls'
            : 'network',
      code: at.code,
    }
  }
  return null
}

/** Like `readNoAnswer`, but an unknown error counts as `network`. */
export const toNoAnswer = (cause: unknown): NoAnswer => readNoAnswer(cause) ?? { why: 'network' }

/** The attributes of the span of a request without an answer. */
export const spanAttributes = ({ why, code }: NoAnswer) => ({
  'error.type': why,
  ...(why === 'server' ? { 'http.response.status_code': Number(code) } : {}),
})
