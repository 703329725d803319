/** Every known attack on the functions a phone or a merchant calls, by name: tokens, prices, fields, headers. */
import { createHmac } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { listenToLog, secretsIn } from './log-lines.ts'
import { openOrder } from './notifications.ts'
import { ledgerOf, UNTOUCHED } from '../stores/ledger-rows.ts'
import { openShop, textOf, type Ask, type Shop } from '../support/shop.ts'

const VICTIM = 'oVictim0000000000000000000'
let shop: Shop
let token: string
let victimsOrder: string
let log: string[]
let answers: string[]

beforeAll(async () => {
  shop = await openShop()
  victimsOrder = await shop.placeOrder(await shop.logIn(VICTIM))
  ;({ token } = await openOrder(shop))
  log = listenToLog()
  answers = []
})
afterAll(() => shop.close())
afterEach(async () => {
  expect(log.filter((line) => line.includes('"bug"'))).toEqual([])
  expect(secretsIn(shop, [...log, ...answers].join('\n'))).toEqual([])
  expect(await ledgerOf(shop, victimsOrder)).toMatchObject(UNTOUCHED)
})

async function call(method: string, path: string, ask: Ask = {}) {
  const answer = await shop.call(method, path, ask)
  answers.push(answer.text)
  return answer
}
const attempt = async (method: string, path: string, ask: Ask = {}): Promise<[number, unknown]> => {
  const { status, json } = await call(method, path, ask)
  return [status, json['code'] ?? json['outTradeNo']]
}
const latte = { sku: 'latte', quantity: 1 }

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** A token for the victim in our own form, but for what `over` says. */
function forge(over: { header?: object; claims?: object; secret?: string } = {}): string {
  const seconds = Math.floor(Date.now() / 1000)
  const claims = {
    iss: 'wechat-pay-functions',
    sub: VICTIM,
    iat: seconds,
    exp: seconds + 3600,
    ...over.claims,
  }
  const body = `${encode(over.header ?? { alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  const secret = over.secret ?? shop.world.env.SESSION_SECRET
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
}
const withoutSignature = (jwt: string) => jwt.slice(0, jwt.lastIndexOf('.') + 1)

describe('a token that opens nothing:', () => {
  test('the same token, rightly made, opens it', async () => {
    expect(
      await attempt('GET', `/api/query?outTradeNo=${victimsOrder}`, { token: forge() }),
    ).toEqual([200, victimsOrder])
  })

  const forgeries: Record<string, () => string | Promise<string>> = {
    'an invented one': () => 'eyJhbGciOiJIUzI1NiJ9.e30.AAAA',
    'one with the victim’s name, signed with another secret': () =>
      forge({ secret: 'another-secret-that-is-long-enough-000' }),
    'one with the victim’s name, signed with an empty secret': () => forge({ secret: '' }),
    'our own with the victim’s name written over it': () =>
      `${token.split('.')[0]}.${forge().split('.')[1]}.${token.split('.')[2]}`,
    'one that says its algorithm is none': () =>
      withoutSignature(forge({ header: { alg: 'none', typ: 'JWT' } })),
    'one that says none in odd letters': () => withoutSignature(forge({ header: { alg: 'nOnE' } })),
    'one without its signature': () => withoutSignature(forge()),
    'one signed with the right secret in another algorithm': () =>
      new SignJWT({ sub: VICTIM, iss: 'wechat-pay-functions' })
        .setProtectedHeader({ alg: 'HS512' })
        .setExpirationTime(Math.floor(Date.now() / 1000) + 3600)
        .sign(Buffer.from(shop.world.env.SESSION_SECRET)),
    'an expired one': () => forge({ claims: { exp: Math.floor(Date.now() / 1000) - 1 } }),
    'one that never expires': () => forge({ claims: { exp: undefined } }),
    'one that is not valid yet': () =>
      forge({ claims: { nbf: Math.floor(Date.now() / 1000) + 3600 } }),
    'one of another issuer': () => forge({ claims: { iss: 'somebody-else' } }),
    'one without a name': () => forge({ claims: { sub: undefined } }),
    'one with an unknown critical header': () =>
      forge({ header: { alg: 'HS256', crit: ['x'], x: 1 } }),
    'half of the merchant’s key': () => shop.merchantKey.slice(0, 20),
    'the merchant’s key and a letter': () => `${shop.merchantKey}x`,
    'a space': () => ' ',
    'an openid': () => VICTIM,
  }
  test.each(Object.entries(forgeries))('%s', async (_name, make) => {
    expect(
      await attempt('GET', `/api/query?outTradeNo=${victimsOrder}`, { token: await make() }),
    ).toEqual([401, 'not_signed_in'])
  })

  test.each(['Basic', 'bearer,', 'Token'])('the merchant’s key as %s', async (scheme) => {
    const headers = { authorization: `${scheme} ${shop.merchantKey}` }
    expect(await attempt('GET', '/api/orders', { headers })).toEqual([401, 'not_signed_in'])
  })

  test('somebody else’s good token finds no order to see, pay or close', async () => {
    const body = { outTradeNo: victimsOrder }
    expect(await attempt('GET', `/api/query?outTradeNo=${victimsOrder}`, { token })).toEqual([
      404,
      'order_not_found',
    ])
    expect(await attempt('POST', '/api/prepay', { token, body })).toEqual([404, 'order_not_found'])
    expect(await attempt('POST', '/api/close', { token, body })).toEqual([404, 'order_not_found'])
  })

  test('a payer’s token runs no cron and changes no price', async () => {
    expect(await attempt('GET', '/api/cron', { token })).toEqual([403, 'wrong_token'])
    expect(await attempt('PUT', '/api/products', { token, body: { products: [] } })).toEqual([
      403,
      'wrong_token',
    ])
  })
})

describe('a basket that is refused:', () => {
  const baskets: Record<string, unknown> = {
    'one with its own total': { items: [latte], totalFee: 1 },
    'one with its own price': { items: [{ ...latte, price: 1 }] },
    'one for somebody else': { items: [latte], openid: VICTIM },
    'one with its own order number': { items: [latte], outTradeNo: 'T20250102030405' },
    'none of something': { items: [{ sku: 'latte', quantity: 0 }] },
    'less than nothing of something': { items: [{ sku: 'latte', quantity: -1 }] },
    'half of something': { items: [{ sku: 'latte', quantity: 0.5 }] },
    'a quantity written as text': { items: [{ sku: 'latte', quantity: '1' }] },
    'more than a shop can hold': { items: [{ sku: 'latte', quantity: 1e9 }] },
    'the same thing twice': { items: [latte, latte] },
    'an empty one': { items: [] },
    'items that are no list': { items: { 0: latte, length: 1 } },
    'what nobody sells': { items: [{ sku: 'gold', quantity: 1 }] },
    'a sku with SQL in it': { items: [{ sku: "latte' or '1'='1", quantity: 1 }] },
  }
  test.each(Object.entries(baskets))('%s', async (_name, body) => {
    expect(await attempt('POST', '/api/orders', { token, body })).toEqual([400, 'invalid_request'])
  })

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'one with a field called %s',
    async (name) => {
      const headers = { 'content-type': 'application/json' }
      const body = `{"items":[{"sku":"latte","quantity":1}],"${name}":{"totalFee":1}}`
      expect(await attempt('POST', '/api/orders', { token, body, headers })).toEqual([
        400,
        'invalid_request',
      ])
      expect(Reflect.get({}, 'totalFee')).toBeUndefined()
    },
  )

  test.each(['__proto__', 'constructor'])('an item with a field called %s', async (name) => {
    const headers = { 'content-type': 'application/json' }
    const body = `{"items":[{"sku":"latte","quantity":1,"${name}":{"price":1}}]}`
    expect(await attempt('POST', '/api/orders', { token, body, headers })).toEqual([
      400,
      'invalid_request',
    ])
  })

  test('one of 5 MB', async () => {
    expect(
      await attempt('POST', '/api/orders', {
        token,
        body: { items: [latte], attach: 'x'.repeat(5_000_000) },
      }),
    ).toEqual([413, 'body_too_large'])
  })

  test('a hundred thousand brackets', async () => {
    const headers = { 'content-type': 'application/json' }
    expect(
      await attempt('POST', '/api/orders', { token, headers, body: '['.repeat(60_000) }),
    ).toEqual([400, 'invalid_request'])
  })
})

describe('text that stays text:', () => {
  const SQL = "';drop/**/table/**/orders;--"

  test('SQL in what an order carries is kept letter by letter', async () => {
    const { status, json } = await call('POST', '/api/orders', {
      token,
      headers: { 'idempotency-key': SQL },
      body: { items: [latte], attach: SQL },
    })
    expect([status, json['attach'], json['totalFee']]).toEqual([201, SQL, 2800])
  })

  test('SQL in a merchant’s description is kept letter by letter', async () => {
    const body = { openid: VICTIM, totalFee: 100, body: SQL }
    expect(
      (await call('POST', '/api/orders', { token: shop.merchantKey, body })).json['body'],
    ).toBe(SQL)
  })

  test('SQL in a nickname is kept letter by letter', async () => {
    const body = { code: shop.wechat.issueCode(), nickname: SQL, avatarUrl: SQL }
    expect((await call('POST', '/api/login', { body })).status).toBe(200)
    expect(
      await shop.sql('select count(*)::integer as users from users where nickname = $1', [SQL]),
    ).toEqual([{ users: 1 }])
  })

  const places = [
    'query?outTradeNo=',
    'query?transactionId=',
    'orders?cursor=',
    'orders?tradeState=',
    'orders?limit=',
  ]
  test.each(places)('SQL in %s is refused', async (place) => {
    expect(await attempt('GET', `/api/${place}${encodeURIComponent(SQL)}`, { token })).toEqual([
      400,
      'invalid_request',
    ])
  })

  test('SQL wrapped up as a cursor is refused', async () => {
    const cursor = Buffer.from('1 or 1=1').toString('base64url')
    expect(await attempt('GET', `/api/orders?cursor=${cursor}`, { token })).toEqual([
      400,
      'invalid_request',
    ])
  })

  test('XML in what an order carries changes no price at WeChat', async () => {
    const attach = '</attach><total_fee>1</total_fee><attach>'
    const { json } = await call('POST', '/api/orders', { token, body: { items: [latte], attach } })
    const outTradeNo = textOf(json, 'outTradeNo')
    await shop.prepay(token, outTradeNo)
    const order = shop.wechat.orders().find((known) => known.outTradeNo === outTradeNo)
    expect([order?.totalFee, order?.request['attach']]).toEqual([2800, attach])
  })

  test('the end of a CDATA section in what an order carries is refused: WeChat sends it back, and the order would be unreadable', async () => {
    const attach = ']]></attach><total_fee>1</total_fee><attach><![CDATA['
    expect(
      await attempt('POST', '/api/orders', { token, body: { items: [latte], attach } }),
    ).toEqual([400, 'invalid_request'])
  })

  test('the end of a CDATA section in a description does not reach WeChat, and changes no price there', async () => {
    const body = {
      openid: VICTIM,
      totalFee: 100,
      body: '茶]]></body><total_fee>1</total_fee><body><![CDATA[',
    }
    const { json } = await call('POST', '/api/orders', { token: shop.merchantKey, body })
    const outTradeNo = textOf(json, 'outTradeNo')
    await shop.prepay(shop.merchantKey, outTradeNo)
    const order = shop.wechat.orders().find((known) => known.outTradeNo === outTradeNo)
    expect([order?.totalFee, order?.request['body']]).toEqual([
      100,
      '茶]]</body><total_fee>1</total_fee><body><![CDATA[',
    ])
  })

  test('line breaks in what an order carries are refused', async () => {
    const body = { items: [latte], attach: 'a\r\nSet-Cookie: x=1' }
    expect(await attempt('POST', '/api/orders', { token, body })).toEqual([400, 'invalid_request'])
  })

  test('line breaks in a description reach neither WeChat nor a header', async () => {
    const body = { openid: VICTIM, totalFee: 100, body: 'a\r\nSet-Cookie: x=1' }
    const { headers, json } = await call('POST', '/api/orders', { token: shop.merchantKey, body })
    expect([json['body'], headers.get('set-cookie')]).toEqual(['aSet-Cookie: x=1', null])
    await shop.prepay(shop.merchantKey, textOf(json, 'outTradeNo'))
  })

  test.each(['two words', 'tab\there', 'é', 'x'.repeat(256)])(
    'the Idempotency-Key %j is refused',
    async (key) => {
      expect(
        await attempt('POST', '/api/orders', {
          token,
          headers: { 'idempotency-key': key },
          body: { items: [latte] },
        }),
      ).toEqual([400, 'invalid_request'])
    },
  )

  test('one payer’s Idempotency-Key never answers with another payer’s order', async () => {
    const headers = { 'idempotency-key': 'the-same-key' }
    const mine = await shop.placeOrder(token, headers)
    expect(await shop.placeOrder(await shop.logIn(VICTIM), headers)).not.toBe(mine)
  })
})
