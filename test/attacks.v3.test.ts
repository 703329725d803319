/** The known attacks on notifications of APIv3: on its headers, its encryption and its JSON. */
import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ledgerOf, UNTOUCHED } from './stores/ledger-rows.ts'
import { openAttackedShop, openOrder } from './support/attacked-shop.ts'
import type { Message } from './support/messages/message.ts'
import { paymentFacts, REFUSED, TAKEN } from './support/messages/messages.ts'
import { v2 } from './support/messages/v2.ts'
import {
  paymentEvent,
  serialOf,
  signBody,
  writeBody,
  writeEvent,
  type Event,
  type Writing,
} from './support/messages/v3.ts'

const target = openAttackedShop()

const event = () => paymentEvent(paymentFacts(target().shop, target().outTradeNo))
const genuine = (writing: Writing = {}, changes: Partial<Event> = {}) =>
  writeEvent(target().shop, { ...event(), ...changes }, writing)
const secondsFromNow = (seconds: number) => new Date(Date.now() + seconds * 1000)
const withHeader = (name: string, value: string): Message => {
  const { headers, body } = genuine()
  return { body, headers: { ...headers, [name]: value } }
}
const withoutHeader = (name: string): Message => {
  const { headers, body } = genuine()
  return { body, headers: Object.fromEntries(Object.entries(headers).filter(([n]) => n !== name)) }
}
/** Another body, signed by WeChat. */
const signed = (change: (body: string) => string | Uint8Array) =>
  signBody(target().shop, change(writeBody(event())))
const plain = (change: (text: string) => string) =>
  genuine({}, { plain: change(JSON.stringify(event().plain)) })
/** A signature that only needs what a message shows. */
const hmacOf = (text: string) => createHmac('sha256', serialOf(target().shop)).update(text)

const forgeries: Record<string, () => Message> = {
  'without a serial number': () => withoutHeader('Wechatpay-Serial'),
  'without a timestamp': () => withoutHeader('Wechatpay-Timestamp'),
  'without a nonce': () => withoutHeader('Wechatpay-Nonce'),
  'with an empty signature': () => withHeader('Wechatpay-Signature', ''),
  'with a signature that is not Base64': () => withHeader('Wechatpay-Signature', '<>'),
  'with a signature probe': () =>
    withHeader('Wechatpay-Signature', `WECHATPAY/SIGNTEST/${'A'.repeat(300)}`),
  'with an HMAC as its signature': () =>
    withHeader('Wechatpay-Signature', hmacOf(writeBody(event())).digest('base64')),
  'with another algorithm': () => withHeader('Wechatpay-Signature-Type', 'none'),
  'with the serial number of an unknown key': () =>
    withHeader('Wechatpay-Serial', 'PUB_KEY_ID_0119000001090000000000000000009999'),
  'with a serial number that names a property': () => withHeader('Wechatpay-Serial', '__proto__'),
  'with another nonce': () => withHeader('Wechatpay-Nonce', 'another'),
  'with another timestamp': () =>
    withHeader('Wechatpay-Timestamp', String(Math.floor(Date.now() / 1000) - 1)),
  'with a timestamp that is not a number': () => withHeader('Wechatpay-Timestamp', 'now'),
  'signed six minutes ago': () => genuine({ at: secondsFromNow(-360) }),
  'signed six minutes ahead': () => genuine({ at: secondsFromNow(360) }),
  'encrypted with another key, validly signed': () =>
    genuine({ apiKey: 'AnotherV3ApiKey00000000000000001' }),
  'with other associated data, validly signed': () =>
    signed((body) => body.replace('"associated_data":"transaction"', '"associated_data":""')),
  'with a changed cipher text, validly signed': () =>
    signed((body) => body.replace(/(?<="ciphertext":".)./, (one) => (one === 'A' ? 'B' : 'A'))),
  'with a cipher text shorter than its tag, validly signed': () =>
    signed((body) => body.replace(/(?<="ciphertext":")[^"]*/, 'AAAA')),
  'without a resource, validly signed': () =>
    signed((body) => body.replace('"resource":', '"other":')),
  'with its content beside the resource, validly signed': () =>
    signed((body) =>
      JSON.stringify({ ...JSON.parse(body), resource: undefined, ...Object(event().plain) }),
    ),
  'with a refund as a payment, validly signed': () => genuine({}, { originalType: 'refund' }),
  'with __proto__ in place of its payment number, validly signed': () =>
    plain((text) => text.replace('"transaction_id"', '"__proto__"')),
  'with an array as its payment number, validly signed': () =>
    plain((text) => text.replace(/"transaction_id":("\d+")/, '"transaction_id":[$1]')),
  'with an amount as text, validly signed': () =>
    plain((text) => text.replace('"total":2800', '"total":"2800"')),
  'with a list as its content, validly signed': () => plain((text) => `[${text}]`),
  'with null as its content, validly signed': () => plain(() => 'null'),
  'that is not JSON, validly signed': () => signed(() => '<xml></xml>'),
  'nested very deeply, validly signed': () => signed(() => '['.repeat(60_000)),
  'with a byte that is not UTF-8, validly signed': () =>
    signed((body) => Buffer.concat([Buffer.from(body), Buffer.from([0xff])])),
}

describe('refused, and the order is not changed:', () => {
  test.each(Object.entries(forgeries))('a notification %s', (_, make) =>
    target().expectRefused(make()),
  )

  test('all of them without changing a prototype', () => {
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(Reflect.get({}, 'total')).toBeUndefined()
  })
})

describe('a notification of v2 for an order of APIv3, validly signed,', () => {
  const ofV2 = (no: string) => v2.payment(target().shop, paymentFacts(target().shop, no), 'WeChat')

  test('pays no order that WeChat calls unpaid', async () => {
    const { shop, notify } = target()
    const { outTradeNo } = await openOrder(shop)
    expect(await notify(ofV2(outTradeNo))).toEqual({ status: 200, code: 'FAIL' })
    await shop.world.settled()
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
      ...UNTOUCHED,
      incidents: ['unconfirmed'],
      events: ['payment.incident'],
    })
  })
})

test('a notification of an unknown kind is acknowledged and pays nothing', async () => {
  const { notify, shop, outTradeNo } = target()
  expect(await notify(genuine({}, { eventType: 'COUPON.USE' }))).toEqual(TAKEN)
  expect(await ledgerOf(shop, outTradeNo)).toMatchObject(UNTOUCHED)
})

test('an echo that doctor asks for pays nothing, whatever it contains', async () => {
  const { notify, shop, outTradeNo } = target()
  const echo = { eventType: 'SECURITY_ECHO.SUCCESS', originalType: 'security' }
  expect(await notify(genuine({}, echo))).toEqual(TAKEN)
  expect(await notify(genuine({}, { eventType: 'SECURITY_ECHO.SUCCESS' }))).toEqual(REFUSED)
  expect(await ledgerOf(shop, outTradeNo)).toMatchObject(UNTOUCHED)
})
