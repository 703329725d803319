/**
 * Why no answer came that could be read. `code` is Node's own, or a client library's: `ECONNREFUSED`, `CERT_HAS_EXPIRED`; or,
 * with `server`, the status of a gateway: 502.
 */
export interface NoAnswer {
  readonly why: 'timeout' | 'dns' | 'tls' | 'network' | 'too_large' | 'server'
  readonly code?: string
}

/** What a reader gives as `code` to the error of an answer that is larger than it may be. */
export const TOO_LARGE = 'ERR_TOO_LARGE'

const CODE = /^[A-Z][A-Z0-9_]{2,63}$/
const DNS = /^(?:ENOTFOUND$|EAI_)/
const TIMEOUT = /TIMEDOUT$|TIMEOUT$/
const TLS = /CERT|_TLS_|_SSL_|ISSUER|SELF_SIGNED|LEAF_SIGNATURE|HOSTNAME_MISMATCH|^EPROTO$/

/**
 * Reads it from an error of `fetch` or of Node's own client, whose messages may hold an address or a command and are never
 * used. A deadline is the only thing that aborts a request. Null for an error that has nothing to do with a connection.
 */
export function readNoAnswer(cause: unknown): NoAnswer | null {
  for (let at = cause; at instanceof Error; at = at.cause) {
    if (at.name === 'TimeoutError' || at.name === 'AbortError') return { why: 'timeout' }
    if (!('code' in at) || typeof at.code !== 'string' || !CODE.test(at.code)) continue
    if (at.code === TOO_LARGE) return { why: 'too_large' }
    return { why: DNS.test(at.code) ? 'dns' : TIMEOUT.test(at.code) ? 'timeout' : TLS.test(at.code) ? 'tls' : 'network', code: at.code }
  }
  return null
}
