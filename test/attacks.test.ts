/**
 * Every known attack on the notify function, by name, over HTTP. The attacks on other functions are
 * in `steps/attacks-on-callers.test.ts`.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { sign, verify } from '../lib/wechat/v2/sign.ts'
import { writeXml } from '../lib/wechat/v2/xml.ts'
import { listenToLog, secretsIn } from './steps/log-lines.ts'
import {
  genuineNotification,
  newTransactionId,
  notificationFields,
  openOrder,
  sentNotification,
  transactionOf,
  writeNotification,
} from './steps/notifications.ts'
import { ledgerOf, UNTOUCHED } from './stores/ledger-rows.ts'
import { openShop, type Shop } from './support/shop.ts'

let shop: Shop
let outTradeNo: string
let log: string[]
let answers: string[]

beforeAll(async () => {
  shop = await openShop()
  ;({ outTradeNo } = await openOrder(shop))
  log = listenToLog()
  answers = []
})
afterAll(() => shop.close())

/** An attack must be refused without causing a bug, which would be logged under this name. */
afterEach(() => {
  expect(log.filter((line) => line.includes('"bug"'))).toEqual([])
  expect(secretsIn(shop, [...log, ...answers].join('\n'))).toEqual([])
})

async function notify(body: string | Uint8Array): Promise<{ status: number; code: string }> {
  const { status, code, text } = await shop.notify(body)
  answers.push(text)
  return { status, code }
}
const FAIL = { status: 200, code: 'FAIL' }

const key = () => shop.world.env.WECHAT_PAY_KEY
const genuine = (changes: Record<string, string> = {}) =>
  genuineNotification(shop, outTradeNo, changes)
const unsigned = (changes: Record<string, string> = {}) =>
  notificationFields(shop, outTradeNo, changes)
const withSign = (value: string) => writeXml(new Map([...unsigned(), ['sign', value]]))
/** Changes the text of a message that has a valid signature. */
const rewritten = (from: string | RegExp, to: string) => {
  const text = genuine()
  const changed = text.replace(from, to)
  if (changed === text) throw new Error(`${String(from)} is not in the notification`)
  return changed
}
const bytesOf = (...parts: (string | number)[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))),
  )
const BOMB = `<!DOCTYPE xml [<!ENTITY a "ha">${'bcdefghi'.replace(/./g, (name, at: number) => `<!ENTITY ${name} "${`&${'abcdefgh'[at]};`.repeat(10)}">`)}]>`

const forgeries: Record<string, () => string | Uint8Array> = {
  'without a signature': () => writeXml(unsigned()),
  'with an empty signature': () => withSign(''),
  'with an invented signature': () => withSign('A'.repeat(64)),
  'with an invented MD5 signature': () => withSign('A'.repeat(32)),
  'with half of the valid signature': () =>
    withSign(sign(unsigned(), key(), 'HMAC-SHA256').slice(0, 32)),
  'signed with another key': () =>
    writeNotification(unsigned(), 'AnotherMerchantsKey0000000000001'),
  'signed with the key of the vendor’s published example': () =>
    writeNotification(unsigned(), '192006250b4c09247ec02edce69f6a2d'),
  'signed with an empty key': () => writeNotification(unsigned(), ''),
  'signed again with MD5 and another key': () =>
    writeNotification(unsigned({ sign_type: 'MD5' }), 'AnotherMerchantsKey0000000000001', 'MD5'),
  'signed again with MD5 and an empty key': () =>
    writeNotification(unsigned({ sign_type: 'MD5' }), '', 'MD5'),
  'with its amount changed': () =>
    rewritten(/<total_fee>.*?<\/total_fee>/, '<total_fee>1</total_fee>'),
  'with its order changed': () =>
    genuineNotification(shop, 'T20250102000000').replace('T20250102000000', outTradeNo),
  'with its payment number changed': () => rewritten(/\[4200\d{24}\]/, `[${newTransactionId()}]`),
  'with an added field': () => rewritten('<appid>', '<attach>vip</attach><appid>'),
  'with a missing field': () => rewritten(/<is_subscribe>.*<\/is_subscribe>/, ''),
  'that says FAIL and is not signed': () => writeXml(new Map([['return_code', 'FAIL']])),
  'cut in half': () => genuine().slice(0, 300),
  'written twice, with two roots': () => genuine() + genuine(),
  'with its amount written twice': () => rewritten('<appid>', '<total_fee>2800</total_fee><appid>'),
  'of 5 MB': () => genuine({ attach: 'x'.repeat(5_000_000) }),
  'of 64 KiB and one byte': () =>
    genuine({ attach: 'x'.repeat(65_537 - Buffer.byteLength(genuine({ attach: '-' })) + 1) }),
  'with an entity bomb': () => BOMB + rewritten('<appid>', '<attach>&i;</attach><appid>'),
  'with an external entity': () =>
    `<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]>${genuine().replace('[OK]', '[&x;]')}`,
  'with a parameter entity': () =>
    `<!DOCTYPE xml [<!ENTITY % x SYSTEM "http://127.0.0.1/x.dtd"> %x;]>${genuine()}`,
  'with an undeclared entity': () => rewritten('<appid>', '<attach>&x;</attach><appid>'),
  'with a doctype': () => `<!DOCTYPE xml>${genuine()}`,
  'with a doctype in lower case': () => `<!doctype xml SYSTEM "x.dtd">${genuine()}`,
  'with a doctype in mixed case': () => `<?xml version="1.0"?>\n<!DocType xml>${genuine()}`,
  'with a space in its doctype': () => `<! DOCTYPE xml>${genuine()}`,
  'with a doctype inside': () => rewritten('<appid>', '<!DOCTYPE xml><appid>'),
  'with an entity declaration inside': () => rewritten('<appid>', '<!ENTITY x "1"><appid>'),
  'with a doctype after the message': () => `${genuine()}<!DOCTYPE xml>`,
  'with a __proto__ field': () =>
    writeNotification(new Map([...unsigned(), ['__proto__', 'SUCCESS']]), key()),
  'with a constructor field that is not signed': () =>
    rewritten('<appid>', '<constructor>x</constructor><appid>'),
  'with a toString field that is not signed': () =>
    rewritten('<appid>', '<toString>x</toString><appid>'),
  'with a field inside a field': () =>
    rewritten('[2800]]></total_fee>', '[2800]]><a>1</a></total_fee>'),
  'inside another element': () => `<a>${genuine()}</a>`,
  'inside itself': () => `<xml>${genuine()}</xml>`,
  'with an attribute': () => rewritten('<total_fee>', '<total_fee currency="USD">'),
  'with an attribute on its root': () => rewritten('<xml>', '<xml xmlns="urn:x">'),
  'with a comment inside its amount': () =>
    rewritten(/<total_fee>.*?<\/total_fee>/, '<total_fee>28<!-- -->00</total_fee>'),
  'with a comment between its fields': () => rewritten('<appid>', '<!-- --><appid>'),
  'with an instruction inside': () => rewritten('<appid>', '<?php x ?><appid>'),
  'with a prefix on its amount': () => rewritten(/<(\/?)total_fee>/g, '<$1w:total_fee>'),
  'with text between its fields': () => rewritten('<appid>', 'hello<appid>'),
  'in UTF-16': () => Buffer.from(`\ufeff${genuine()}`, 'utf16le'),
  'with a byte that is not UTF-8': () =>
    bytesOf(genuine().slice(0, 100), 0xff, genuine().slice(100)),
  'with an overlong slash': () =>
    bytesOf('<xml><attach>', 0xc0, 0xaf, '</attach>', genuine().slice(5)),
  'with a NUL': () => rewritten('[OK]', '[O\0K]'),
  'without a body': () => '',
  'of white space': () => ' \n ',
  'in JSON': () => JSON.stringify(Object.fromEntries(unsigned())),
  'as a form': () => new URLSearchParams([...unsigned()]).toString(),
  'of HTML': () => '<!DOCTYPE html><html><body>502 Bad Gateway</body></html>',
  'for another Mini Program, validly signed': () => genuine({ appid: 'wx00000000other001' }),
  'for another merchant, validly signed': () => genuine({ mch_id: '1900009999' }),
  'without an appid, validly signed': () => genuine({ appid: '' }),
  'without a nonce, validly signed': () => genuine({ nonce_str: '' }),
  'without return_code, validly signed': () => genuine({ return_code: '' }),
  'without a payment number, validly signed': () => genuine({ transaction_id: '' }),
  'without an order number, validly signed': () => genuine({ out_trade_no: '' }),
  'with an amount in yuan, validly signed': () => genuine({ total_fee: '28.00' }),
  'with a padded amount, validly signed': () => genuine({ total_fee: ' 2800' }),
  'with an exponent in its amount, validly signed': () => genuine({ total_fee: '28e2' }),
  'with a leading zero in its amount, validly signed': () => genuine({ total_fee: '02800' }),
  'without a payer, validly signed': () => genuine({ openid: '' }),
  'with a field hidden in a value, validly signed': () =>
    genuine({ device_info: 'WEB&product_id=1' }),
  'with a day that does not exist, validly signed': () => genuine({ time_end: '20250230030405' }),
}

describe('refused, and the order is not changed:', () => {
  test.each(Object.entries(forgeries))('a notification %s', async (name, make) => {
    expect(await notify(make())).toEqual(
      /5 MB|64 KiB/.test(name) ? { status: 413, code: 'FAIL' } : FAIL,
    )
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(UNTOUCHED)
  })

  test('a notification that never ends', async () => {
    const endless = request(`${shop.world.url}/api/notify`, { method: 'POST' })
    endless.write('<xml>'.padEnd(65_537, 'x'))
    const [answer]: unknown[] = await once(endless, 'response')
    expect(answer).toMatchObject({ statusCode: 413 })
    endless.destroy()
  })

  test('a notification sent with GET', async () => {
    const answer = await shop.call('GET', '/api/notify')
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
  })

  test('all of them without changing a prototype', () => {
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(Reflect.get({}, 'total_fee')).toBeUndefined()
  })
})

/**
 * Parameter injection. Another product of the merchant signs a text of the attacker with the same
 * key. The attacker writes the fields of a notification into that text and divides the signed text
 * into other fields. The rest of the text goes into an invented last field, or stays a field.
 */
describe.each(['MD5', 'HMAC-SHA256'] as const)(
  'a signed text of another product, divided into the fields of a notification (%s):',
  (type) => {
    /**
     * Opens an order of the attacker, and returns the fields of a notification that reports it as
     * paid.
     */
    const openAndFacts = async () => {
      const { outTradeNo: no } = await openOrder(shop)
      const fields: [string, string][] = [...notificationFields(shop, no)]
      const facts = fields
        .filter(([name]) => !['appid', 'return_msg'].includes(name))
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
      return { no, facts }
    }
    const joined = (entries: readonly (readonly [string, string])[]) =>
      entries.map((entry) => entry.join('=')).join('&')
    const recut = (signed: [string, string][], fields: [string, string][]) => {
      const forged = new Map([...fields, ['sign', sign(new Map(signed), key(), type)]])
      expect(verify(forged, key())).toBe(type)
      return writeXml(forged)
    }
    const appid = (): [string, string] => ['appid', shop.world.env.WECHAT_APPID]
    const expectRefused = async (message: string, no: string, incidents: string[]) => {
      expect(await notify(message)).toEqual(FAIL)
      await shop.world.settled()
      expect(await ledgerOf(shop, no)).toMatchObject({
        ...UNTOUCHED,
        incidents,
        events: incidents.map(() => 'payment.incident'),
      })
      expect(shop.wechat.orders().find((order) => order.outTradeNo === no)).toMatchObject({
        payment: null,
      })
    }

    test('a contract, with the rest of its text hidden in the last field', async () => {
      const { no, facts } = await openAndFacts()
      const tail: [string, string][] = [
        ['mch_id', shop.world.env.WECHAT_MCH_ID],
        ['notify_url', 'https://shop.example/contract'],
        ['plan_id', '12535'],
        ['timestamp', '1735758301'],
        ['version', '1.0'],
      ]
      const head: [string, string][] = [appid(), ['contract_code', '100005698']]
      // The account can contain only fields that sort after it.
      const written = facts.filter(([name]) => name > 'contract_display_account')
      const signed: [string, string][] = [
        ...head,
        ['contract_display_account', `x&${joined(written)}&z=z`],
        ...tail,
      ]
      const forged: [string, string][] = [
        ...head,
        ['contract_display_account', 'x'],
        ...written,
        ['z', `z&${joined(tail)}`],
      ]
      await expectRefused(recut(signed, forged), no, [])
    })

    test('a native QR code, with the start of its text hidden in attach', async () => {
      const { no, facts } = await openAndFacts()
      const attached: [string, string] = ['attach', 'a']
      const between: [string, string][] = [['mch_id', shop.world.env.WECHAT_MCH_ID]]
      const productId = `x&${joined(facts)}`
      const signed: [string, string][] = [appid(), attached, ...between, ['product_id', productId]]
      const forged: [string, string][] = [
        appid(),
        ['attach', `a&${joined(between)}&product_id=x`],
        ...facts,
      ]
      await expectRefused(recut(signed, forged), no, ['unconfirmed'])
    })

    test('a text that is signed last, so that no rest has to be hidden', async () => {
      const { no, facts } = await openAndFacts()
      const text = `x&${joined(facts)}`
      const forged: [string, string][] = [appid(), ['b', 'x'], ...facts]
      await expectRefused(recut([appid(), ['b', text]], forged), no, ['unconfirmed'])
    })
  },
)

describe('validly signed and yet refused:', () => {
  const expectIncident = async (kind: string, notification: string, no: string) => {
    const before = await ledgerOf(shop, no)
    const eventsBefore = Array.isArray(before['events']) ? before['events'] : []
    for (let copy = 0; copy < 3; copy += 1) expect(await notify(notification)).toEqual(FAIL)
    await shop.world.settled()
    expect(await ledgerOf(shop, no)).toEqual({
      ...before,
      incidents: [kind],
      events: [...eventsBefore, 'payment.incident'],
    })
  }
  const paidOrder = async () => {
    const { token, outTradeNo: no } = await openOrder(shop)
    await shop.pay(token, no)
    await shop.deliverNotifications()
    return no
  }

  test('a notification of a smaller amount, which is one incident however often it arrives', async () => {
    const { outTradeNo: no } = await openOrder(shop)
    await expectIncident(
      'amount',
      genuineNotification(shop, no, { total_fee: '1', cash_fee: '1' }),
      no,
    )
  })

  test('a notification of the same amount in another currency', async () => {
    const { outTradeNo: no } = await openOrder(shop)
    await expectIncident('currency', genuineNotification(shop, no, { fee_type: 'VND' }), no)
  })

  test('a payment by another payer', async () => {
    const { outTradeNo: no } = await openOrder(shop)
    await expectIncident(
      'payer',
      genuineNotification(shop, no, { openid: 'oSomebodyElse000000000000001' }),
      no,
    )
  })

  test('a second payment of a paid order', async () => {
    const no = await paidOrder()
    await expectIncident('transaction', genuineNotification(shop, no), no)
  })

  test('the payment of one order for another order', async () => {
    const paid = await paidOrder()
    const { outTradeNo: no } = await openOrder(shop)
    await expectIncident(
      'transaction',
      genuineNotification(shop, no, { transaction_id: transactionOf(shop, paid) }),
      no,
    )
  })

  test('a notification for an unknown order', () =>
    expectIncident('order', genuineNotification(shop, 'T20250102999999'), 'T20250102999999'))

  test('a notification for an order number that contains SQL', () =>
    expectIncident(
      'order',
      genuineNotification(shop, "x'; drop table orders"),
      "x'; drop table orders",
    ))

  test('notifications for very long order numbers, each an incident with the start of its number', async () => {
    const [first, second] = ['a', 'b'].map(
      (end) =>
        randomBytes(20_000)
          .toString('hex')
          .replace(/^.{64}/, 'f'.repeat(64)) + end,
    )
    for (const number of [first, second, first])
      expect(
        await notify(
          genuineNotification(shop, number ?? '', {
            transaction_id: '4200009999202501020000000001',
          }),
        ),
      ).toEqual(FAIL)
    await shop.world.settled()
    expect(await ledgerOf(shop, 'f'.repeat(64))).toMatchObject({
      incidents: ['order', 'order'],
      events: ['payment.incident', 'payment.incident'],
    })
  })

  test('the genuine notification of one order, with the number of another', async () => {
    const paid = await paidOrder()
    const { outTradeNo: no } = await openOrder(shop)
    expect(await notify(sentNotification(shop, paid).replaceAll(paid, no))).toEqual(FAIL)
    expect(await ledgerOf(shop, no)).toMatchObject(UNTOUCHED)
  })

  test('a genuine notification that is replayed while another order is unpaid', async () => {
    const paid = await paidOrder()
    const { outTradeNo: no } = await openOrder(shop)
    const before = await ledgerOf(shop, paid)
    shop.advance(3_600_000)
    expect(await notify(sentNotification(shop, paid))).toEqual({ status: 200, code: 'SUCCESS' })
    expect(await ledgerOf(shop, paid)).toEqual(before)
    expect(await ledgerOf(shop, no)).toMatchObject(UNTOUCHED)
  })

  test('a failed payment, which is acknowledged and pays nothing', async () => {
    const failed = { result_code: 'FAIL', err_code: 'SYSTEMERROR', err_code_des: '系统错误' }
    expect(await notify(genuine(failed))).toEqual({ status: 200, code: 'SUCCESS' })
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(UNTOUCHED)
  })
})
