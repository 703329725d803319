/** An unmodified client of another project works with the simulator over APIv3. */
import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Rsa } from 'wechatpay-axios-plugin'
import { demoV3Values } from '../../../dev/world/demo-values.ts'
import { wechatPair } from '../../support/v3-keys.ts'
import {
  APPID,
  MCHID,
  openNotification,
  openPeer,
  order,
  paymentWith,
  PRIVATE_KEY,
  PUBLIC_KEY_ID,
  type Peer,
} from './peer.ts'

let peer: Peer
let client: ReturnType<Peer['client']>
beforeEach(async () => {
  peer = await openPeer('public-key')
  client = peer.client()
})
afterEach(() => peer.stop())

const NUMBER = 'T20250102000001'
const prepay = async (over: object = {}): Promise<string> => {
  const { data } = await client.post<{ prepay_id: string }>(
    '/v3/pay/transactions/jsapi',
    order(peer, over),
  )
  return data.prepay_id
}
const pay = async (over: object = {}) => peer.simulator.pay(paymentWith(await prepay(over)))
const transactionId = () => peer.simulator.orders()[0]?.payment?.transactionId ?? ''
const refund = (over: object = {}) =>
  client.post<Record<string, unknown>>('/v3/refund/domestic/refunds', {
    out_trade_no: NUMBER,
    out_refund_no: 'R1',
    reason: '不想要了',
    notify_url: peer.notifyUrl,
    amount: { refund: 50, total: 101, currency: 'CNY' },
    ...over,
  })
const byNumber = (number = NUMBER) =>
  client.get<Record<string, unknown>>(`/v3/pay/transactions/out-trade-no/${number}`, {
    params: { mchid: MCHID },
  })
/** The status and the body of a refusal. */
const refusalOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'accepted',
    (error: { response?: { status: number; data: unknown }; code?: unknown }) => ({
      status: error.response?.status,
      data: error.response?.data,
      code: error.code,
    }),
  )
const refused = (status: number, code: string) => ({
  status,
  code: expect.anything(),
  data: expect.objectContaining({ code }),
})

describe('an order', () => {
  test('that is placed again with the same content has the same prepay_id', async () => {
    expect(await prepay()).toBe(await prepay())
    expect(peer.simulator.orders()).toHaveLength(1)
  })

  test('that is paid is notified, and found by both numbers', async () => {
    expect(await pay()).toEqual({ errMsg: 'requestPayment:ok' })
    await peer.simulator.tick()
    const [message] = peer.received
    if (message === undefined) throw new Error('no notification')
    const notification = openNotification(message)
    expect(notification).toMatchObject({
      event_type: 'TRANSACTION.SUCCESS',
      serial: PUBLIC_KEY_ID,
      isGenuine: true,
      resource: { original_type: 'transaction' },
    })
    const { data } = await byNumber()
    expect(data).toEqual(notification.plain)
    expect(data).toMatchObject({
      appid: APPID,
      mchid: MCHID,
      out_trade_no: NUMBER,
      trade_state: 'SUCCESS',
      attach: 'store=1&src=mp',
      payer: { openid: 'oDemo000000000000000000User1' },
      amount: { total: 101, payer_total: 101, currency: 'CNY', payer_currency: 'CNY' },
    })
    const found = await client.get(`/v3/pay/transactions/id/${transactionId()}`, {
      params: { mchid: MCHID },
    })
    expect(found.data).toEqual(data)
    expect(peer.simulator.notifications()[0]).toMatchObject({ acknowledged: true, rounds: 1 })
  })

  test('that is unpaid has no payment, and no transaction number', async () => {
    await prepay()
    expect((await byNumber()).data).toEqual({
      appid: APPID,
      mchid: MCHID,
      out_trade_no: NUMBER,
      trade_state: 'NOTPAY',
      trade_state_desc: '订单未支付',
      amount: { total: 101, currency: 'CNY', payer_currency: 'CNY' },
    })
  })

  test('can be closed twice, and is then not payable', async () => {
    const prepayId = await prepay()
    const close = () =>
      client.post(`/v3/pay/transactions/out-trade-no/${NUMBER}/close`, { mchid: MCHID })
    expect([await close(), await close()]).toMatchObject([
      { status: 204, data: '' },
      { status: 204, data: '' },
    ])
    expect((await byNumber()).data).toMatchObject({ trade_state: 'CLOSED' })
    expect(peer.simulator.pay(paymentWith(prepayId)).errMsg).toBe('requestPayment:fail 订单失效')
    expect(await refusalOf(prepay())).toEqual(refused(400, 'ORDER_CLOSED'))
  })

  test('that is paid is not closed, and not placed again; the codes alternate', async () => {
    await pay()
    const close = () =>
      refusalOf(client.post(`/v3/pay/transactions/out-trade-no/${NUMBER}/close`, { mchid: MCHID }))
    expect([await close(), await close()]).toEqual([
      refused(400, 'ORDER_PAID'),
      refused(403, 'TRADE_ERROR'),
    ])
    const again = () => refusalOf(prepay())
    expect([await again(), await again()]).toEqual([
      refused(400, 'INVALID_REQUEST'),
      refused(403, 'RULE_LIMIT'),
    ])
  })

  test.each([
    { over: { amount: { total: 102 } }, status: 400, code: 'INVALID_REQUEST' },
    {
      over: { out_trade_no: 'T20250102000002', appid: 'wx1' },
      status: 400,
      code: 'APPID_MCHID_NOT_MATCH',
    },
    {
      over: { out_trade_no: 'T20250102000002', payer: { openid: 'x' } },
      status: 400,
      code: 'PARAM_ERROR',
    },
  ])('with $over is refused', async ({ over, status, code }) => {
    await prepay()
    expect(await refusalOf(prepay(over))).toEqual(refused(status, code))
  })

  test('that WeChat does not know is answered 404', async () => {
    expect(await refusalOf(byNumber('T-unknown'))).toEqual(refused(404, 'ORDER_NOT_EXIST'))
  })
})

test.each([{ paySign: 'AAAA' }, { signType: 'HMAC-SHA256' }, { nonceStr: 'other' }])(
  'the cashier refuses a second signature with %j',
  async (over: Record<string, string>) => {
    expect(peer.simulator.pay(paymentWith(await prepay(), over)).errMsg).toBe(
      'requestPayment:fail 支付验证签名失败',
    )
  },
)

describe('a refund', () => {
  test('is accepted, ends, and is notified and queried', async () => {
    await pay()
    expect((await refund()).data).toMatchObject({
      out_refund_no: 'R1',
      out_trade_no: NUMBER,
      transaction_id: transactionId(),
      status: 'PROCESSING',
      amount: { total: 101, refund: 50, payer_total: 101, payer_refund: 50, currency: 'CNY' },
    })
    expect((await refund()).data).toMatchObject({ out_refund_no: 'R1' })
    expect(peer.simulator.refunds()).toHaveLength(1)
    peer.advance(3000)
    await peer.simulator.tick()
    const opened = peer.received.map((message) => openNotification(message))
    expect(opened.map(({ event_type, isGenuine }) => ({ event_type, isGenuine }))).toEqual([
      { event_type: 'TRANSACTION.SUCCESS', isGenuine: true },
      { event_type: 'REFUND.SUCCESS', isGenuine: true },
    ])
    expect(opened[1]?.plain).toMatchObject({
      mchid: MCHID,
      out_refund_no: 'R1',
      refund_status: 'SUCCESS',
      amount: { total: 101, refund: 50, payer_total: 101, payer_refund: 50 },
    })
    const { data } = await client.get('/v3/refund/domestic/refunds/R1')
    expect(data).toMatchObject({ status: 'SUCCESS', channel: 'ORIGINAL' })
  })

  test.each([
    {
      over: { amount: { refund: 102, total: 101, currency: 'CNY' } },
      status: 400,
      code: 'INVALID_REQUEST',
    },
    {
      over: { amount: { refund: 1, total: 100, currency: 'CNY' } },
      status: 400,
      code: 'INVALID_REQUEST',
    },
    { over: { amount: { refund: 1, total: 101 } }, status: 400, code: 'PARAM_ERROR' },
    { over: { out_trade_no: 'T-unknown' }, status: 404, code: 'RESOURCE_NOT_EXISTS' },
  ])('with $over is refused', async ({ over, status, code }) => {
    await pay()
    expect(await refusalOf(refund(over))).toEqual(refused(status, code))
  })

  test('that the balance does not cover is refused', async () => {
    await pay()
    peer.simulator.setBalance(1)
    expect(await refusalOf(refund())).toEqual(refused(403, 'NOT_ENOUGH'))
  })

  test('that is abnormal is paid to a bank card, whose fields are encrypted', async () => {
    await pay()
    peer.simulator.misbehave({ on: 'refund', do: 'end-as', status: 'CHANGE' })
    const { data } = await refund()
    peer.advance(3000)
    const otherKey = wechatPair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const encrypted = (text: string) => Rsa.encrypt(text, demoV3Values.WECHAT_PAY_PUBLIC_KEY)
    const account = encrypted('6222000000000000')
    const apply = (changes: object = {}, serial: string = PUBLIC_KEY_ID) =>
      client.post<unknown>(
        `/v3/refund/domestic/refunds/${String(data['refund_id'])}/apply-abnormal-refund`,
        {
          out_refund_no: 'R1',
          type: 'USER_BANK_CARD',
          bank_type: 'ICBC_DEBIT',
          bank_account: account,
          real_name: encrypted('张三'),
          ...changes,
        },
        { headers: serial === '' ? {} : { 'Wechatpay-Serial': serial } },
      )
    const parameterError = refused(400, 'PARAM_ERROR')
    for (const changes of [
      { bank_account: '6222000000000000' },
      { real_name: '张三' },
      { real_name: Rsa.encrypt('张三', otherKey) },
      { bank_type: 'ICBC_CREDIT' },
      { bank_type: undefined },
      { type: 'MERCHANT_BANK_CARD' },
      { type: 'BALANCE' },
    ])
      expect(await refusalOf(apply(changes))).toEqual(parameterError)
    expect(await refusalOf(apply({}, ''))).toEqual(parameterError)
    expect(await refusalOf(apply({}, 'PUB_KEY_ID_0'))).toEqual(parameterError)
    expect(await refusalOf(apply({ out_refund_no: 'R2' }))).toEqual(
      refused(404, 'RESOURCE_NOT_EXISTS'),
    )
    const invalid = refused(400, 'INVALID_REQUEST')
    expect(await refusalOf(apply({ bank_account: encrypted('6222-0000') }))).toEqual(invalid)
    expect((await apply()).data).toMatchObject({ status: 'PROCESSING' })
    expect(await refusalOf(apply())).toEqual(invalid)
    peer.advance(3000)
    await peer.simulator.tick()
    expect(peer.received.map((message) => openNotification(message).event_type).toSorted()).toEqual(
      ['REFUND.ABNORMAL', 'REFUND.SUCCESS', 'TRANSACTION.SUCCESS'],
    )
  })
})

describe('the bill', () => {
  const today = () => new Date(peer.simulator.now() + 8 * 3_600_000).toISOString().slice(0, 10)
  const requestBill = (params: object) =>
    client.get<{ hash_type: string; hash_value: string; download_url: string }>(
      '/v3/bill/tradebill',
      { params },
    )

  test.each([{}, { tar_type: 'GZIP' }])(
    'has the SHA-1 of the unpacked file, with %j',
    async (packed) => {
      const day = today()
      await pay()
      expect(await refusalOf(requestBill({ bill_date: day }))).toEqual(
        refused(400, 'STATEMENT_CREATING'),
      )
      // The client signs by the machine's clock, so only the order is moved to the past.
      const past = new Date(Date.parse(`${day}T00:00:00+08:00`) - 2 * 86_400_000)
      const bill = await billOf(past, packed)
      expect(bill.sha1).toBe(bill.promised)
      expect(bill.text).toContain(NUMBER)
    },
  )

  /** The simulated clock is two days behind while the order is paid. */
  async function billOf(past: Date, packed: object) {
    await peer.stop()
    peer = await openPeer('public-key')
    client = peer.client()
    const ahead = past.getTime() - Date.now()
    const prepayId = await prepay()
    peer.advance(ahead)
    expect(peer.simulator.pay({ ...paymentWith(prepayId), ...paymentAt(prepayId) }).errMsg).toBe(
      'requestPayment:ok',
    )
    peer.advance(-ahead)
    const day = new Date(past.getTime() + 8 * 3_600_000).toISOString().slice(0, 10)
    const { data } = await requestBill({ bill_date: day, bill_type: 'ALL', ...packed })
    expect(data.hash_type).toBe('SHA1')
    const { pathname, searchParams } = new URL(data.download_url)
    const file = await client.get<ArrayBuffer>(pathname, {
      params: { token: searchParams.get('token') },
      responseType: 'arraybuffer',
    })
    const bytes = Buffer.from(file.data)
    const plain = 'tar_type' in packed ? gunzipSync(bytes) : bytes
    return {
      sha1: createHash('sha1').update(plain).digest('hex'),
      promised: data.hash_value,
      text: plain.toString('utf8'),
    }
  }

  const paymentAt = (prepayId: string) => {
    const timeStamp = String(Math.floor(peer.simulator.now() / 1000))
    const message = `${APPID}\n${timeStamp}\nabc\nprepay_id=${prepayId}\n`
    return { timeStamp, nonceStr: 'abc', paySign: Rsa.sign(message, PRIVATE_KEY) }
  }
})

describe('the echo', () => {
  test('proves the keys of both sides, and the notify URL', async () => {
    const { data } = await client.post<Record<string, string>>(
      '/v3/security/echo',
      {
        echo_message: 'hello',
        encrypted_echo_message: Rsa.encrypt('secret', demoV3Values.WECHAT_PAY_PUBLIC_KEY),
        notify_url: peer.notifyUrl,
      },
      { headers: { 'Wechatpay-Serial': PUBLIC_KEY_ID } },
    )
    expect(data['echo_message']).toBe('hello')
    expect(Rsa.decrypt(data['encrypted_echo_message'] ?? '', PRIVATE_KEY)).toBe('secret')
    await peer.simulator.tick()
    expect(peer.received.map((message) => openNotification(message))).toMatchObject([
      { event_type: 'SECURITY_ECHO.SUCCESS', isGenuine: true },
    ])
  })
})

describe('the client refuses an answer', () => {
  test.each(['unsigned', 'wrong-key', 'wrong-serial', 'old-timestamp', 'tamper'] as const)(
    'with the fault %s',
    async (fault) => {
      await prepay()
      peer.simulator.misbehave({ on: 'orderquery', do: fault })
      expect(await refusalOf(byNumber())).toMatchObject({
        code: expect.stringMatching(/^EV3_RES_/),
      })
    },
  )

  test('of a gateway, which is not signed', async () => {
    peer.simulator.misbehave({ on: 'unifiedorder', do: 'http-500' })
    expect(await refusalOf(prepay())).toMatchObject({ status: 500 })
  })

  test('to a closed order whose signature does not match', async () => {
    await prepay()
    peer.simulator.misbehave({ on: 'closeorder', do: 'tamper' })
    expect(
      await refusalOf(
        client.post(`/v3/pay/transactions/out-trade-no/${NUMBER}/close`, { mchid: MCHID }),
      ),
    ).toMatchObject({ code: expect.stringMatching(/^EV3_RES_/) })
  })
})
