/** `GET /world/feed` shows every message between two parts of the local world. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Feed, type Exchange } from '../../dev/world/feed.ts'
import { readFeed, storedExchanges, toExchange } from '../support/feed-reader.ts'
import { openShop, textOf, toPayment, type Shop } from '../support/shop.ts'

let shop: Shop
/** Loads the functions again, because they read their environment once. */
const open = async (env: Record<string, string> = {}) => {
  vi.resetModules()
  shop = await openShop(env, { isWatched: true })
}
afterEach(() => shop.close())

const lanesOf = ({ from, to }: Exchange) => `${from} → ${to}`
const stored = () => storedExchanges(shop.world.url)

/** Pays over HTTP, as a page does. */
async function buy(): Promise<string> {
  const login = await shop.call('POST', '/wechat/control/login', { body: {} })
  const { json } = await shop.call('POST', '/api/login', {
    body: { code: textOf(login.json, 'code') },
  })
  const token = textOf(json, 'token')
  const outTradeNo = await shop.placeOrder(token)
  const body = toPayment(await shop.prepay(token, outTradeNo))
  expect((await shop.call('POST', '/wechat/control/pay', { body })).json).toEqual({
    errMsg: 'requestPayment:ok',
  })
  await shop.deliverNotifications()
  return outTradeNo
}

describe('a payment', () => {
  beforeEach(() => open())

  test('shows a message between each two parts, with its bodies and duration', async () => {
    const outTradeNo = await buy()
    const exchanges = await stored()
    expect(new Set(exchanges.map(lanesOf))).toEqual(
      new Set([
        'merchant → functions',
        'phone → wechat',
        'phone → functions',
        'functions → database',
        'functions → redis',
        'functions → wechat',
        'wechat → functions',
        'functions → merchant',
      ]),
    )
    const find = (title: string) => exchanges.find((exchange) => exchange.title === title)
    expect(find('POST /api/prepay')).toMatchObject({
      state: 'answered',
      durationMs: expect.any(Number),
      request: {
        method: 'POST',
        url: '/api/prepay',
        body: JSON.stringify({ outTradeNo }),
        headers: { 'content-type': 'application/json' },
      },
      response: {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: expect.stringContaining('paySign'),
        isCut: false,
      },
      outTradeNo,
    })
    expect(find('order.paid')).toMatchObject({ response: { status: 204 }, outTradeNo })
    expect(exchanges.filter(({ to }) => to === 'redis').map(({ title }) => title)).toContainEqual(
      expect.stringMatching(/^(?:SET|GET|EVALSHA|EVAL) wxpay:/),
    )
    expect(
      find('select to_jsonb(o) as "order" from orders o where out_trade_no = $1'),
    ).toMatchObject({
      to: 'database',
      request: { body: expect.stringContaining(outTradeNo) },
      outTradeNo,
    })
    expect(exchanges.map(({ state }) => state)).not.toContain('open')
  })

  test('shows what was signed, without the key, and that the signatures hold', async () => {
    await buy()
    const exchanges = await stored()
    const find = (title: string) => exchanges.find((exchange) => exchange.title === title)
    const placed = find('unifiedorder')
    expect(placed?.request.signed).toMatchObject({
      text: expect.stringMatching(/^appid=wx00000000demo0001&.*&trade_type=JSAPI&key=\*{3}$/),
      algorithm: 'HMAC-SHA256',
      holds: true,
    })
    expect(placed?.response?.signed).toMatchObject({
      text: expect.stringMatching(/&prepay_id=wx.*&key=\*{3}$/),
      holds: true,
    })
    expect(find('wx.requestPayment')?.request.signed).toMatchObject({
      text: expect.stringMatching(/^appId=.*&signType=HMAC-SHA256&timeStamp=\d+&key=\*{3}$/),
      holds: true,
    })
    expect(find('notification of a payment')?.request.signed).toMatchObject({ holds: true })
    expect(find('order.paid')?.request.signed).toMatchObject({
      text: expect.stringMatching(/^evt?_?[\w-]+\.\d+\.\{"type":"order\.paid"/),
      holds: true,
    })
    expect(JSON.stringify(exchanges.map(({ request }) => request.signed))).not.toContain(
      shop.world.env.WECHAT_PAY_KEY,
    )
  })

  test('shows a forged notification as one whose signature does not hold', async () => {
    shop.wechat.misbehave({ on: 'notify', do: 'tamper', times: 1 })
    shop.wechat.misbehave({ on: 'notify', do: 'wrong-key' })
    await buy()
    shop.advance(60_000)
    await shop.deliverNotifications()
    const notifications = (await stored()).filter(({ from }) => from === 'wechat')
    expect(notifications.map(({ request }) => request.signed?.holds)).toEqual([false, false])
  })
})

test('over APIv3 the lines that are signed are shown', async () => {
  await open({ WECHAT_PAY_API: 'v3' })
  await buy()
  const exchanges = await stored()
  const find = (title: string) => exchanges.find((exchange) => exchange.title === title)
  expect(find('POST /v3/pay/transactions/jsapi')).toMatchObject({
    request: {
      signed: {
        text: expect.stringMatching(/^POST\n\/(?:wechat\/)?v3\/pay\/transactions\/jsapi\n\d{10}\n/),
        algorithm: 'SHA256 with RSA',
        holds: true,
      },
    },
    response: {
      signed: { text: expect.stringMatching(/^\d{10}\n\w+\n\{"prepay_id"/), holds: true },
    },
  })
  expect(find('notification TRANSACTION.SUCCESS')?.request.signed).toMatchObject({ holds: true })
  expect(find('wx.requestPayment')?.request.signed).toMatchObject({
    text: expect.stringMatching(/^wx00000000demo0001\n\d{10}\n\w+\nprepay_id=\w+\n$/),
    holds: true,
  })
})

describe('the stream', () => {
  beforeEach(() => open())

  test('first replays what is stored, then shows a request when it begins and when it ends', async () => {
    const feed = await readFeed(shop.world.url)
    const replay = await feed.until(({ event }) => event === 'live')
    expect(replay[0]).toMatchObject({ event: 'reset' })
    await shop.call('GET', '/api/products')
    const isAnswered = ({ data }: { data: string }) =>
      data.includes('GET /api/products') && data.includes('"state":"answered"')
    const live = (await feed.until(isAnswered)).map(toExchange)
    await feed.close()
    const [began, ended] = live.filter(({ title }) => title === 'GET /api/products')
    expect([began?.state, began?.response, began?.durationMs]).toEqual(['open', null, null])
    expect([ended?.state, ended?.id]).toEqual(['answered', began?.id])
    const inner = live.find(({ to }) => to === 'database')
    expect(inner?.id).toBeGreaterThan(began?.id ?? Infinity)
  })

  test('goes on after the last event that the reader has, and begins again after a restart', async () => {
    await shop.call('GET', '/api/products')
    const feed = await readFeed(shop.world.url)
    const ids = (await feed.until(({ event }) => event === 'live')).flatMap(({ id }) => id ?? [])
    await feed.close()
    const resumed = await readFeed(shop.world.url, ids.at(-2))
    const missed = await resumed.until(({ event }) => event === 'live')
    await resumed.close()
    expect(missed.map(({ event, id }) => [event, id])).toEqual([
      ['exchange', ids.at(-1)],
      ['live', null],
    ])

    const other = await readFeed(shop.world.url, '00000000-7')
    expect((await other.until(() => true)).map(({ event }) => event)).toEqual(['reset'])
    await other.close()
  })
})

test('a connection that broke is shown as broken', async () => {
  await open()
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  shop.world.faults.redis.down()
  await shop.prepay(token, outTradeNo)
  await shop.world.settled()
  const broken = (await stored()).filter(({ state }) => state === 'broken')
  expect(broken.map(({ to, response }) => [to, response])).toContainEqual(['redis', null])
})

test('a value that the environment gives is hidden wherever it occurs', async () => {
  const MERCHANT_API_KEY = 'a-real-merchant-key-of-a-real-merchant'
  const WECHAT_APP_SECRET = 'ffffffffffffffffffffffffffffffff'
  await open({ MERCHANT_API_KEY, WECHAT_APP_SECRET })
  await buy()
  await shop.call('GET', `/api/orders?cursor=${MERCHANT_API_KEY}`, { token: MERCHANT_API_KEY })
  const text = JSON.stringify(await stored())
  expect(text).not.toContain(MERCHANT_API_KEY)
  expect(text).not.toContain(WECHAT_APP_SECRET)
  expect(text).toContain('"authorization":"Bearer ***"')
  expect(text).not.toMatch(/"session_key\\":\\"(?!\*{3})/)
})

test('the feed keeps the latest 2,000 exchanges', async () => {
  await open()
  await shop.call('GET', '/api/products')
  const [exchange] = await stored()
  if (exchange === undefined) throw new Error('nothing was stored')
  const feed = new Feed()
  for (let count = 0; count < 2_100; count += 1) feed.put({ ...exchange, id: feed.nextId() })
  expect(feed.exchanges().map(({ id }) => id)).toEqual(
    Array.from({ length: 2_000 }, (_, index) => index + 101),
  )
})
