/** The merchant's own system: it accepts every event and keeps its id. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

export async function openReceiver(secret: string) {
  const received = new Set<string>()
  const webhook = new Webhook(secret)
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const id = String(request.headers['webhook-id'])
      // It throws if the signature is invalid. Then the event counts as one that never arrived.
      webhook.verify(body, {
        'webhook-id': id,
        'webhook-timestamp': String(request.headers['webhook-timestamp']),
        'webhook-signature': String(request.headers['webhook-signature']),
      })
      received.add(id)
      response.writeHead(204).end()
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `http://127.0.0.1:${port}/events`,
    received,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
