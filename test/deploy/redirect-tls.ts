/**
 * Redirects every TLS connection of a process to one local port, and keeps the original host name.
 *
 * `node --import` loads it first, with INTERNET_PORT set. Code that runs as in production, with no
 * address overridden, then reaches stand-ins under the real names, and nothing else.
 */
import { readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import tls, { type ConnectionOptions } from 'node:tls'

const certificate = readFileSync(new URL('../fixtures/tls/internet.pem', import.meta.url), 'utf8')

/** Returns a function that ends the redirection. */
export function redirectTls(port: number): () => void {
  const { connect } = tls
  const [before] = [tls.getCACertificates('default')]
  const redirected = ({ host, ...options }: ConnectionOptions, connected?: () => void) =>
    connect(
      { ...options, ...(host === undefined ? {} : { servername: host }), host: '127.0.0.1', port },
      connected,
    )
  use(redirected, [...before, certificate])
  return () => use(connect, before)
}

function use(connect: unknown, authorities: readonly string[]): void {
  Reflect.set(tls, 'connect', connect)
  syncBuiltinESMExports()
  tls.setDefaultCACertificates(authorities)
}

const port = process.env['INTERNET_PORT']
if (port !== undefined) redirectTls(Number(port))
