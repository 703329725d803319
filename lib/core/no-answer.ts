/**
 * Why there is no usable answer. `code` is that of Node or of a client library (`ECONNREFUSED`,
 * `CERT_HAS_EXPIRED`); with `server` it is the status of the gateway (502).
 */
export interface NoAnswer {
  readonly why: 'timeout' | 'dns' | 'tls' | 'network' | 'too_large' | 'server'
  readonly code?: string
}
