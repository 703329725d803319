/**
 * The simulator is as strict as WeChat, which other tests rely on. The product's code makes none of
 * these messages.
 */
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createSimulator } from '../../dev/wechat/create-simulator.ts'
import type { Simulator } from '../../dev/wechat/simulator.ts'

type Fields = Record<string, string>
const KEY = 'DemoV2ApiKey00000000000000000001'
const ours = { appid: 'wx00000000demo0001', mch_id: '1900000109', nonce_str: 'ibuaiVcKdpRxkhJA' }
const MINUTE = 60_000

function sign(fields: Fields, type: string, key = KEY): string {
  const names = Object.keys(fields).filter((name) => name !== 'sign' && fields[name] !== '')
  const text = `${names
    .toSorted()
    .map((name) => `${name}=${fields[name]}`)
    .join('&')}&key=${key}`
  const digest =
    type === 'MD5' ? createHash('md5').update(text) : createHmac('sha256', key).update(text)
  return digest.digest('hex').toUpperCase()
}
const write = (fields: Fields) =>
  `<xml>${Object.entries(fields)
    .map(([name, value]) => `<${name}><![CDATA[${value}]]></${name}>`)
    .join('')}</xml>`
const read = (text: string): Fields =>
  Object.fromEntries(
    [...text.matchAll(/<(\w+)><!\[CDATA\[(.*?)\]\]>/g)].map(
      ([, name = '', value = '']) => [name, value] as const,
    ),
  )

const acknowledges = (response: ServerResponse) =>
  void response.end(
    '<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>',
  )
let clock: number
let simulator: Simulator
let shop: Server
let answer: (response: ServerResponse) => void
let received: string[]
let notifyUrl: string
beforeEach(async () => {
  clock = Date.parse('2025-01-02T03:04:05+08:00')
  simulator = createSimulator({
    appid: ours.appid,
    appSecret: 's',
    mchId: ours.mch_id,
    payKey: KEY,
    now: () => clock,
  })
  answer = acknowledges
  received = []
  shop = createServer((request, response) => {
    let text = ''
    request.on('data', (part: Buffer) => (text += part.toString('utf8')))
    request.on('end', () => {
      received.push(text)
      answer(response)
    })
  })
  await once(shop.listen(0, '127.0.0.1'), 'listening')
  const address = shop.address()
  notifyUrl = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}/api/notify`
})
afterEach(async () => {
  await simulator.stop()
  shop.close()
  shop.closeAllConnections()
})

async function call(
  path: string,
  fields: Fields,
  type = 'HMAC-SHA256',
  key = KEY,
): Promise<Fields> {
  const message: Fields = { ...ours, ...(type === 'MD5' ? {} : { sign_type: type }), ...fields }
  const response = await simulator.app.request(`/pay/${path}`, {
    method: 'POST',
    body: write({ ...message, sign: sign(message, type, key) }),
  })
  return read(await response.text())
}
const order = (over: Fields = {}): Fields => ({
  body: '示例商城-咖啡',
  out_trade_no: 'T20250102000001',
  total_fee: '101',
  spbill_create_ip: '203.0.113.7',
  notify_url: notifyUrl,
  trade_type: 'JSAPI',
  openid: 'oDemo000000000000000000User1',
  ...over,
})
const place = async (over: Fields = {}, type?: string) =>
  (await call('unifiedorder', order(over), type))['prepay_id'] ?? ''
function paymentWith(prepayId: string, over: Fields = {}) {
  const fields = {
    appId: ours.appid,
    timeStamp: String(Math.floor(simulator.now() / 1000)),
    nonceStr: 'abc123',
    package: `prepay_id=${prepayId}`,
    signType: 'HMAC-SHA256',
    ...over,
  }
  return { ...fields, paySign: sign(fields, fields.signType) }
}
const BAD_SIGNATURE = 'requestPayment:fail 支付验证签名失败'
const notification = () => simulator.notifications()[0]

describe('a message to WeChat', () => {
  test('is answered with our key and the same signature type', async () => {
    const [hmac, md5] = [
      await call('unifiedorder', order()),
      await call('unifiedorder', order({ out_trade_no: 'T20250102000002' }), 'MD5'),
    ]
    expect([hmac['sign'], md5['sign']]).toEqual([sign(hmac, 'HMAC-SHA256'), sign(md5, 'MD5')])
  })

  test('signed with another key is refused, unsigned, and places nothing', async () => {
    const refused = await call(
      'unifiedorder',
      order(),
      'HMAC-SHA256',
      'AnotherMerchantsKey0000000000001',
    )
    expect(refused).toEqual({ return_code: 'FAIL', return_msg: '签名错误' })
    expect(simulator.orders()).toEqual([])
  })

  test.each([
    { openid: 'never-seen' },
    { total_fee: '1.0' },
    { spbill_create_ip: '127.0.0.1' },
    { notify_url: 'http://pay.example.com/n' },
    { body: '字'.repeat(43) },
  ])('with %j is refused', async (over: Fields) => {
    expect((await call('unifiedorder', order(over)))['err_code']).toBe('PARAM_ERROR')
  })
})

test.each([
  [false, true],
  [true, false],
])(
  'a refusal by the fault err-code with unsigned %s: it has a signature: %s',
  async (unsigned, isSigned) => {
    simulator.misbehave({ on: 'unifiedorder', do: 'err-code', errCode: 'SYSTEMERROR', unsigned })
    const refused = await call('unifiedorder', order())
    expect(refused).toMatchObject({ result_code: 'FAIL', err_code: 'SYSTEMERROR' })
    expect('sign' in refused).toBe(isSigned)
  },
)

describe('a unified order that is repeated', () => {
  test('with the same fields is the same order, with the same prepay_id', async () => {
    expect(await place()).toBe(await place())
    expect(simulator.orders()).toHaveLength(1)
  })

  test.each([
    { total_fee: '102' },
    { body: 'x' },
    { spbill_create_ip: '203.0.113.8' },
    { attach: 'x' },
  ])('with %j instead is refused', async (over: Fields) => {
    await place()
    expect((await call('unifiedorder', order(over)))['err_code']).toBe('INVALID_REQUEST')
  })

  test('in another signature type is refused', async () => {
    await place()
    expect((await call('unifiedorder', order(), 'MD5'))['err_code']).toBe('INVALID_REQUEST')
  })

  test('two hours later has a new prepay_id, and the old one can no longer be paid', async () => {
    const first = await place()
    clock += 120 * MINUTE - 1
    expect(await place()).toBe(first)
    clock += 1
    expect(simulator.pay(paymentWith(first)).errMsg).toBe('requestPayment:fail 该订单已过期')
    const second = await place()
    expect(second).not.toBe(first)
    expect(simulator.pay(paymentWith(first)).errMsg).toBe('requestPayment:fail 缺少参数 total_fee')
    expect(simulator.pay(paymentWith(second)).errMsg).toBe('requestPayment:ok')
  })

  test('after the payment is refused', async () => {
    simulator.pay(paymentWith(await place()))
    expect((await call('unifiedorder', order()))['err_code']).toBe('ORDERPAID')
  })
})

describe('the cashier does not open for', () => {
  const tricks: Record<string, Fields> = {
    'a signature in a type other than the order’s': { signType: 'MD5' },
    'an old timestamp': { timeStamp: '1735700000' },
    'a timestamp in milliseconds': { timeStamp: '1735758245000' },
    'no nonce': { nonceStr: '' },
  }
  test.each(Object.entries(tricks))('%s', async (_name, over) => {
    expect(simulator.pay(paymentWith(await place(), over)).errMsg).toBe(BAD_SIGNATURE)
  })

  test('a made-up signature', async () => {
    expect(simulator.pay({ ...paymentWith(await place()), paySign: 'A'.repeat(64) }).errMsg).toBe(
      BAD_SIGNATURE,
    )
  })

  test('a package without its prefix', async () => {
    const prepayId = await place()
    expect(simulator.pay(paymentWith(prepayId, { package: prepayId })).errMsg).toBe(BAD_SIGNATURE)
  })

  test('another user than the payer', async () => {
    expect(simulator.pay(paymentWith(await place()), 'oDemo000000000000000000User2').errMsg).toBe(
      'requestPayment:fail appid与openid不匹配',
    )
  })

  test('a paid order', async () => {
    const prepayId = await place()
    expect(simulator.pay(paymentWith(prepayId)).errMsg).toBe('requestPayment:ok')
    expect(simulator.pay(paymentWith(prepayId)).errMsg).toBe('requestPayment:fail 订单已支付')
  })

  test('a closed order', async () => {
    const prepayId = await place()
    expect((await call('closeorder', { out_trade_no: 'T20250102000001' }))['err_code']).toBe(
      'TRADE_STATE_ERROR',
    )
    clock += 5 * MINUTE
    expect((await call('closeorder', { out_trade_no: 'T20250102000001' }))['result_code']).toBe(
      'SUCCESS',
    )
    expect(simulator.pay(paymentWith(prepayId)).errMsg).toBe('requestPayment:fail 订单失效')
  })
})

describe('the notification of a payment', () => {
  const paid = async () => simulator.pay(paymentWith(await place()))

  test('has a valid signature and the fields of the order', async () => {
    await paid()
    expect(await simulator.tick()).toBe(1)
    const message = read(received[0] ?? '')
    expect(message).toMatchObject({
      out_trade_no: 'T20250102000001',
      total_fee: '101',
      result_code: 'SUCCESS',
      time_end: '20250102030405',
    })
    expect(message['sign']).toBe(sign(message, 'HMAC-SHA256'))
  })

  test('is repeated fifteen times over a day with the same bytes, and then no more', async () => {
    await paid()
    answer = (response) => void response.end('<xml><return_code>FAIL</return_code></xml>')
    const seconds = [
      15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600,
    ]
    expect(await simulator.tick()).toBe(1)
    for (const pause of seconds) {
      clock += pause * 1000 - 1
      expect(await simulator.tick()).toBe(0)
      clock += 1
      expect(await simulator.tick()).toBe(1)
    }
    clock += 30 * 86_400_000
    expect(await simulator.tick()).toBe(0)
    expect(received).toHaveLength(16)
    expect(new Set(received).size).toBe(1)
  })

  const refusals: Record<string, (response: ServerResponse) => void> = {
    'the word success': (response) => void response.end('success'),
    nothing: (response) => void response.end(),
    JSON: (response) => void response.end('{"return_code":"SUCCESS"}'),
    'a literal line break inside': (response) =>
      void response.end('<xml>\\n<return_code>SUCCESS</return_code></xml>'),
    'the right answer with status 500': (response) => {
      response.statusCode = 500
      acknowledges(response)
    },
    'a redirect': (response) => void response.writeHead(302, { location: notifyUrl }).end(),
    'a broken connection': (response) => void response.socket?.destroy(),
  }
  test.each(Object.entries(refusals))('is not acknowledged by %s', async (_name, refuse) => {
    await paid()
    answer = refuse
    await simulator.tick()
    expect(notification()).toMatchObject({ acknowledged: false, nextDueAt: clock + 15_000 })
  })

  test('is acknowledged by the exact answer, and is then not sent again', async () => {
    await paid()
    await simulator.tick()
    clock += 30 * 86_400_000
    expect([await simulator.tick(), notification()?.acknowledged]).toEqual([0, true])
  })
})
