/**
 * How many Redis commands a payment takes, because Upstash bills each of them: login, order,
 * prepay, notification and query. Those that a script runs count too.
 */
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import login from '../../api/login.ts'
import notify from '../../api/notify.ts'
import orders from '../../api/orders.ts'
import prepay from '../../api/prepay.ts'
import query from '../../api/query.ts'
import { sentMessage } from '../support/messages/messages.ts'
import { openShop, textOf, toPayment, type Json, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  // Platform certificates are downloaded once.
  await shop.sell()
})
afterAll(() => shop.close())

const functions = { login, orders, prepay, query }

/** Calls a function as Vercel does. The local world would replace the address by its own. */
async function call(
  name: keyof typeof functions,
  ip: string,
  { token, body, search = '' }: { token?: string; body?: object; search?: string },
): Promise<Json> {
  const response = await functions[name].fetch(
    new Request(`${shop.world.url}/api/${name}${search}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'x-real-ip': ip,
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  )
  await shop.world.settled()
  const json: Json = JSON.parse(await response.text())
  return json
}

/** `isOneCall`: the payment comes with the order, as the client asks for it. */
async function takePayment(ip: string, isOneCall: boolean): Promise<void> {
  const token = textOf(
    await call('login', ip, { body: { code: shop.wechat.issueCode() } }),
    'token',
  )
  const items = [{ sku: 'latte', quantity: 1 }]
  const outTradeNo = isOneCall
    ? await orderWithPayment(ip, token, items)
    : await orderThenPrepay(ip, token, items)
  const { headers, body } = sentMessage(shop, outTradeNo)
  await notify.fetch(
    new Request(`${shop.world.url}/api/notify`, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : Buffer.from(body),
    }),
  )
  await shop.world.settled()
  const order = await call('query', ip, { token, search: `?outTradeNo=${outTradeNo}` })
  expect(order['tradeState']).toBe('SUCCESS')
}

async function orderThenPrepay(ip: string, token: string, items: object): Promise<string> {
  const outTradeNo = textOf(await call('orders', ip, { token, body: { items } }), 'outTradeNo')
  shop.wechat.pay(toPayment(await call('prepay', ip, { token, body: { outTradeNo } })))
  return outTradeNo
}

async function orderWithPayment(ip: string, token: string, items: object): Promise<string> {
  const answer = await call('orders', ip, { token, body: { items, prepay: true } })
  const { order, payment } = v.parse(placed, answer)
  shop.wechat.pay(toPayment(payment))
  return order.outTradeNo
}
const placed = v.object({
  order: v.looseObject({ outTradeNo: v.string() }),
  payment: v.record(v.string(), v.unknown()),
})

const countCommands = async (): Promise<number> => {
  const statistics = String(await shop.redis('INFO', 'commandstats'))
  return [...statistics.matchAll(/^cmdstat_(?!info)[^:]*:calls=(\d+)/gm)].reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  )
}
const newAddress = () => `2408:8000:${crypto.randomUUID().slice(0, 4)}::1`

// A real Redis also counts the commands of tests that run at the same time.
describe.skipIf(process.env['TEST_REDIS_URL'] !== undefined).each([
  ['order and prepay in one call', true, 2],
  ['order, then prepay', false, 3],
] as const)('%s', (_calls, isOneCall, limitedCalls) => {
  test('a payment takes four commands, and none of them counts the caller', async () => {
    const before = await countCommands()
    await takePayment(newAddress(), isOneCall)
    // Prepay looks for a prepay_id or takes the lock (two), and keeps the new one; notify locks.
    expect((await countCommands()) - before).toBe(4)
  })

  test('a payment takes less than seven if many payers share one address', async () => {
    const address = newAddress()
    const before = await countCommands()
    for (let payment = 0; payment < 4; payment += 1) await takePayment(address, isOneCall)
    // Each second limited call of the address is reported, and each counter gets its expiry once.
    expect((await countCommands()) - before).toBe(4 * 4 + 2 * limitedCalls + limitedCalls)
  })
})
