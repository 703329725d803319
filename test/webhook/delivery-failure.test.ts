/**
 * Why the merchant's system did not accept an event: the `code` of the log line
 * `event_not_delivered`.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWebhook } from '../../lib/webhook/webhook.ts'
import type { StoredEvent } from '../../lib/ports.ts'
import { withRequest } from '../../lib/request-context.ts'

const event: StoredEvent = {
  id: 'evt_0123456789abcdef0123456789abcdef',
  type: 'order.closed',
  createdAt: new Date('2025-01-01T19:05:01Z'),
  data: {
    outTradeNo: '20250102030405000000000000000001',
    tradeState: 'CLOSED',
    totalFee: 101,
    body: '拿铁',
    createdAt: '2025-01-02T03:04:05+08:00',
    timeExpire: '2025-01-02T05:04:05+08:00',
    openid: 'oDemo000000000000000000User1',
  },
}

let respond: (response: ServerResponse) => void
const answer = (_request: unknown, response: ServerResponse) => respond(response)
const pem = (name: string): string =>
  readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')
const server = createServer(answer)
/** A certificate of an unknown authority. */
const tlsServer = createTlsServer({ key: pem('server.key'), cert: pem('server') }, answer)
const portOf = (one: typeof server | typeof tlsServer): number => {
  const address = one.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
let url: string
beforeAll(async () => {
  await Promise.all([
    once(server.listen(0, '127.0.0.1'), 'listening'),
    once(tlsServer.listen(0, '127.0.0.1'), 'listening'),
  ])
  url = `http://127.0.0.1:${portOf(server)}/events?key=of-the-receiver`
})
afterAll(() => {
  for (const one of [server, tlsServer]) {
    one.closeAllConnections()
    one.close()
  }
})

/**
 * Delivers an event with half a second left of the request, and returns the code of the failure.
 */
async function codeAt(address = url): Promise<string> {
  const webhook = createWebhook(
    { url: address, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' },
    { now: () => new Date() },
  )
  const delivered = await withRequest({ requestId: 'r', function: undefined }, 500, () =>
    webhook.deliver(event),
  )
  return delivered.ok ? 'accepted' : delivered.error.code
}

test.each([401, 429, 500])('the code is the status of an answer with %i', async (status) => {
  respond = (response) => void response.writeHead(status).end()
  expect(await codeAt()).toBe(String(status))
})

test('the code is `timeout` if no answer arrives in time', async () => {
  respond = () => undefined
  expect(await codeAt()).toBe('timeout')
})

test('the code is `network` if the connection breaks', async () => {
  respond = (response) => void response.destroy()
  expect(await codeAt()).toBe('network')
})

test('the code is `dns` if the host name is unknown', async () => {
  expect(await codeAt('http://receiver.invalid/events')).toBe('dns')
})

test('the code is `tls` if the certificate is not trusted', async () => {
  expect(await codeAt(`https://127.0.0.1:${portOf(tlsServer)}/events`)).toBe('tls')
})
