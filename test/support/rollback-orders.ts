/**
 * Orders that pass between two versions on one database, in a process of its own:
 * `node rollback-orders.ts <root>`, where `<root>/api/` leads to the functions of the earlier
 * version. Exits 0 only if all went well.
 */
import assert from 'node:assert/strict'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { createFunctions } from '../../dev/world/functions.ts'
import { listen } from '../../dev/world/listen.ts'
import { startWorld } from '../../dev/world/world.ts'
import { readJson, text, type Answer } from '../../dev/demo/stage.ts'

const [root = ''] = process.argv.slice(2)
const world = await startWorld({ env: {} })
const port = await listen('127.0.0.1', 0)
const earlier = createFunctions(root)
port.serve(new Hono<{ Bindings: HttpBindings }>().route('/', earlier.app))

type Version = 'earlier' | 'current'
const other = (version: Version): Version => (version === 'earlier' ? 'current' : 'earlier')

async function call(
  version: Version,
  method: string,
  path: string,
  {
    token = world.env.MERCHANT_API_KEY,
    body,
    key,
  }: { token?: string; body?: unknown; key?: string } = {},
): Promise<Answer> {
  const response = await fetch((version === 'earlier' ? port.url : world.url) + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answer = readJson(await response.text())
  await Promise.all([world.settled(), earlier.settled()])
  assert.ok(response.ok, `${version} ${method} ${path}: ${JSON.stringify(answer)}`)
  return answer
}

/** One version logs in and places the order, the other one finishes it. */
async function passOn(first: Version): Promise<void> {
  const second = other(first)
  const { simulator: wechat } = world
  assert.ok(wechat)
  const { token } = await call(first, 'POST', '/api/login', { body: { code: wechat.issueCode() } })
  const payer = { token: String(token) }
  const order = {
    ...payer,
    body: { items: [{ sku: 'latte', quantity: 1 }] },
    key: `key-of-${first}`,
  }
  const outTradeNo = text(await call(first, 'POST', '/api/orders', order), 'outTradeNo')
  const path = `/api/query?outTradeNo=${outTradeNo}`
  assert.equal(text(await call(second, 'POST', '/api/orders', order), 'outTradeNo'), outTradeNo)
  const prepay = { ...payer, body: { outTradeNo } }
  const prepaid = await call(first, 'POST', '/api/prepay', prepay)
  const again = await call(second, 'POST', '/api/prepay', prepay)
  assert.equal(again['package'], prepaid['package'])
  const paid = wechat.pay({
    appId: text(again, 'appId'),
    timeStamp: text(again, 'timeStamp'),
    nonceStr: text(again, 'nonceStr'),
    package: text(again, 'package'),
    signType: text(again, 'signType'),
    paySign: text(again, 'paySign'),
  })
  assert.equal(paid.errMsg, 'requestPayment:ok')
  assert.equal((await call(second, 'GET', path, payer))['tradeState'], 'SUCCESS')
  assert.equal((await call(first, 'GET', path, payer))['tradeState'], 'SUCCESS')
  const shipment = { outTradeNo, logisticsType: 'self_pickup', items: [{ itemDesc: 'a latte' }] }
  const shipped = await call(second, 'POST', '/api/shipping', { body: shipment })
  assert.equal(shipped['shippingState'], 'UPLOADED')
  const refund = { outTradeNo, outRefundNo: `R-${first}`, refundFee: 1_000 }
  await call(second, 'POST', '/api/refund', { body: refund })
  world.clock.advance(60_000)
  await wechat.tick()
  await call(first, 'GET', '/api/cron', { token: world.env.CRON_SECRET })
  assert.equal((await call(first, 'GET', path, payer))['refundedFee'], 1_000)
  assert.equal((await call(second, 'GET', path, payer))['refundedFee'], 1_000)
}

try {
  const products = [{ sku: 'latte', name: '拿铁', price: 2_800 }]
  await call('current', 'PUT', '/api/products', { body: { products } })
  await passOn('earlier')
  await passOn('current')
} finally {
  await port.stop()
  await world.stop()
}
