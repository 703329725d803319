/** Message push over HTTP: a push is authenticated, acknowledged in time, and only a hint. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Fault } from '../../dev/wechat/faults.ts'
import type { PushFields, WrittenPush } from '../../dev/wechat/push/write-push.ts'
import { ledgerOf } from '../stores/ledger-rows.ts'
import { paymentMessage, sentMessage } from '../support/messages/messages.ts'
import { openShop, type Sale, type Shop } from '../support/shop.ts'
import { listenToLog } from './log-lines.ts'

let shop: Shop
let sale: Sale
let log: string[]
beforeAll(async () => {
  shop = await openShop()
  sale = await shop.sell()
})
afterAll(() => shop.close())
beforeEach(() => {
  log = listenToLog()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  shop.world.faults.redis.up()
  shop.wechat.clearFaults()
  shop.wechat.changeSettings({ pushMode: 'safe', pushFormat: 'json' })
})

const settlement = (changes: PushFields = {}): PushFields => ({
  ToUserName: 'gh_1',
  FromUserName: 'oPayerOfTheSettledOrder0001',
  CreateTime: Math.floor(Date.now() / 1000),
  MsgType: 'event',
  Event: 'trade_manage_order_settlement',
  transaction_id: sale.transactionId,
  merchant_trade_no: sale.outTradeNo,
  ...changes,
})

const send = ({ url, headers, body }: WrittenPush) => {
  const { pathname, search } = new URL(url)
  return shop.call('POST', pathname + search, { headers: { ...headers }, body })
}
const push = (changes: PushFields, fault: Fault | null = null) =>
  send(shop.wechat.writePush(settlement(changes), fault))

const TEXT = 'text/plain; charset=utf-8'
const SUCCESS = { status: 200, text: 'success' }
const linesOf = (event: string) => log.filter((line) => line.includes(`"event":"${event}"`))
let second = 0
/** Each message has a time of its own. */
const anew = (): PushFields => ({ CreateTime: Math.floor(Date.now() / 1000) + (second += 1) })

describe('the check of the console', () => {
  const check = (changes: Record<string, string> = {}) => {
    const url = new URL(shop.wechat.writePush({}).url)
    for (const [name, value] of Object.entries({ echostr: '4375120948345356249', ...changes }))
      url.searchParams.set(name, value)
    return shop.call('GET', url.pathname + url.search)
  }

  test('is answered with the bare text that WeChat sent', async () => {
    const answer = await check()
    expect(answer).toMatchObject({ status: 200, text: '4375120948345356249' })
    expect(answer.headers.get('content-type')).toBe(TEXT)
  })

  test('with another token is refused, and its text is not sent back', async () => {
    const answer = await check({ signature: '0'.repeat(40) })
    expect(answer).toMatchObject({ status: 400, text: 'not accepted' })
    expect(linesOf('request')[0]).toContain('"detail":"signature"')
  })

  test('is not needed for a GET without a signature, which is refused like a notification', async () => {
    expect((await shop.call('GET', '/api/notify')).text).toContain('FAIL')
  })
})

describe('a pushed message', () => {
  test.each(
    (['plain', 'compatible', 'safe'] as const).flatMap((pushMode) =>
      (['json', 'xml'] as const).map((pushFormat) => ({ pushMode, pushFormat })),
    ),
  )('in $pushMode mode as $pushFormat is answered', async (settings) => {
    shop.wechat.changeSettings(settings)
    const answer = await push(anew())
    const isBelieved = settings.pushMode !== 'plain'
    expect(answer).toMatchObject(isBelieved ? SUCCESS : { status: 400, text: 'not accepted' })
    expect(answer.headers.get('content-type')).toBe(TEXT)
  })

  test.each([
    ['tamper', 'signature'],
    ['wrong-key', 'signature'],
    ['unsigned', 'signature'],
    ['old-timestamp', 'time'],
    ['future-timestamp', 'time'],
    ['bad-padding', 'decryption'],
    ['wrong-appid', 'merchant'],
  ] as const)('with %s is refused, and leaves no incident', async (fault, detail) => {
    const before = await ledgerOf(shop, sale.outTradeNo)
    expect(await push(anew(), { on: 'push', do: fault })).toMatchObject({
      status: 400,
      text: 'not accepted',
    })
    expect(linesOf('request')[0]).toContain(`"detail":"${detail}"`)
    expect(await ledgerOf(shop, sale.outTradeNo)).toEqual(before)
    expect(await shop.sql('select kind from incidents')).toEqual([])
  })

  test('larger than 64 KiB is refused', async () => {
    const { url, headers } = shop.wechat.writePush(settlement())
    expect(await send({ url, headers, body: 'x'.repeat(65_537) })).toMatchObject({ status: 413 })
  })

  test('that a person must act on is one warning in the log, however often it arrives', async () => {
    const fields = { ...anew(), Event: 'trade_manage_remind_access_api', merchant_trade_no: '' }
    for (let copy = 0; copy < 3; copy += 1) expect(await push(fields)).toMatchObject(SUCCESS)
    expect(linesOf('push_warning')).toEqual([
      expect.stringContaining('"code":"trade_manage_remind_access_api"'),
    ])
    expect(linesOf('push_warning')[0]).toContain('WECHAT_AUTO_SHIPPING')
    await push({ ...anew(), Event: 'wxa_trade_controlled' })
    expect(linesOf('push_warning')[1]).toContain('restricts the payments')
  })

  test('of an unknown kind is answered, and each kind is logged once', async () => {
    for (const Event of ['user_enter_tempsession', 'user_enter_tempsession', 'add_nearby_poi'])
      expect(await push({ ...anew(), Event })).toMatchObject(SUCCESS)
    expect(linesOf('push_unknown')).toEqual([
      expect.stringContaining('"detail":"user_enter_tempsession"'),
      expect.stringContaining('"detail":"add_nearby_poi"'),
    ])
  })

  test('without Redis is answered, and every copy counts as the first', async () => {
    shop.world.faults.redis.down()
    const fields = { ...anew(), Event: 'wxa_trade_controlled' }
    for (let copy = 0; copy < 2; copy += 1) expect(await push(fields)).toMatchObject(SUCCESS)
    expect(linesOf('push_warning')).toHaveLength(2)
  })
})

describe('without WECHAT_PUSH_TOKEN', () => {
  test('a push is refused, and its answer and the log name the variable', async () => {
    const written = shop.wechat.writePush(settlement(anew()))
    vi.stubEnv('WECHAT_PUSH_TOKEN', '')
    expect(await send(written)).toMatchObject({ status: 503, text: 'WECHAT_PUSH_TOKEN is not set' })
    expect(linesOf('request')[0]).toMatch(/"outcome":"not_configured".*"WECHAT_PUSH_TOKEN"/)
  })

  test('payments are notified as before', async () => {
    vi.stubEnv('WECHAT_PUSH_TOKEN', '')
    expect((await shop.notify(sentMessage(shop, sale.outTradeNo))).code).toBe('SUCCESS')
  })
})

describe('without WECHAT_PUSH_KEY', () => {
  test('a plain push is accepted, and an encrypted one is refused by the name of the variable', async () => {
    const encrypted = shop.wechat.writePush(settlement(anew()))
    shop.wechat.changeSettings({ pushMode: 'plain' })
    vi.stubEnv('WECHAT_PUSH_KEY', '')
    expect(await push(anew())).toMatchObject(SUCCESS)
    expect(await send(encrypted)).toMatchObject({
      status: 503,
      text: 'WECHAT_PUSH_KEY is not set, and WeChat encrypts its messages',
    })
  })
})

describe('a push and a notification of a payment', () => {
  test('are never mistaken: a payment with the query of a push is no payment', async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    const { url } = shop.wechat.writePush(settlement())
    const { body, headers } = paymentMessage(shop, outTradeNo)
    const { pathname, search } = new URL(url)
    const answer = await shop.call('POST', pathname + search, { headers: { ...headers }, body })
    expect(answer).toMatchObject({ status: 400, text: 'not accepted' })
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({ order: { trade_state: 'NOTPAY' } })
  })

  test('are never mistaken: a push without its query is refused as a notification', async () => {
    const { body, headers } = shop.wechat.writePush(settlement())
    const answer = await shop.notify({ body, headers })
    expect(answer.code).toBe('FAIL')
  })

  test('share an address: both are accepted in turn', async () => {
    expect(await push(anew())).toMatchObject(SUCCESS)
    expect((await shop.notify(sentMessage(shop, sale.outTradeNo))).code).toBe('SUCCESS')
  })
})

const DAY_MS = 86_400_000
/** Sells and ships a new order. Its first push is not sent yet. */
async function shippedOrder(): Promise<Sale> {
  const sold = await shop.sell()
  const body = {
    outTradeNo: sold.outTradeNo,
    logisticsType: 'self_pickup',
    items: [{ itemDesc: '拿铁' }],
  }
  const answer = await shop.call('POST', '/api/shipping', { token: shop.merchantKey, body })
  expect(answer.status).toBe(200)
  return sold
}
const orderOf = ({ outTradeNo }: Sale) => shop.query(shop.merchantKey, outTradeNo)
const asked = ({ transactionId }: Sale) =>
  shop.wechat.messageLog.filter(
    ({ url, request }) => url.includes('/get_order') && request.includes(transactionId),
  ).length
const settledEvents = ({ outTradeNo }: Sale) =>
  shop.world.events.filter(
    ({ body }) => body.includes('"order.settled"') && body.includes(outTradeNo),
  ).length
/** Settles it at WeChat. Its second push is not sent yet. */
function settleAtWechat({ outTradeNo }: Sale): void {
  shop.wechat.confirmReceipt(outTradeNo)
  shop.advance(DAY_MS)
}

describe('a push about an order', () => {
  test('makes WeChat be asked, and what WeChat confirms is stored', async () => {
    const order = await shippedOrder()
    await shop.deliverNotifications()
    expect(await orderOf(order)).not.toHaveProperty('settledAt')
    settleAtWechat(order)
    await shop.deliverNotifications()
    expect(await orderOf(order)).toMatchObject({
      confirmedAt: expect.any(String),
      settledAt: expect.any(String),
    })
    expect(settledEvents(order)).toBe(1)
  })

  test('that claims a settlement which WeChat does not confirm changes nothing', async () => {
    const order = await shippedOrder()
    const fields = {
      ...anew(),
      transaction_id: order.transactionId,
      merchant_trade_no: order.outTradeNo,
      settlement_time: 1,
    }
    const before = await ledgerOf(shop, order.outTradeNo)
    expect(await push(fields)).toMatchObject(SUCCESS)
    await shop.world.settled()
    expect(await orderOf(order)).not.toHaveProperty('settledAt')
    expect(await ledgerOf(shop, order.outTradeNo)).toMatchObject({ events: before['events'] })
    expect(asked(order)).toBe(1)
  })

  test('in copies makes WeChat be asked once', async () => {
    const order = await shippedOrder()
    shop.wechat.misbehave({ on: 'push', do: 'repeat', copies: 5, times: 1 })
    await shop.deliverNotifications()
    // A copy that a busy machine keeps from Redis counts as the first.
    expect(asked(order)).toBeLessThanOrEqual(1 + linesOf('redis_down').length)
  })

  test('that is settled may arrive before the one that is shipped, and without its fields', async () => {
    const order = await shippedOrder()
    settleAtWechat(order)
    shop.wechat.misbehave({ on: 'push', do: 'reorder', times: 1 })
    shop.wechat.misbehave({ on: 'push', do: 'no-settlement', times: 1 })
    await shop.deliverNotifications()
    expect(await orderOf(order)).toMatchObject({ settledAt: expect.any(String) })
    expect(settledEvents(order)).toBe(1)
  })

  test('is answered before WeChat is asked, and cron asks again if that fails', async () => {
    const order = await shippedOrder()
    settleAtWechat(order)
    shop.wechat.misbehave({ on: 'get_order', do: 'errcode', errcode: 45_011 })
    await shop.deliverNotifications()
    expect(shop.wechat.pushes().at(-1)).toMatchObject({ acknowledged: true })
    expect(linesOf('settlement_not_asked').join('\n')).toContain(order.outTradeNo)
    shop.wechat.clearFaults()
    shop.advance(DAY_MS)
    await shop.cron()
    expect(await orderOf(order)).toMatchObject({ settledAt: expect.any(String) })
  })

  test('of another system of the Mini Program is answered and ignored', async () => {
    const calls = shop.countCalls('/get_order')
    const fields = { ...anew(), merchant_trade_no: 'ORDER-OF-ANOTHER-SHOP' }
    expect(await push(fields)).toMatchObject(SUCCESS)
    await shop.world.settled()
    expect(shop.countCalls('/get_order')).toBe(calls)
    expect(linesOf('settlement_not_asked')).toEqual([])
  })

  test('that is not shipped is a warning, and WeChat is asked', async () => {
    const order = await shop.sell()
    shop.wechat.push({ event: 'trade_manage_remind_shipping', outTradeNo: order.outTradeNo })
    await shop.deliverNotifications()
    expect(linesOf('push_warning')[0]).toContain(order.outTradeNo)
    expect(asked(order)).toBe(1)
  })
})

describe('the simulator', () => {
  const last = () => shop.wechat.pushes().at(-1)

  test('pushes an event until it is acknowledged, at most three times', async () => {
    shop.wechat.push({ event: 'trade_manage_order_settlement', outTradeNo: sale.outTradeNo })
    await shop.deliverNotifications()
    expect(last()).toMatchObject({
      fields: { merchant_trade_no: sale.outTradeNo, transaction_id: sale.transactionId },
      acknowledged: true,
      nextDueAt: null,
      attempts: [{ status: 200, answer: 'success', problem: null }],
    })
    shop.wechat.misbehave({ on: 'push', do: 'wrong-key' })
    shop.wechat.push({ event: 'trade_manage_order_settlement', outTradeNo: sale.outTradeNo })
    for (let round = 0; round < 4; round += 1) {
      await shop.deliverNotifications()
      shop.advance(5_000)
    }
    expect(last()).toMatchObject({ acknowledged: false, rounds: 3, nextDueAt: null })
  })

  test('pushes an event about a paid order only', async () => {
    const outTradeNo = await shop.placeOrder(await shop.logIn())
    expect(() => shop.wechat.push({ event: 'x', outTradeNo })).toThrow(
      'an event needs an order that is paid',
    )
  })
})
