/** The merchant's webhook: takes every event, or takes none and never says so. */
import { once } from 'node:events'
import { createServer } from 'node:http'

export interface MerchantSystem {
  readonly url: string
  /** From now on it accepts and never answers. */
  readonly hang: () => void
  /** Answers again; what hangs is broken off. */
  readonly mend: () => void
}

export async function openMerchant(): Promise<MerchantSystem> {
  let hangs = false
  const server = createServer((request, response) => {
    request.resume()
    if (!hangs) request.once('end', () => response.writeHead(204).end())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new Error('the webhook listens on no port')
  return {
    url: `http://127.0.0.1:${address.port}/events`,
    hang: () => void (hangs = true),
    mend: () => {
      hangs = false
      server.closeAllConnections()
    },
  }
}
