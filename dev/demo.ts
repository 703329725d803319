/**
 * `npm run demo`: one WeChat payment from login to query, on the real protocol, in a world of its own.
 *
 * Exits 0 only if the order ended SUCCESS.
 */
import { styleText } from 'node:util'
import * as v from 'valibot'
import { show, showWire, type Call } from './demo-page.ts'
import { startWorld, type World } from './world.ts'

// The functions log one JSON line a request. They would tear the page apart; should the demo fail, they are what to read.
const logLines: unknown[] = []
console.log = console.error = (line: unknown) => logLines.push(line)

async function main(): Promise<boolean> {
  // Nothing of the reader's own environment takes part: the demo is the same everywhere.
  const world = await startWorld({ env: {} })
  try {
    return await takeOnePayment(world)
  } finally {
    await world.stop()
  }
}

async function takeOnePayment(world: World): Promise<boolean> {
  const { simulator } = world
  if (simulator === undefined) throw new Error('the demo world has no WeChat')
  const call = caller(world)
  let token = world.env.MERCHANT_API_KEY
  let seen = 0
  const step = async (title: string, work: () => Promise<Call>): Promise<Record<string, unknown>> => {
    const done = await work()
    await world.settled()
    show(title, done)
    showWire(simulator.wire.slice(seen), world.url)
    seen = simulator.wire.length
    return done.answer
  }

  await step('the merchant fills the catalogue', () =>
    call('PUT', '/api/products', token, {
      products: [
        { sku: 'latte', name: '拿铁', price: 2800 },
        { sku: 'cookie', name: '曲奇', price: 900 },
      ],
    }),
  )
  const code = simulator.issueCode()
  token = text(await step('login: wx.login gave the phone a code', () => call('POST', '/api/login', '', { code })), 'token')
  const basket = {
    items: [
      { sku: 'latte', quantity: 1 },
      { sku: 'cookie', quantity: 2 },
    ],
    attach: 'store=1',
  }
  const outTradeNo = text(await step('order: the server prices it', () => call('POST', '/api/orders', token, basket)), 'outTradeNo')
  const payment = await step('prepay: a unified order, signed; then the second signature', () =>
    call('POST', '/api/prepay', token, { outTradeNo }),
  )
  await step('prepay again: the same prepay_id, WeChat is not asked', () => call('POST', '/api/prepay', token, { outTradeNo }))

  await step('the user pays: wx.requestPayment on the phone', async () => {
    const startedAt = performance.now()
    const outcome = simulator.pay({
      appId: text(payment, 'appId'),
      timeStamp: text(payment, 'timeStamp'),
      nonceStr: text(payment, 'nonceStr'),
      package: text(payment, 'package'),
      signType: text(payment, 'signType'),
      paySign: text(payment, 'paySign'),
    })
    return { request: 'wx.requestPayment(…)', status: '', answer: { ...outcome }, ms: performance.now() - startedAt }
  })
  await step('notify: WeChat tells the server, which believes nothing unsigned', async () => {
    const startedAt = performance.now()
    const sent = await simulator.tick()
    return {
      request: `WeChat calls ${world.url}/api/notify`,
      status: '',
      answer: { notificationsSent: sent },
      ms: performance.now() - startedAt,
    }
  })
  const order = await step('query: what the phone is shown', () => call('GET', `/api/query?outTradeNo=${outTradeNo}`, token))
  const [event] = world.events
  if (event !== undefined) {
    const { 'webhook-id': id, 'webhook-signature': signature } = event.headers
    show('the merchant’s system was told', {
      request: `webhook-id: ${id}  webhook-signature: ${signature}`,
      status: '',
      answer: readJson(event.body),
      ms: null,
    })
  }
  return order['tradeState'] === 'SUCCESS'
}

const caller =
  (world: World) =>
  async (method: string, path: string, token: string, body?: unknown): Promise<Call> => {
    const headers = {
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const startedAt = performance.now()
    const response = await fetch(world.url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    const answer = readJson(await response.text())
    const ms = performance.now() - startedAt
    return {
      request: `${method} ${path}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`,
      status: String(response.status),
      answer,
      ms,
    }
  }

const readJson = (body: string) => v.parse(v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown())), body)

function text(answer: Record<string, unknown>, name: string): string {
  const value = answer[name]
  if (typeof value !== 'string') throw new Error(`the answer has no ${name}: ${JSON.stringify(answer)}`)
  return value
}

const outcome = await main().catch((cause: unknown) => {
  process.stdout.write(`\n${cause instanceof Error ? cause.message : String(cause)}\n`)
  return false
})
if (!outcome) process.stdout.write(`\nWhat the functions logged:\n${logLines.join('\n')}\n`)
process.stdout.write(outcome ? styleText('green', '\nThe order ended SUCCESS.\n') : styleText('red', '\nThe order did not end SUCCESS.\n'))
if (outcome) process.stdout.write('Next: npm start, and point a Mini Program at it.\n')
process.exitCode = outcome ? 0 : 1
