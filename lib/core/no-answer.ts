/**
 * Why there is no usable answer. `code` is that of Node or of a client library (`ECONNREFUSED`, `CERT_HAS_EXPIRED`); with
 * `server` it is the status of the gateway (502).
 */
export interface NoAnswer {
  readonly why: 'timeout' | 'dns' | 'tls' | 'network' | 'too_large' | 'server'
  readonly code?: string
}

/** The `code` of an error about an answer that exceeds its size limit. */
export const TOO_LARGE = 'ERR_TOO_LARGE'

const CODE = /^[A-Z][A-Z0-9_]{2,63}$/
const DNS = /^(?:ENOTFOUND$|EAI_)/
const TIMEOUT = /TIMEDOUT$|TIMEOUT$/
const TLS = /CERT|_TLS_|_SSL_|ISSUER|SELF_SIGNED|LEAF_SIGNATURE|HOSTNAME_MISMATCH|^EPROTO$/

/**
 * Classifies an error of `fetch` or of Node's own client. Their messages may hold an address or a command and are not used.
 * Only deadlines abort requests here, so an abort is a timeout. Null for an error that is not about a connection.
 */
export function readNoAnswer(cause: unknown): NoAnswer | null {
  for (let at = cause; at instanceof Error; at = at.cause) {
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
