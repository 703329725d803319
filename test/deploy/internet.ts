/** A simulated internet: one TLS port that forwards each host name to a server on this machine. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import { redirectTls } from './redirect-tls.ts'

export interface Internet {
  readonly port: number
  /** The base URL behind each host name; more may be added. */
  readonly hosts: Map<string, string>
  readonly stop: () => Promise<void>
}

const pem = (name: string): string =>
  readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')

/** Starts it, and redirects the TLS connections of this thread to it. */
export async function openInternet(hosts: Map<string, string>): Promise<Internet> {
  const server = createServer(
    { key: pem('internet.key'), cert: pem('internet') },
    (incoming, outgoing) => {
      const base = hosts.get(incoming.headers.host ?? '')
      if (base === undefined) {
        outgoing.writeHead(502).end()
        return
      }
      const { method, rawHeaders, url = '/' } = incoming
      const onward = request(
        url === '/' ? base : `${base}${url}`,
        { method, headers: rawHeaders },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
          answer.pipe(outgoing)
        },
      )
      onward.once('error', () => outgoing.destroy())
      incoming.pipe(onward)
    },
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new Error('the server listens on no port')
  const goBack = redirectTls(address.port)
  return {
    port: address.port,
    hosts,
    stop: async () => {
      goBack()
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
