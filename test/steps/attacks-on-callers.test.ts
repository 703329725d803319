/**
 * Every known attack, by name, on the functions that clients and the merchant call: tokens, prices,
 * fields and headers.
 */
import { createHmac } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { listenToLog, secretsIn } from './log-lines.ts'
import { openOrder } from '../support/attacked-shop.ts'
import { ledgerOf, UNTOUCHED } from '../stores/ledger-rows.ts'
import { openShop, textOf, type CallOptions, type Shop } from '../support/shop.ts'

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

async function call(method: string, path: string, ask: CallOptions = {}) {
  const answer = await shop.call(method, path, ask)
  answers.push(answer.text)
  return answer
}
const attempt = async (
  method: string,
  path: string,
  ask: CallOptions = {},
): Promise<[number, unknown]> => {
  const { status, json } = await call(method, path, ask)
  return [status, json['code'] ?? json['outTradeNo']]
}
const latte = { sku: 'latte', quantity: 1 }

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** A token for the victim like our own, except for the parts in `over`. */
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

describe('a token that is refused:', () => {
  test('the unchanged token is accepted', async () => {
    expect(
      await attempt('GET', `/api/query?outTradeNo=${victimsOrder}`, { token: forge() }),
    ).toEqual([200, victimsOrder])
  })

  const forgeries: Record<string, () => string | Promise<string>> = {
    'an invented token': () => 'eyJhbGciOiJIUzI1NiJ9.e30.AAAA',
    'the victim’s openid, signed with another secret': () =>
      forge({ secret: 'another-secret-that-is-long-enough-000' }),
    'the victim’s openid, signed with an empty secret': () => forge({ secret: '' }),
    'a valid token with the openid replaced by the victim’s': () =>
      `${token.split('.')[0]}.${forge().split('.')[1]}.${token.split('.')[2]}`,
    'the algorithm "none"': () => withoutSignature(forge({ header: { alg: 'none', typ: 'JWT' } })),
    'the algorithm "nOnE"': () => withoutSignature(forge({ header: { alg: 'nOnE' } })),
    'a valid token without its signature': () => withoutSignature(forge()),
    'the right secret with another algorithm': () =>
      new SignJWT({ sub: VICTIM, iss: 'wechat-pay-functions' })
        .setProtectedHeader({ alg: 'HS512' })
        .setExpirationTime(Math.floor(Date.now() / 1000) + 3600)
        .sign(Buffer.from(shop.world.env.SESSION_SECRET)),
    'an expired token': () => forge({ claims: { exp: Math.floor(Date.now() / 1000) - 1 } }),
    'a token without an expiry': () => forge({ claims: { exp: undefined } }),
    'a token that is not valid yet': () =>
      forge({ claims: { nbf: Math.floor(Date.now() / 1000) + 3600 } }),
    'a token of another issuer': () => forge({ claims: { iss: 'another-issuer' } }),
    'a token without an openid': () => forge({ claims: { sub: undefined } }),
    'a token with an unknown critical header': () =>
      forge({ header: { alg: 'HS256', crit: ['x'], x: 1 } }),
    'half of the merchant’s key': () => shop.merchantKey.slice(0, 20),
    'the merchant’s key with one more letter': () => `${shop.merchantKey}x`,
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

  test('another user’s valid token cannot query, pay or close the order', async () => {
    const body = { outTradeNo: victimsOrder }
    expect(await attempt('GET', `/api/query?outTradeNo=${victimsOrder}`, { token })).toEqual([
      404,
      'order_not_found',
    ])
    expect(await attempt('POST', '/api/prepay', { token, body })).toEqual([404, 'order_not_found'])
    expect(await attempt('POST', '/api/close', { token, body })).toEqual([404, 'order_not_found'])
  })

  test('the victim’s openid in another app is another user, who must log in again to order', async () => {
    const stranger = forge({ claims: { appid: 'wx00000000demo0002' } })
    const body = { outTradeNo: victimsOrder }
    const notFound = [404, 'order_not_found']
    expect(
      await attempt('GET', `/api/query?outTradeNo=${victimsOrder}`, { token: stranger }),
    ).toEqual(notFound)
    expect(await attempt('POST', '/api/prepay', { token: stranger, body })).toEqual(notFound)
    expect(await attempt('POST', '/api/close', { token: stranger, body })).toEqual(notFound)
    expect((await call('GET', '/api/orders', { token: stranger })).json).toEqual({ orders: [] })
    const headers = { 'idempotency-key': 'basket' }
    const basket = { headers, body: { items: [latte] } }
    expect(await attempt('POST', '/api/orders', { token: stranger, ...basket })).toEqual([
      401,
      'not_signed_in',
    ])
    const orders = async () => (await call('GET', '/api/orders', { token: forge() })).json
    expect(await orders()).toMatchObject({ orders: [{ outTradeNo: victimsOrder }] })
  })

  test('a payer’s token cannot run cron or change a price', async () => {
    expect(await attempt('GET', '/api/cron', { token })).toEqual([403, 'wrong_token'])
    expect(await attempt('PUT', '/api/products', { token, body: { products: [] } })).toEqual([
      403,
      'wrong_token',
    ])
  })
})

describe('a basket that is refused has', () => {
  const baskets: Record<string, unknown> = {
    'its own total': { items: [latte], totalFee: 1 },
    'its own price': { items: [{ ...latte, price: 1 }] },
    'another user as payer': { items: [latte], openid: VICTIM },
    'its own order number': { items: [latte], outTradeNo: 'T20250102030405' },
    'a quantity of zero': { items: [{ sku: 'latte', quantity: 0 }] },
    'a negative quantity': { items: [{ sku: 'latte', quantity: -1 }] },
    'a fractional quantity': { items: [{ sku: 'latte', quantity: 0.5 }] },
    'a quantity written as text': { items: [{ sku: 'latte', quantity: '1' }] },
    'a quantity above the maximum': { items: [{ sku: 'latte', quantity: 1e9 }] },
    'the same product twice': { items: [latte, latte] },
    'no items': { items: [] },
    'items that are not a list': { items: { 0: latte, length: 1 } },
    'an unknown product': { items: [{ sku: 'gold', quantity: 1 }] },
    'a sku with SQL in it': { items: [{ sku: "latte' or '1'='1", quantity: 1 }] },
  }
  test.each(Object.entries(baskets))('%s', async (_name, body) => {
    expect(await attempt('POST', '/api/orders', { token, body })).toEqual([400, 'invalid_request'])
  })

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'a field called %s',
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

  test('a size of 5 MB', async () => {
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

describe('text is stored as text and never executed:', () => {
  const SQL = "';drop/**/table/**/orders;--"

  test('SQL in the attach of an order is stored unchanged', async () => {
    const { status, json } = await call('POST', '/api/orders', {
      token,
      headers: { 'idempotency-key': SQL },
      body: { items: [latte], attach: SQL },
    })
    expect([status, json['attach'], json['totalFee']]).toEqual([201, SQL, 2800])
  })

  test('SQL in a merchant’s description is stored unchanged', async () => {
    const body = { openid: VICTIM, totalFee: 100, body: SQL }
    expect(
      (await call('POST', '/api/orders', { token: shop.merchantKey, body })).json['body'],
    ).toBe(SQL)
  })

  test('SQL in a nickname is stored unchanged', async () => {
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

  test('SQL encoded as a cursor is refused', async () => {
    const cursor = Buffer.from('1 or 1=1').toString('base64url')
    expect(await attempt('GET', `/api/orders?cursor=${cursor}`, { token })).toEqual([
      400,
      'invalid_request',
    ])
  })

  test('XML in the attach of an order does not change the price at WeChat', async () => {
    const attach = '</attach><total_fee>1</total_fee><attach>'
    const { json } = await call('POST', '/api/orders', { token, body: { items: [latte], attach } })
    const outTradeNo = textOf(json, 'outTradeNo')
    await shop.prepay(token, outTradeNo)
    const order = shop.wechat.orders().find((known) => known.outTradeNo === outTradeNo)
    expect([order?.totalFee, order?.request['attach']]).toEqual([2800, attach])
  })

  test('the end of a CDATA section in attach is refused, because WeChat would return unreadable XML', async () => {
    const attach = ']]></attach><total_fee>1</total_fee><attach><![CDATA['
    expect(
      await attempt('POST', '/api/orders', { token, body: { items: [latte], attach } }),
    ).toEqual([400, 'invalid_request'])
  })

  test('the end of a CDATA section in a description does not reach WeChat and changes no price there', async () => {
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

  test('line breaks in attach are refused', async () => {
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
