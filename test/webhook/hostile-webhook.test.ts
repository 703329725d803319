/** A webhook address that an attacker controls. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { listenToLog, secretsIn } from '../steps/log-lines.ts'
import { openOrder } from '../support/attacked-shop.ts'
import { answerWith, openReceiver, accepts, type Receiver } from './receiver.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
let merchant: Receiver
let inside: Server
let visits = 0
let log: string[]
beforeAll(async () => {
  merchant = await openReceiver()
  inside = createServer((_request, response) => {
    visits += 1
    response.end('the company’s secrets')
  })
  await once(inside.listen(0, '127.0.0.1'), 'listening')
  shop = await openShop({ ORDER_WEBHOOK_URL: merchant.url, ORDER_WEBHOOK_SECRET: merchant.secret })
  await shop.wechat.stop()
  // So that orders that are not shipped send no events.
  shop.wechat.changeSettings({ tradeManaged: false })
  log = listenToLog()
})
afterAll(async () => {
  await shop.close()
  await merchant.close()
  inside.close()
})
afterEach(() => {
  merchant.answer = accepts
  merchant.deliveries.length = 0
  expect(secretsIn(shop, log.join('\n'))).toEqual([])
})

/** Checks that the event was not lost: an honest webhook gets it. */
async function expectStillDue(): Promise<void> {
  merchant.answer = accepts
  shop.advance(6_000)
  expect(await shop.cron(), 'an honest webhook gets the event').toMatchObject({
    delivered: 1,
  })
}

async function payAndDeliver(): Promise<void> {
  const { token, outTradeNo } = await openOrder(shop)
  await shop.pay(token, outTradeNo)
  expect(await shop.deliverNotifications()).toBe(1)
  expect(await shop.query(token, outTradeNo)).toMatchObject({ tradeState: 'SUCCESS' })
}

test.each([301, 302, 307, 308])(
  'a redirect (%i) into the company’s own network is not followed',
  async (status) => {
    const address = inside.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    merchant.answer = answerWith(status, { location: `http://127.0.0.1:${port}/` })
    await payAndDeliver()
    expect([merchant.deliveries.length, visits]).toEqual([1, 0])
    await expectStillDue()
  },
)

const withBody =
  (head: string, ...parts: readonly string[]) =>
  (response: ServerResponse) => {
    response.socket?.write(head)
    for (const part of parts) response.socket?.write(part)
  }
const sendForever = (response: ServerResponse): void => {
  response.writeHead(200)
  const sendMore = () => {
    while (!response.destroyed && response.write(Buffer.alloc(65_536))) {}
  }
  response.on('drain', sendMore)
  sendMore()
}
const bodies = [
  ['without an end', sendForever],
  ['that stalls', withBody('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n', 'o')],
  [
    'that is cut off',
    (response: ServerResponse): void =>
      void response.socket?.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok'),
  ],
  [
    'of two megabytes',
    (response: ServerResponse): void => void response.writeHead(200).end(Buffer.alloc(2_000_000)),
  ],
  [
    'that does not match its content-encoding',
    (response: ServerResponse): void =>
      void response.writeHead(200, { 'content-encoding': 'gzip' }).end('ok'),
  ],
] as const

describe.each(bodies)('an answer with a body %s', (_, answer) => {
  test('counts as delivered by its status of 200 alone', async () => {
    merchant.answer = answer
    await payAndDeliver()
    merchant.answer = accepts
    shop.advance(86_400_000)
    expect(await shop.cron()).toMatchObject({ delivered: 0 })
    expect(merchant.deliveries.map(({ type }) => type)).toEqual(['order.paid'])
  })
})

test('a short body is read, so that the next event uses the same connection', async () => {
  merchant.answer = (response) => void response.writeHead(200).end('{"received":true}')
  const before = merchant.connections()
  for (let count = 0; count < 3; count += 1) await payAndDeliver()
  expect(merchant.connections() - before).toBeLessThanOrEqual(1)
})

test('an answer with an invalid header counts as not delivered', async () => {
  merchant.answer = (response) => void response.socket?.end('HTTP/1.1 200 OK\r\nX: \0\r\n\r\n')
  await payAndDeliver()
  await expectStillDue()
})
