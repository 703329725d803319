/** A few thousand hostile inputs with every run of the tests; `npm run fuzz` sends a million. And what was found by name. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readFields } from '../../lib/http/body.ts'
import { basketRequest, readRequest } from '../../lib/http/requests.ts'
import { createTokens } from '../../lib/tokens.ts'
import { readNotification } from '../../lib/wechat/v2/notification.ts'
import { sign, signed, verify } from '../../lib/wechat/v2/sign.ts'
import { readXml, writeXml } from '../../lib/wechat/v2/xml.ts'
import { demoPay } from '../support/samples.ts'
import { callTarget } from './call-target.ts'
import { signedToken } from './forged-token.ts'
import { judgeMessage, messageTarget } from './message-target.ts'
import { CUNNING_ATTACH, paidFields } from './messages.ts'
import { recutTarget, takeSigned, WANTED } from './recut-target.ts'
import { bodyTarget, queryTarget } from './request-target.ts'
import { secondOpinion } from './second-opinion.ts'
import { openShop, type Shop } from './shop.ts'
import { runnable, type Report, type Target } from './target.ts'
import { tokenTarget } from './token-target.ts'

const SEED = 20250102
const LONG_NAME = 'n'.repeat(20_000)
const sum = (report: Report, outcome: RegExp) =>
  [...report.outcomes]
    .filter(([name]) => outcome.test(name))
    .reduce((all, [, count]) => all + count, 0)

async function attack<I>(target: Target<I>, inputs: number): Promise<Report> {
  const report = await runnable(target).run({ seed: SEED, inputs })
  expect(report.found).toEqual([])
  expect(report.inputs).toBe(inputs)
  return report
}

const order = {
  outTradeNo: '20250102030405000000000000000001',
  transactionId: '4200002500202501020000000001',
  totalFee: '101',
  openid: 'oDemo000000000000000000User1',
}
const fields = new Map(paidFields(order))
const genuine = writeXml(signed(fields, demoPay.key, 'HMAC-SHA256'))
const bytes = (text: string) => Buffer.from(text, 'utf8')

describe('hostile input is read without a crash, and nothing is believed that must not be:', () => {
  test('notices; what we take as rightly signed, another library takes too, with the same fields', async () => {
    const report = await attack(messageTarget, 1_500)
    // The comparison is worth something only while many messages get that far, and each side refuses some.
    expect(sum(report, /^accepted: paid$/)).toBeGreaterThan(100)
    expect(sum(report, /^refused: .*the other library accepts/)).toBeGreaterThan(30)
    expect(sum(report, /^refused: signature$/)).toBeGreaterThan(200)
  })

  test('texts signed for any product and cut anew: none pays an order', async () => {
    const report = await attack(recutTarget, 4_000)
    // Worth something only while many of them are whole notifications, and the cutting stops at no other check.
    expect(sum(report, /^incident: unconfirmed/)).toBeGreaterThan(15)
    expect(sum(report, /^refused: content/)).toBeGreaterThan(200)
    expect(sum(report, /^refused: signature/)).toBe(0)
  })

  test('a notification as WeChat writes it pays the order, so it is the cutting that is refused', async () => {
    const signature = ['sign', sign(new Map(WANTED), demoPay.key, 'MD5')] as const
    expect(await takeSigned([...WANTED, signature], null)).toBe('paid')
  })

  test('tokens: only those we issued name a user', async () => {
    const report = await attack(tokenTarget, 1_500)
    expect(sum(report, /^accepted/)).toBeGreaterThan(100)
  })

  test('JSON and form bodies of every request', async () => {
    const report = await attack(bodyTarget, 1_000)
    expect(sum(report, /^accepted/)).toBeGreaterThan(200)
  })

  test('query strings of every request', async () => {
    const report = await attack(queryTarget, 2_000)
    expect(sum(report, /^accepted/)).toBeGreaterThan(200)
  })
})

describe('in a running shop', () => {
  let shop: Shop
  beforeAll(async () => {
    shop = await openShop(10, 2)
  })
  afterAll(() => shop.close())

  test('every hostile call has an answer of the contract, and no order is paid but by a genuine message', async () => {
    const report = await attack(callTarget(shop), 500)
    expect(sum(report, /^notify SUCCESS/)).toBeGreaterThan(5)
  })

  test('a signed notification of an order number as long as a page leaves no such line in the log', async () => {
    const body = writeXml(
      signed(new Map([...fields, ['out_trade_no', LONG_NAME]]), demoPay.key, 'HMAC-SHA256'),
    )
    const answer = await shop.ask('notify', { method: 'POST', body })
    expect(await answer.text()).toContain('FAIL')
    expect(shop.drainLog().filter((line) => line.length > 1_000)).toEqual([])
  })
})

describe('two libraries agree', () => {
  test('that a genuine notification is genuine', () => {
    expect([
      judgeMessage(bytes(genuine)),
      secondOpinion(bytes(genuine), demoPay.key).accepts,
    ]).toEqual(['accepted: paid', true])
  })

  test('that a notification with one letter changed is not', () => {
    const changed = bytes(genuine.replace('OTHERS', 'OTHERT'))
    expect([judgeMessage(changed), secondOpinion(changed, demoPay.key).accepts]).toEqual([
      'refused: signature',
      false,
    ])
  })

  test('and where the other takes a field that came twice, we refuse the message', () => {
    const twice = new Map([...fields, ['attach', 'a,b']])
    const text = writeXml(signed(twice, demoPay.key, 'HMAC-SHA256')).replace(
      /<attach>.*?<\/attach>/,
      '<attach>a</attach><attach>b</attach>',
    )
    expect([judgeMessage(bytes(text)), secondOpinion(bytes(text), demoPay.key).accepts]).toEqual([
      'refused: syntax, the other library accepts',
      true,
    ])
  })
})

describe('found by fuzzing:', () => {
  test.each([
    [
      'a value in <![cdata[ instead of <![CDATA[',
      genuine.replace('<![CDATA[CNY]]>', '<![cdata[CNY]]>'),
    ],
    [
      'a value in a section of another kind',
      genuine.replace('<![CDATA[CNY]]>', '<![IGNORE[CNY]]>'),
    ],
    ['an entity behind its root', `${genuine}&lt;`],
    ['a declaration behind its root', `${genuine}<?xml version="1.0"?>`],
    ['a blank between its fields that is none in XML', genuine.replace('<appid>', '\u00a0<appid>')],
    ['such a blank inside of a tag', genuine.replace('<appid>', '<appid\ufeff>')],
  ])('a notification with %s is no XML and is refused', (_, text) => {
    expect(text).not.toBe(genuine)
    expect(readXml(bytes(text))).toEqual({ ok: false, error: 'syntax' })
  })

  test('an attach that holds such a section is text like any other', () => {
    const attach = 'a<![cdata[b]]>c<!--'
    expect(readXml(bytes(writeXml(new Map([['attach', attach]]))))).toEqual({
      ok: true,
      value: new Map([['attach', attach]]),
    })
  })

  test('a payment in dollars stays one when its currency is moved into the field before', () => {
    const dollars = signed(new Map([...fields, ['fee_type', 'USD']]), demoPay.key, 'HMAC-SHA256')
    const moved = new Map([...dollars, ['device_info', 'WEB&fee_type=USD'] as const])
    moved.delete('fee_type')
    expect(readNotification(demoPay, bytes(writeXml(moved)))).toEqual({
      ok: false,
      error: { reason: 'notice_rejected', check: 'content' },
    })
  })

  test('a customer who pays one order and writes the number of another with it pays no other', () => {
    const real = signed(
      new Map([...fields, ['attach', CUNNING_ATTACH]]),
      demoPay.key,
      'HMAC-SHA256',
    )
    // The same text is signed: what stood between `attach` and `result_code` is moved into the field `p`.
    const kept = [
      'appid',
      'result_code',
      'return_code',
      'time_end',
      'total_fee',
      'trade_type',
      'transaction_id',
      'sign',
    ]
    const moved = [...real]
      .filter(([name]) => !kept.includes(name) && name !== 'attach')
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
    const forged = new Map([...real].filter(([name]) => kept.includes(name)))
      .set('attach', 'x')
      .set('mch_id', demoPay.mchId)
      .set('nonce_str', 'n')
      .set('out_trade_no', 'AnotherOrder')
      .set('p', `&${moved.map(([name, value]) => `${name}=${value}`).join('&')}`)
    expect(verify(forged, demoPay.key)).toBe('HMAC-SHA256')
    expect(readNotification(demoPay, bytes(writeXml(forged)))).toEqual({
      ok: false,
      error: { reason: 'notice_rejected', check: 'content' },
    })
  })

  test.each([
    ['a number', 12_345_678],
    ['a list', ['oDemo000000000000000000User1']],
  ])('a token whose user is %s names nobody, though it is rightly signed', async (_, sub) => {
    const secret = 'demo-session-secret-of-32-bytes!'
    expect(
      await createTokens(secret).read(signedToken(secret, { sub }), new Date(1_735_758_245_000)),
    ).toBeNull()
  })

  test.each([
    [
      'that nobody asked for',
      'application/json',
      JSON.stringify({ items: [{ sku: 'latte', quantity: 1 }], [LONG_NAME]: 1 }),
    ],
    ['that comes twice', 'application/x-www-form-urlencoded', `${LONG_NAME}=1&${LONG_NAME}=2`],
  ])('a field %s is named in the error, but not at any length', async (_, type, body) => {
    const request = new Request('http://127.0.0.1/', {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    })
    const read = await readRequest(request, basketRequest)
    const named = !read.ok && read.error.reason === 'invalid_request' ? read.error.field : ''
    expect([named.slice(0, 3), named.length < 200]).toEqual(['nnn', true])
  })

  test('a form of ten thousand fields is read in a moment', async () => {
    const body = Array.from({ length: 10_000 }, (_, index) => index.toString(36)).join('&')
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const before = process.threadCpuUsage()
    expect(
      await readFields(new Request('http://127.0.0.1/', { method: 'POST', headers, body })),
    ).toMatchObject({ ok: true })
    expect(process.threadCpuUsage(before).user / 1_000).toBeLessThan(150)
  })
})
