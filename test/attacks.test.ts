/**
 * The known attacks on the notify function, by name, over HTTP. The attacks on the form of one
 * protocol are in `attacks.v2.test.ts` and `attacks.v3.test.ts`, those on other functions in
 * `steps/attacks-on-callers.test.ts`.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { ledgerOf, UNTOUCHED } from './stores/ledger-rows.ts'
import { openAttackedShop, openOrder } from './support/attacked-shop.ts'
import type { Message, PaymentFacts } from './support/messages/message.ts'
import {
  newTransactionId,
  paymentMessage,
  REFUSED,
  sentMessage,
  TAKEN,
  TOO_LARGE,
  transactionOf,
  withSignatureOf,
} from './support/messages/messages.ts'
import { inProtocol } from './support/mode.ts'

const target = openAttackedShop()

const genuine = (changes: Partial<PaymentFacts> = {}) =>
  paymentMessage(target().shop, target().outTradeNo, changes)
/** The content of a notification with these changes, under the signature of the genuine one. */
const changed = (changes: Partial<PaymentFacts>) =>
  withSignatureOf(genuine({ transactionId: '4200009999202501020000000001' }), genuine(changes))
/** Another body under the headers of the genuine notification. */
const withBody = (change: (body: string) => string): Message => {
  const { headers, body } = genuine()
  return { headers, body: change(String(body)) }
}

const forgeries: Record<string, () => Message> = {
  'without a signature': () => paymentMessage(target().shop, target().outTradeNo, {}, 'unsigned'),
  'signed with another key': () =>
    paymentMessage(target().shop, target().outTradeNo, {}, 'a forger'),
  'with its amount changed': () => changed({ totalFee: 1 }),
  'with its order changed': () => {
    const { shop, outTradeNo } = target()
    return withSignatureOf(paymentMessage(shop, 'T20250102000000'), genuine({ outTradeNo }))
  },
  'with its payment number changed': () => changed({ transactionId: newTransactionId() }),
  'with an added field': () => changed({ attach: 'vip' }),
  'with a missing field': () => changed({ bankType: null }),
  'cut in half': () => withBody((body) => body.slice(0, body.length / 2)),
  'written twice': () => withBody((body) => body + body),
  'with a NUL': () => withBody((body) => body.replace('o', '\0')),
  'without a body': () => withBody(() => ''),
  'of white space': () => withBody(() => ' \n '),
  'of HTML': () => withBody(() => '<!DOCTYPE html><html><body>502 Bad Gateway</body></html>'),
  'for another Mini Program, validly signed': () => genuine({ appid: 'wx00000000other001' }),
  'for another merchant, validly signed': () => genuine({ mchId: '1900009999' }),
  'without an appid, validly signed': () => genuine({ appid: null }),
  'without a payment number, validly signed': () => genuine({ transactionId: null }),
  'with an empty payment number, validly signed': () => genuine({ transactionId: '' }),
  'without an order number, validly signed': () => genuine({ outTradeNo: null }),
  'with an amount in yuan, validly signed': () => genuine({ totalFee: '28.00' }),
  'with a part of a fen, validly signed': () => genuine({ totalFee: 2800.5 }),
  'with a negative amount, validly signed': () => genuine({ totalFee: -2800 }),
  'with a padded amount, validly signed': () => genuine({ totalFee: ' 2800' }),
  'with an exponent in its amount, validly signed': () => genuine({ totalFee: '28e2' }),
  'with a leading zero in its amount, validly signed': () => genuine({ totalFee: '02800' }),
  'without a payer, validly signed': () => genuine({ payer: null }),
  'with a day that does not exist, validly signed': () =>
    genuine({
      paidAt: inProtocol({ v2: '20250230030405', v3: '2025-02-30T03:04:05+08:00' }),
    }),
  'without a time, validly signed': () => genuine({ paidAt: '' }),
}

const tooLarge: Record<string, () => Message> = {
  'of 5 MB': () => genuine({ attach: 'x'.repeat(5_000_000) }),
  'of 64 KiB and one byte': () => withBody((body) => body.padEnd(65_537)),
}

describe('refused, and the order is not changed:', () => {
  test.each(Object.entries(forgeries))('a notification %s', (_, make) =>
    target().expectRefused(make()),
  )

  test.each(Object.entries(tooLarge))('a notification %s', (_, make) =>
    target().expectRefused(make(), TOO_LARGE),
  )

  test('a notification that never ends', async () => {
    const { headers } = genuine()
    const url = `${target().shop.world.url}/api/notify`
    const endless = request(url, { method: 'POST', headers })
    endless.write('x'.repeat(65_537))
    const [answer]: unknown[] = await once(endless, 'response')
    expect(answer).toMatchObject({ statusCode: 413 })
    endless.destroy()
  })

  test('a notification sent with GET', async () => {
    const { shop } = target()
    const query = 'signature=0&timestamp=1735758302&nonce=1&echostr=echoed'
    for (const path of ['/api/notify', `/api/notify?${query}`])
      expect((await shop.call('GET', path)).text).not.toMatch(/SUCCESS|echoed/)
  })
})

describe('validly signed and yet refused:', () => {
  const expectIncident = async (kind: string, notification: Message, no: string) => {
    const { shop, notify } = target()
    const before = await ledgerOf(shop, no)
    const eventsBefore = Array.isArray(before['events']) ? before['events'] : []
    for (let copy = 0; copy < 3; copy += 1) expect(await notify(notification)).toEqual(REFUSED)
    await shop.world.settled()
    expect(await ledgerOf(shop, no)).toEqual({
      ...before,
      incidents: [kind],
      events: [...eventsBefore, 'payment.incident'],
    })
  }
  const paidOrder = async () => {
    const { shop } = target()
    const { token, outTradeNo: no } = await openOrder(shop)
    await shop.pay(token, no)
    await shop.deliverNotifications()
    return no
  }

  test('a notification of a smaller amount, which is one incident however often it arrives', async () => {
    const { shop } = target()
    const { outTradeNo: no } = await openOrder(shop)
    await expectIncident('amount', paymentMessage(shop, no, { totalFee: 1, cashFee: 1 }), no)
  })

  test('a notification of the same amount in another currency', async () => {
    const { shop } = target()
    const { outTradeNo: no } = await openOrder(shop)
    await expectIncident('currency', paymentMessage(shop, no, { feeType: 'VND' }), no)
  })

  test('a payment by another payer', async () => {
    const { shop } = target()
    const { outTradeNo: no } = await openOrder(shop)
    await expectIncident(
      'payer',
      paymentMessage(shop, no, { payer: 'oSomebodyElse000000000000001' }),
      no,
    )
  })

  test('a second payment of a paid order', async () => {
    const { shop } = target()
    const no = await paidOrder()
    await expectIncident('transaction', paymentMessage(shop, no), no)
  })

  test('the payment of one order for another order', async () => {
    const { shop } = target()
    const paid = await paidOrder()
    const { outTradeNo: no } = await openOrder(shop)
    await expectIncident(
      'transaction',
      paymentMessage(shop, no, { transactionId: transactionOf(shop, paid) }),
      no,
    )
  })

  test('a notification for an unknown order', () =>
    expectIncident('order', paymentMessage(target().shop, 'T20250102999999'), 'T20250102999999'))

  test('a notification for an order number that contains SQL', () =>
    expectIncident(
      'order',
      paymentMessage(target().shop, "x'; drop table orders"),
      "x'; drop table orders",
    ))

  test('notifications for very long order numbers, each an incident with the start of its number', async () => {
    const { shop, notify } = target()
    const [first, second] = ['a', 'b'].map(
      (end) =>
        randomBytes(20_000)
          .toString('hex')
          .replace(/^.{64}/, 'f'.repeat(64)) + end,
    )
    for (const number of [first, second, first])
      expect(
        await notify(
          paymentMessage(shop, number ?? '', {
            transactionId: '4200009999202501020000000001',
          }),
        ),
      ).toEqual(REFUSED)
    await shop.world.settled()
    expect(await ledgerOf(shop, 'f'.repeat(64))).toMatchObject({
      incidents: ['order', 'order'],
      events: ['payment.incident', 'payment.incident'],
    })
  })

  test('the genuine notification of one order, with the number of another', async () => {
    const { shop, notify } = target()
    const paid = await paidOrder()
    const { outTradeNo: no } = await openOrder(shop)
    const renamed = paymentMessage(shop, no, { transactionId: transactionOf(shop, paid) })
    expect(await notify(withSignatureOf(sentMessage(shop, paid), renamed))).toEqual(REFUSED)
    expect(await ledgerOf(shop, no)).toMatchObject(UNTOUCHED)
  })

  test('a genuine notification that is replayed while another order is unpaid', async () => {
    const { shop, notify } = target()
    const paid = await paidOrder()
    const { outTradeNo: no } = await openOrder(shop)
    const before = await ledgerOf(shop, paid)
    shop.advance(3_600_000)
    expect(await notify(sentMessage(shop, paid))).toEqual(TAKEN)
    expect(await ledgerOf(shop, paid)).toEqual(before)
    expect(await ledgerOf(shop, no)).toMatchObject(UNTOUCHED)
  })

  test('a failed payment, which is acknowledged and pays nothing', async () => {
    const { shop, outTradeNo, notify } = target()
    expect(await notify(genuine({ isPaid: false }))).toEqual(TAKEN)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(UNTOUCHED)
  })
})
