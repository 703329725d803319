/** The known attacks on notifications of v2: on XML, on its signature, and parameter injection. */
import { describe, expect, test } from 'vitest'
import { sign, verify } from '../lib/wechat/v2/sign.ts'
import { writeXml } from '../lib/wechat/xml.ts'
import { ledgerOf, UNTOUCHED } from './stores/ledger-rows.ts'
import { openAttackedShop, openOrder } from './support/attacked-shop.ts'
import type { PaymentFacts } from './support/messages/message.ts'
import { paymentFacts, REFUSED } from './support/messages/messages.ts'
import { paymentFields, writePayment } from './support/messages/v2.ts'

const target = openAttackedShop()

const key = () => target().shop.world.env.WECHAT_PAY_KEY
const unsigned = (
  changes: Readonly<Record<string, string>> = {},
  facts: Partial<PaymentFacts> = {},
) =>
  new Map([
    ...paymentFields(paymentFacts(target().shop, target().outTradeNo, facts)),
    ...Object.entries(changes),
  ])
const genuine = (changes: Readonly<Record<string, string>> = {}) =>
  writePayment(unsigned(changes), key())
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
  'with an empty signature': () => withSign(''),
  'with an invented signature': () => withSign('A'.repeat(64)),
  'with an invented MD5 signature': () => withSign('A'.repeat(32)),
  'with half of the valid signature': () =>
    withSign(sign(unsigned(), key(), 'HMAC-SHA256').slice(0, 32)),
  'signed with the key of the vendor’s published example': () =>
    writePayment(unsigned(), '192006250b4c09247ec02edce69f6a2d'),
  'signed with an empty key': () => writePayment(unsigned(), ''),
  'signed again with MD5 and another key': () =>
    writePayment(unsigned({ sign_type: 'MD5' }), 'AnotherMerchantsKey0000000000001', 'MD5'),
  'signed again with MD5 and an empty key': () =>
    writePayment(unsigned({ sign_type: 'MD5' }), '', 'MD5'),
  'that says FAIL and is not signed': () => writeXml(new Map([['return_code', 'FAIL']])),
  'written twice, with two roots': () => genuine() + genuine(),
  'with its amount written twice': () => rewritten('<appid>', '<total_fee>2800</total_fee><appid>'),
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
    writePayment(new Map([...unsigned(), ['__proto__', 'SUCCESS']]), key()),
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
  'in JSON': () => JSON.stringify(Object.fromEntries(unsigned())),
  'as a form': () => new URLSearchParams([...unsigned()]).toString(),
  'without a nonce, validly signed': () => genuine({ nonce_str: '' }),
  'without return_code, validly signed': () => genuine({ return_code: '' }),
  'with a field hidden in a value, validly signed': () =>
    genuine({ device_info: 'WEB&product_id=1' }),
}

describe('refused, and the order is not changed:', () => {
  test.each(Object.entries(forgeries))('a notification %s', (_, make) =>
    target().expectRefused(make()),
  )

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
      const { outTradeNo: no } = await openOrder(target().shop)
      const fields: [string, string][] = [...paymentFields(paymentFacts(target().shop, no))]
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
    const appid = (): [string, string] => ['appid', target().shop.world.env.WECHAT_APPID]
    const expectRefused = async (message: string, no: string, incidents: string[]) => {
      const { shop, notify } = target()
      expect(await notify(message)).toEqual(REFUSED)
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
        ['mch_id', target().shop.world.env.WECHAT_MCH_ID],
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
      const between: [string, string][] = [['mch_id', target().shop.world.env.WECHAT_MCH_ID]]
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
