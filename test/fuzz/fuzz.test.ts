/**
 * Sends a few thousand hostile inputs; `npm run fuzz` sends any number. Each problem that fuzzing
 * found has a named test below.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readFields } from '../../lib/http/body.ts'
import { readRequest } from '../../lib/http/read-request.ts'
import { basketRequest } from '../../lib/http/requests.ts'
import { createTokens } from '../../lib/tokens.ts'
import { readNotification } from '../../lib/wechat/v2/notification.ts'
import { sign, signed, verify } from '../../lib/wechat/v2/sign.ts'
import { readXml, writeXml } from '../../lib/wechat/xml.ts'
import { demoPay } from '../support/samples.ts'
import { callTarget } from './call-target.ts'
import { signedToken } from './forged-token.ts'
import { checkMessage, messageTarget } from './message-target.ts'
import { INJECTION_ATTACH, paidFields } from './messages.ts'
import { pushTarget } from './push-target.ts'
import { recutTarget, handleSigned, WANTED } from './recut-target.ts'
import { bodyTarget, queryTarget } from './request-target.ts'
import { readWithOtherLibrary } from './reference-readers.ts'
import { openShop, type Shop } from './shop.ts'
import { runnable, type Report, type Target } from './target.ts'
import { tokenTarget } from './token-target.ts'
import { openAnswerTarget } from './v3-answer-target.ts'
import { v3MessageTarget } from './v3-message-target.ts'

const SEED = 20250102
const LONG_NAME = 'n'.repeat(20_000)
const sum = (report: Report, outcome: RegExp) =>
  [...report.outcomes]
    .filter(([name]) => outcome.test(name))
    .reduce((all, [, count]) => all + count, 0)

async function attack<I>(target: Target<I>, inputs: number): Promise<Report> {
  const report = await runnable(target).run({ seed: SEED, inputs })
  // Other tests share this processor, so only `npm run fuzz` judges how long an input takes.
  expect(report.found.filter(({ what }) => !what.startsWith('kept the thread busy'))).toEqual([])
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

describe('hostile input causes no crash, and forged input is not accepted:', () => {
  test('a notification that we accept is accepted by another library, with the same fields', async () => {
    const report = await attack(messageTarget, 1_500)
    // The comparison is useful only if many messages reach it and each side refuses some.
    expect(sum(report, /^accepted: paid$/)).toBeGreaterThan(100)
    expect(sum(report, /^refused: .*the other library accepts/)).toBeGreaterThan(30)
    expect(sum(report, /^refused: signature$/)).toBeGreaterThan(200)
  })

  test('a notification of APIv3 is accepted only if WeChat has signed and encrypted it', async () => {
    const report = await attack(v3MessageTarget, 600)
    expect(sum(report, /^accepted: paid$/)).toBeGreaterThan(50)
    expect(sum(report, /^accepted: refund$/)).toBeGreaterThan(30)
    expect(sum(report, /^refused: .*the other library accepts/)).toBeGreaterThan(15)
    expect(sum(report, /^signed, refused: decryption$/)).toBeGreaterThan(10)
  })

  test('a pushed message is accepted only if WeChat has signed and encrypted it', async () => {
    const report = await attack(pushTarget, 1_000)
    expect(sum(report, /^accepted: an order$/)).toBeGreaterThan(40)
    expect(sum(report, /^refused: (?:signature|decryption|merchant|time)$/)).toBeGreaterThan(200)
  })

  test('only an answer of APIv3 that WeChat has signed decides something', async () => {
    const { target, close } = await openAnswerTarget()
    const report = await attack(target, 250)
    await close()
    expect(sum(report, /: (?:placed|paid|closed|accepted|known|bill)$/)).toBeGreaterThan(20)
    expect(sum(report, /: (?:missing|refused|never|not_now)$/)).toBeGreaterThan(5)
    expect(sum(report, /: wechat_(?:untrusted|unknown)$/)).toBeGreaterThan(100)
  })

  test('a text signed for another product pays no order, however it is divided into fields', async () => {
    const report = await attack(recutTarget, 4_000)
    // The test is useful only if many inputs are complete notifications and none fails the
    // signature check.
    expect(sum(report, /^incident: unconfirmed/)).toBeGreaterThan(15)
    expect(sum(report, /^refused: content/)).toBeGreaterThan(200)
    expect(sum(report, /^refused: signature/)).toBe(0)
  })

  test('the same notification, divided as WeChat does, pays the order', async () => {
    const signature = ['sign', sign(new Map(WANTED), demoPay.key, 'MD5')] as const
    expect(await handleSigned([...WANTED, signature], null)).toBe('paid')
  })

  test('only a token that we issued identifies a user', async () => {
    const report = await attack(tokenTarget, 1_500)
    expect(sum(report, /^accepted/)).toBeGreaterThan(100)
  })

  test('JSON and form bodies of every request are read within the limits', async () => {
    const report = await attack(bodyTarget, 1_000)
    expect(sum(report, /^accepted/)).toBeGreaterThan(200)
  })

  test('query strings of every request are read within the limits', async () => {
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

  test('every hostile call gets an answer of the contract, and only a genuine notification pays an order', async () => {
    const report = await attack(callTarget(shop), 1_000)
    expect(sum(report, /^notify SUCCESS/)).toBeGreaterThan(2)
    expect(sum(report, /^notify of APIv3 SUCCESS/)).toBeGreaterThan(2)
    // The seed decides, so only a change of the generators changes these counts.
    expect(sum(report, /^console.* 20[02]$/)).toBeGreaterThan(10)
  })

  test('a signed notification with a very long order number makes no long log line', async () => {
    const body = writeXml(
      signed(new Map([...fields, ['out_trade_no', LONG_NAME]]), demoPay.key, 'HMAC-SHA256'),
    )
    const answer = await shop.call('notify', { method: 'POST', body })
    expect(await answer.text()).toContain('FAIL')
    expect(shop.drainLog().filter((line) => line.length > 1_000)).toEqual([])
  })
})

describe('compared with another library', () => {
  test('both accept a genuine notification', async () => {
    expect([
      await checkMessage(bytes(genuine)),
      readWithOtherLibrary(bytes(genuine), demoPay.key).accepts,
    ]).toEqual(['accepted: paid', true])
  })

  test('both refuse a notification with one changed letter', async () => {
    const changed = bytes(genuine.replace('OTHERS', 'OTHERT'))
    expect([
      await checkMessage(changed),
      readWithOtherLibrary(changed, demoPay.key).accepts,
    ]).toEqual(['refused: signature', false])
  })

  test('the other library accepts a repeated field, and we refuse the message', async () => {
    const twice = new Map([...fields, ['attach', 'a,b']])
    const text = writeXml(signed(twice, demoPay.key, 'HMAC-SHA256')).replace(
      /<attach>.*?<\/attach>/,
      '<attach>a</attach><attach>b</attach>',
    )
    expect([
      await checkMessage(bytes(text)),
      readWithOtherLibrary(bytes(text), demoPay.key).accepts,
    ]).toEqual(['refused: syntax, the other library accepts', true])
  })
})

describe('problems that fuzzing found:', () => {
  test.each([
    [
      'a value in <![cdata[ instead of <![CDATA[',
      genuine.replace('<![CDATA[CNY]]>', '<![cdata[CNY]]>'),
    ],
    ['a value in a conditional section', genuine.replace('<![CDATA[CNY]]>', '<![IGNORE[CNY]]>')],
    ['an entity after its root', `${genuine}&lt;`],
    ['a declaration after its root', `${genuine}<?xml version="1.0"?>`],
    ['a no-break space between its fields', genuine.replace('<appid>', '\u00a0<appid>')],
    ['a zero-width space inside a tag', genuine.replace('<appid>', '<appid\ufeff>')],
  ])('a notification with %s is not XML and is refused', async (_, text) => {
    expect(text).not.toBe(genuine)
    expect(await readXml(bytes(text))).toEqual({ ok: false, error: 'syntax' })
  })

  test('an attach that contains such a section is ordinary text', async () => {
    const attach = 'a<![cdata[b]]>c<!--'
    expect(await readXml(bytes(writeXml(new Map([['attach', attach]]))))).toEqual({
      ok: true,
      value: new Map([['attach', attach]]),
    })
  })

  test('a payment in dollars is refused when its currency is moved into the field before', async () => {
    const dollars = signed(new Map([...fields, ['fee_type', 'USD']]), demoPay.key, 'HMAC-SHA256')
    const moved = new Map([...dollars, ['device_info', 'WEB&fee_type=USD'] as const])
    moved.delete('fee_type')
    expect(await readNotification(demoPay, bytes(writeXml(moved)))).toEqual({
      ok: false,
      error: { reason: 'notice_rejected', check: 'content' },
    })
  })

  test('a payer cannot pay another order by writing its number into attach', async () => {
    const real = signed(
      new Map([...fields, ['attach', INJECTION_ATTACH]]),
      demoPay.key,
      'HMAC-SHA256',
    )
    // The signed text stays the same: the fields between `attach` and `result_code` move into the
    // field `p`.
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
    expect(await readNotification(demoPay, bytes(writeXml(forged)))).toEqual({
      ok: false,
      error: { reason: 'notice_rejected', check: 'content' },
    })
  })

  test.each([
    ['a number', 12_345_678],
    ['a list', ['oDemo000000000000000000User1']],
  ])(
    'a token whose user is %s identifies no user, although its signature is valid',
    async (_, sub) => {
      const secret = 'demo-session-secret-of-32-bytes!'
      expect(
        await createTokens(secret, () => 'wx00000000demo0001').read(
          signedToken(secret, { sub }),
          new Date(1_735_758_245_000),
        ),
      ).toBeNull()
    },
  )

  test.each([
    [
      'that is unknown',
      'application/json',
      JSON.stringify({ items: [{ sku: 'latte', quantity: 1 }], [LONG_NAME]: 1 }),
    ],
    ['that is given twice', 'application/x-www-form-urlencoded', `${LONG_NAME}=1&${LONG_NAME}=2`],
  ])('the error names a field %s, and shortens a long name', async (_, type, body) => {
    const request = new Request('http://127.0.0.1/', {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    })
    const read = await readRequest(request, basketRequest)
    const named = !read.ok && read.error.reason === 'invalid_request' ? read.error.field : ''
    expect([named.slice(0, 3), named.length < 200]).toEqual(['nnn', true])
  })

  test('a form of ten thousand fields is read within 150 ms', async () => {
    const body = Array.from({ length: 10_000 }, (_, index) => index.toString(36)).join('&')
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const before = process.threadCpuUsage()
    expect(
      await readFields(new Request('http://127.0.0.1/', { method: 'POST', headers, body })),
    ).toMatchObject({ ok: true })
    expect(process.threadCpuUsage(before).user / 1_000).toBeLessThan(150)
  })
})
