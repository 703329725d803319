/** The merchant's own system. Each test decides how it answers. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { Webhook } from 'standardwebhooks'
import * as v from 'valibot'

const message = v.object({
  type: v.string(),
  timestamp: v.string(),
  data: v.object({ outTradeNo: v.string() }),
})

export interface Delivery {
  readonly id: string
  readonly type: string
  readonly outTradeNo: string
  readonly body: string
  /** By the shop's clock. */
  readonly at: number
  /** Verified with the published library on arrival. */
  readonly isSignatureValid: boolean
}

export interface Receiver {
  readonly url: string
  readonly secret: string
  /** Every delivery that arrived, accepted or not. */
  readonly deliveries: Delivery[]
  /** Answers the deliveries from now on. */
  answer: (response: ServerResponse) => void | Promise<void>
  /** The number of connections opened until now. */
  connections(): number
  close(): Promise<void>
}

export const answerWith =
  (status: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(status, headers).end()

export const accepts = answerWith(204)
export const refuses = answerWith(500)

const SECRET = `whsec_${Buffer.from('webhook-secret-of-the-shop-next-door').toString('base64')}`

export async function openReceiver(): Promise<Receiver> {
  const deliveries: Delivery[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      deliveries.push(toDelivery(request.headers, Buffer.concat(parts).toString('utf8')))
      void receiver.answer(response)
    })
  })
  let connections = 0
  server.on('connection', () => (connections += 1))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const receiver: Receiver = {
    url: `http://127.0.0.1:${address.port}/events`,
    secret: SECRET,
    deliveries,
    answer: accepts,
    connections: () => connections,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return receiver
}

function toDelivery(headers: IncomingHttpHeaders, body: string): Delivery {
  const [id, timestamp, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(
    (name) => String(headers[name]),
  )
  const { type, data } = v.parse(v.pipe(v.string(), v.parseJson(), message), body)
  let isSignatureValid = true
  try {
    const given = {
      'webhook-id': id ?? '',
      'webhook-timestamp': timestamp ?? '',
      'webhook-signature': signature ?? '',
    }
    new Webhook(SECRET).verify(body, given)
  } catch {
    isSignatureValid = false
  }
  return { id: id ?? '', type, outTradeNo: data.outTradeNo, body, at: Date.now(), isSignatureValid }
}
