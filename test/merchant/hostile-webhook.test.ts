/** A webhook address in the hands of somebody who means harm. */
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { listenToLog, secretsIn } from '../steps/log-lines.ts'
import { openOrder } from '../steps/notices.ts'
import { answerWith, openReceiver, takes, type Receiver } from './receiver.ts'
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
  log = listenToLog()
})
afterAll(async () => {
  await shop.close()
  await merchant.close()
  inside.close()
})
afterEach(async () => {
  merchant.answer = takes
  shop.advance(6_000)
  expect(await shop.cron(), 'the event is still there for an honest webhook').toMatchObject({ delivered: 1 })
  merchant.deliveries.length = 0
  expect(secretsIn(shop, log.join('\n'))).toEqual([])
})

async function payAndTell(): Promise<number> {
  const { token, outTradeNo } = await openOrder(shop)
  await shop.pay(token, outTradeNo)
  const startedAt = performance.now()
  expect(await shop.deliverNotices()).toBe(1)
  expect(await shop.query(token, outTradeNo)).toMatchObject({ tradeState: 'SUCCESS' })
  return performance.now() - startedAt
}

test.each([301, 302, 307, 308])('a redirect (%i) into the company’s own network is not followed', async (status) => {
  const address = inside.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  merchant.answer = answerWith(status, { location: `http://127.0.0.1:${port}/` })
  await payAndTell()
  expect([merchant.deliveries.length, visits]).toEqual([1, 0])
})

test('an answer without end is cut off, and is no acknowledgement', async () => {
  merchant.answer = (response) => {
    response.writeHead(200)
    const pour = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) {}
    }
    response.on('drain', pour)
    pour()
  }
  expect(await payAndTell()).toBeLessThan(5_000)
})

test('an answer full of header injection is no more than an answer', async () => {
  merchant.answer = (response) => void response.socket?.end('HTTP/1.1 200 OK\r\nX: \0\r\n\r\n')
  await payAndTell()
})
