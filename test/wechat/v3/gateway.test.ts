/** The gateway of APIv3: every call, and every row of WeChat's error tables. */
import { constants, privateDecrypt, verify } from 'node:crypto'
import * as v from 'valibot'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseOutRefundNo, parseOutTradeNo } from '../../../lib/core/ids.ts'
import type { Refund } from '../../../lib/core/refund.ts'
import { ok } from '../../../lib/core/result.ts'
import type { KnownRefund, PayGateway } from '../../../lib/ports.ts'
import { createV3, type V3Parts } from '../../../lib/wechat/v3/v3.ts'
import { fen, openOrder, paidOrder, theAccount } from '../../support/latte.ts'
import { must } from '../../support/must.ts'
import {
  AT,
  isSigned,
  openHost,
  reply,
  unsigned,
  type Host,
  type Reply,
} from '../../support/v3-host.ts'
import { demoV3, merchantPair, PUBLIC_KEY_ID, wechatPair } from '../../support/v3-keys.ts'

let host: Host
let nonces = 0
const v3 = (changes: Partial<V3Parts> = {}) =>
  createV3({
    settings: () => ({ ...demoV3, hosts: [host.url] }),
    newNonce: () => `593BEC0C930BF1AFEB40B4A08C8F${String((nonces += 1)).padStart(4, '0')}`,
    now: () => AT,
    certificates: {
      find: async () => 'down',
      keep: async () => undefined,
      forget: async () => undefined,
    },
    refundLists: { overV2: null, findNumbers: async () => [] },
    ...changes,
  })
const account = { ...theAccount, protocol: 'v3' }
let pay: PayGateway
beforeAll(async () => {
  host = await openHost(() => 'reset')
  pay = v3().gateway(account)
})
beforeEach(() => {
  host.received.length = 0
})
afterAll(() => host.close())

const answerWith = (answer: Reply) => {
  host.behave = () => answer
}
const refusal = (code: string, message = '', field = '') => ({ code, message, detail: { field } })
const misconfigured = (code: string, remedy: string) => ({
  ok: false,
  error: { reason: 'wechat_misconfigured', code, remedy: expect.stringContaining(remedy) },
})
const refused = (code: string) => ({ ok: false, error: { reason: 'wechat_refused', code } })
const untrusted = (check = 'content') => ({
  ok: false,
  error: { reason: 'wechat_untrusted', check },
})
const unknown = { ok: false, error: { reason: 'wechat_unknown' } }
const done = (value: unknown) => ({ ok: true, value })

const order = {
  ...openOrder,
  outTradeNo: must(parseOutTradeNo('LATTE|00*1')),
  timeExpire: new Date(AT.getTime() + 3_600_000),
}
const NUMBER = 'LATTE%7C00*1'
const transaction = {
  appid: demoV3.appid,
  mchid: demoV3.mchId,
  out_trade_no: order.outTradeNo,
  trade_state: 'NOTPAY',
  trade_state_desc: '订单未支付',
  amount: { total: 2800, currency: 'CNY', payer_currency: 'CNY' },
}
const paidTransaction = {
  ...transaction,
  transaction_id: paidOrder.transactionId,
  trade_type: 'JSAPI',
  trade_state: 'SUCCESS',
  bank_type: 'OTHERS',
  success_time: '2025-01-02T03:05:01+08:00',
  payer: { openid: order.openid },
  amount: { total: 2800, payer_total: 2000, currency: 'CNY', payer_currency: 'CNY' },
}

/** The codes that mean the same for every call. */
const everywhere = [
  [401, 'SIGN_ERROR', misconfigured('SIGN_ERROR', 'WECHAT_PAY_CERT_KEY')],
  [403, 'NO_AUTH', misconfigured('NO_AUTH', 'Product Center')],
  [403, 'NOAUTH', misconfigured('NOAUTH', 'Product Center')],
  [400, 'APPID_MCHID_NOT_MATCH', misconfigured('APPID_MCHID_NOT_MATCH', 'bind')],
  [404, 'MCH_NOT_EXISTS', misconfigured('MCH_NOT_EXISTS', 'WECHAT_MCH_ID')],
  [403, 'ACCOUNT_ERROR', misconfigured('ACCOUNT_ERROR', 'restricted')],
  [400, 'PARAM_ERROR', misconfigured('PARAM_ERROR', 'a field')],
  [400, 'OPENID_MISMATCH', misconfigured('OPENID_MISMATCH', 'openid')],
  [202, 'USERPAYING', unknown],
  [500, 'SYSTEM_ERROR', unknown],
  [400, 'SYSTEMERROR', unknown],
  [502, 'SERVICE_UNAVAILABLE', unknown],
] as const

describe('prepay', () => {
  const place = (at = AT) => pay.placeOrder(order, at)

  test('sends the documented fields, and no null', async () => {
    answerWith(reply(200, { prepay_id: 'wx0203' }))
    expect(await place()).toEqual(done({ outcome: 'placed', prepayId: 'wx0203' }))
    expect(host.received[0] && isSigned(host.received[0])).toBe(true)
    expect(host.received[0]).toMatchObject({
      method: 'POST',
      target: '/v3/pay/transactions/jsapi',
    })
    expect(JSON.parse(host.received[0]?.body ?? '')).toEqual({
      appid: 'wx00000000demo0001',
      mchid: '1900000109',
      description: 'Demo Store - Latte',
      out_trade_no: 'LATTE|00*1',
      time_expire: '2025-01-02T04:05:02+08:00',
      notify_url: 'https://shop.example/api/notify',
      amount: { total: 2800, currency: 'CNY' },
      payer: { openid: 'oDemo000000000000000000User1' },
      scene_info: { payer_client_ip: '203.0.113.7' },
    })
  })

  test('of the same order is identical, and has its attach', async () => {
    answerWith(reply(200, { prepay_id: 'wx0203' }))
    const withAttach = { ...order, attach: 'store=1' }
    await pay.placeOrder(withAttach, AT)
    await pay.placeOrder(withAttach, new Date(AT.getTime() + 60_000))
    const [one, other] = host.received.map(({ body }) => body)
    expect(one).toBe(other)
    expect(one).toContain('"attach":"store=1"')
  })

  test.each<readonly [number, string, object]>([
    ...everywhere,
    [400, 'INVALID_REQUEST', done({ outcome: 'number_taken', code: 'INVALID_REQUEST', text: '' })],
    [
      403,
      'OUT_TRADE_NO_USED',
      done({ outcome: 'number_taken', code: 'OUT_TRADE_NO_USED', text: '' }),
    ],
    [403, 'TRADE_ERROR', done({ outcome: 'number_taken', code: 'TRADE_ERROR', text: '' })],
    [403, 'RULE_LIMIT', done({ outcome: 'number_taken', code: 'RULE_LIMIT', text: '' })],
    [400, 'ORDER_PAID', done({ outcome: 'paid' })],
    [400, 'ORDERPAID', done({ outcome: 'paid' })],
    [400, 'ORDER_CLOSED', done({ outcome: 'closed' })],
    [404, 'ORDER_NOT_EXIST', unknown],
    [400, 'constructor', unknown],
  ])('%i %s', async (status, code, expected) => {
    answerWith(reply(status, refusal(code)))
    expect(await place()).toMatchObject(expected)
  })

  test.each([
    ['PARAM_ERROR', '参数错误', '/amount/total', 'totalFee'],
    ['PARAM_ERROR', '参数错误', '/notify_url', 'PUBLIC_URL'],
    ['PARAM_ERROR', '参数错误', '/made_up', 'a field'],
    ['PARAM_ERROR', 'appid和openid不匹配', '', 'openid'],
    ['INVALID_REQUEST', 'appid和mchid不匹配', '', 'bind'],
    ['INVALID_REQUEST', '此IP地址不允许调用该接口', '', 'allow-list'],
    ['INVALID_REQUEST', 'Http头缺少Accept或User-Agent', '', 'proxy'],
    ['PARAM_ERROR', '平台证书序列号Wechatpay-Serial错误', '', 'WECHAT_PAY_PUBLIC_KEY_ID'],
    ['PARAM_ERROR', '', 'Wechatpay-Serial', 'WECHAT_PAY_PUBLIC_KEY_ID'],
  ])('%s with the text %j and the field %j names %s', async (code, message, field, named) => {
    answerWith(reply(400, refusal(code, message, field)))
    expect(await place()).toMatchObject(misconfigured(code, named))
  })

  test('a signed PARAM_ERROR shortly before the order expires means that it expires too soon', async () => {
    answerWith(reply(400, refusal('PARAM_ERROR')))
    const late = new Date(order.timeExpire.getTime() - 300_000)
    expect(await place(late)).toEqual(done({ outcome: 'expires_too_soon' }))
    answerWith(unsigned(400, refusal('PARAM_ERROR')))
    expect(await place(late)).toMatchObject(untrusted('signature'))
  })

  test.each([{}, { prepay_id: '' }, { prepay_id: 1 }, null])(
    'an answer of %j is refused',
    async (json) => {
      answerWith(reply(200, json))
      expect(await place()).toEqual(untrusted())
    },
  )
})

describe('a prepay_id', () => {
  test('is reused only for identical terms', async () => {
    const key = await pay.prepayKey(order)
    expect(
      await v3()
        .gateway(account)
        .prepayKey({ ...order }),
    ).toBe(key)
    expect(await pay.prepayKey({ ...order, totalFee: fen(2801) })).not.toBe(key)
  })

  test('is signed for wx.requestPayment with RSA', async () => {
    const { paySign, ...args } = await pay.signPayment('wx0203', AT)
    expect(args).toEqual({
      appId: 'wx00000000demo0001',
      timeStamp: '1735758302',
      nonceStr: expect.stringMatching(/^\w{32}$/),
      package: 'prepay_id=wx0203',
      signType: 'RSA',
    })
    const lines = [args.appId, args.timeStamp, args.nonceStr, args.package, '']
    const signature = Buffer.from(paySign, 'base64')
    expect(verify('sha256', Buffer.from(lines.join('\n')), merchantPair.publicKey, signature)).toBe(
      true,
    )
  })
})

describe('an order query', () => {
  const query = () => pay.queryOrder(order)

  test.each([
    ['NOTPAY', { state: 'open' }],
    ['USERPAYING', { state: 'open' }],
    ['PAYERROR', { state: 'open' }],
    ['A_STATE_OF_TOMORROW', { state: 'open' }],
    ['CLOSED', { state: 'closed' }],
  ])('of an order that is %s', async (trade_state, expected) => {
    answerWith(reply(200, { ...transaction, trade_state }))
    expect(await query()).toEqual(done(expected))
    expect(host.received[0]?.target).toBe(
      `/v3/pay/transactions/out-trade-no/${NUMBER}?mchid=1900000109`,
    )
  })

  const confirmation = {
    outTradeNo: 'LATTE|00*1',
    transactionId: '4200002500202501020000000001',
    totalFee: 2800,
    feeType: 'CNY',
    cashFee: 2000,
    bankType: 'OTHERS',
    openid: 'oDemo000000000000000000User1',
    paidAt: new Date('2025-01-02T03:05:01+08:00'),
  }
  test.each([
    ['SUCCESS', 'paid'],
    ['REFUND', 'refunded'],
  ])('of an order that is %s confirms the payment', async (trade_state, state) => {
    answerWith(reply(200, { ...paidTransaction, trade_state }))
    expect(await query()).toEqual(done({ state, confirmation }))
    expect(await pay.findPayment('4200002500202501020000000001')).toEqual(
      done({ state, confirmation }),
    )
    expect(host.received[1]?.target).toBe(
      '/v3/pay/transactions/id/4200002500202501020000000001?mchid=1900000109',
    )
  })

  test.each([
    ['of another app', { ...paidTransaction, appid: 'wx1' }, 'merchant'],
    ['of another merchant', { ...paidTransaction, mchid: '1' }, 'merchant'],
    ['of another order', { ...paidTransaction, out_trade_no: 'LATTE-2' }, 'content'],
    ['without an amount', { ...paidTransaction, amount: undefined }, 'content'],
    ['with an amount as text', { ...paidTransaction, amount: { total: '2800' } }, 'content'],
    ['without a state', { ...transaction, trade_state: '' }, 'content'],
    ['that is a list', [], 'content'],
  ])('an answer %s is refused', async (_what, json, check) => {
    answerWith(reply(200, json))
    expect(await query()).toEqual(untrusted(check))
  })

  test('an answer with another payment number is refused', async () => {
    answerWith(reply(200, paidTransaction))
    expect(await pay.findPayment('4200000000000000000000000002')).toEqual(untrusted())
  })

  test.each<readonly [number, string, object]>([
    ...everywhere,
    [404, 'ORDER_NOT_EXIST', done({ state: 'missing' })],
    [404, 'ORDERNOTEXIST', done({ state: 'missing' })],
    [400, 'ORDER_CLOSED', done({ state: 'closed' })],
    [400, 'INVALID_REQUEST', refused('INVALID_REQUEST')],
    [403, 'RULE_LIMIT', refused('RULE_LIMIT')],
    [403, 'TRADE_ERROR', refused('TRADE_ERROR')],
    [404, 'RESOURCE_NOT_EXISTS', unknown],
  ])('%i %s', async (status, code, expected) => {
    answerWith(reply(status, refusal(code)))
    expect(await query()).toMatchObject(expected)
  })
})

describe('closing an order', () => {
  test('is done by a signed 204', async () => {
    answerWith(reply(204, null))
    expect(await pay.closeOrder(order)).toEqual(done('closed'))
    expect(host.received[0]).toMatchObject({
      method: 'POST',
      target: `/v3/pay/transactions/out-trade-no/${NUMBER}/close`,
      body: '{"mchid":"1900000109"}',
    })
  })

  // The signature does not cover the status.
  test.each([
    ['to another call', { prepay_id: 'wx0203' }, untrusted()],
    ['that refuses', refusal('ORDER_NOT_EXIST'), done('missing')],
    ['that refuses with a code of tomorrow', refusal('A_CODE_OF_TOMORROW'), unknown],
  ])('is not done by a signed answer %s, sent with 200', async (_what, json, expected) => {
    answerWith(reply(200, json))
    expect(await pay.closeOrder(order)).toMatchObject(expected)
  })

  test('is not done by an unsigned 204', async () => {
    answerWith(unsigned(204, ''))
    expect(await pay.closeOrder(order)).toEqual(untrusted('signature'))
  })

  test.each<readonly [number, string, object]>([
    ...everywhere,
    [400, 'ORDER_CLOSED', done('closed')],
    [400, 'ORDER_PAID', done('paid')],
    [404, 'ORDER_NOT_EXIST', done('missing')],
    [403, 'TRADE_ERROR', done('not_now')],
    [403, 'RULE_LIMIT', done('not_now')],
    [400, 'INVALID_REQUEST', done('not_now')],
    [403, 'A_CODE_OF_TOMORROW', unknown],
  ])('%i %s', async (status, code, expected) => {
    answerWith(reply(status, refusal(code)))
    expect(await pay.closeOrder(order)).toMatchObject(expected)
  })
})

const refund: Refund = {
  payment: paidOrder,
  outRefundNo: must(parseOutRefundNo('R@1')),
  outTradeNo: paidOrder.outTradeNo,
  refundFee: fen(1000),
  refundDesc: null,
  refundStatus: 'PROCESSING',
  refundId: null,
  errCode: null,
  errText: null,
  waitingSince: AT,
  isParked: false,
  payoutRequestedAt: null,
}
const refundAnswer = {
  refund_id: '50300002502025010200000000001',
  out_refund_no: 'R@1',
  transaction_id: paidOrder.transactionId,
  out_trade_no: paidOrder.outTradeNo,
  channel: 'ORIGINAL',
  user_received_account: '支付用户零钱',
  create_time: '2025-01-02T03:20:11+08:00',
  status: 'PROCESSING',
  amount: { total: 2800, refund: 1000, payer_total: 2000, payer_refund: 714, currency: 'CNY' },
}
const known: KnownRefund = {
  outRefundNo: 'R@1',
  outTradeNo: paidOrder.outTradeNo,
  refundId: refundAnswer.refund_id,
  refundFee: fen(1000),
  refundStatus: 'PROCESSING',
}

describe('a refund', () => {
  test('needs no client certificate, and sends the documented fields', async () => {
    expect(await pay.checkRefundSettings()).toEqual(ok(null))
    answerWith(reply(200, refundAnswer))
    expect(await pay.sendRefund({ ...refund, refundDesc: '不要了' })).toEqual(
      done({ outcome: 'accepted', refundId: refundAnswer.refund_id }),
    )
    expect(host.received[0]).toMatchObject({
      method: 'POST',
      target: '/v3/refund/domestic/refunds',
    })
    expect(JSON.parse(host.received[0]?.body ?? '')).toEqual({
      transaction_id: paidOrder.transactionId,
      out_refund_no: 'R@1',
      reason: '不要了',
      notify_url: 'https://shop.example/api/notify',
      amount: { refund: 1000, total: 2800, currency: 'CNY' },
    })
    await pay.sendRefund(refund)
    expect(host.received[1]?.body).not.toContain('reason')
  })

  test.each([
    ['another number', { ...refundAnswer, out_refund_no: 'R-2' }],
    ['another order', { ...refundAnswer, out_trade_no: 'LATTE-2' }],
    ['another amount', { ...refundAnswer, amount: { total: 2800, refund: 1001 } }],
    ['an unknown status', { ...refundAnswer, status: 'MAYBE' }],
  ])('an answer with %s is refused', async (_what, json) => {
    answerWith(reply(200, json))
    expect(await pay.sendRefund(refund)).toEqual(untrusted())
  })

  const refusedAs = (outcome: string, code: string, remedy: string) =>
    done({ outcome, code, remedy: expect.stringContaining(remedy), text: '原因' })
  test.each<readonly [number, string, object]>([
    ...everywhere,
    [403, 'NOT_ENOUGH', refusedAs('refused', 'NOT_ENOUGH', 'top it up')],
    [403, 'NOTENOUGH', refusedAs('refused', 'NOTENOUGH', 'top it up')],
    [403, 'USER_ACCOUNT_ABNORMAL', refusedAs('never', 'USER_ACCOUNT_ABNORMAL', 'closed')],
    [404, 'RESOURCE_NOT_EXISTS', refusedAs('never', 'RESOURCE_NOT_EXISTS', 'no payment')],
    [403, 'TRADE_OVERDUE', refusedAs('never', 'TRADE_OVERDUE', 'older than a year')],
    [400, 'INVALID_REQUEST', refusedAs('refused', 'INVALID_REQUEST', 'merchant console')],
    [403, 'RULE_LIMIT', refusedAs('refused', 'RULE_LIMIT', 'merchant console')],
    [403, 'A_CODE_OF_TOMORROW', refusedAs('refused', 'A_CODE_OF_TOMORROW', 'documentation')],
  ])('%i %s', async (status, code, expected) => {
    answerWith(reply(status, refusal(code, '原因')))
    expect(await pay.sendRefund(refund)).toMatchObject(expected)
  })

  test('that WeChat is too busy for is sent again later', async () => {
    answerWith(unsigned(429, refusal('FREQUENCY_LIMITED')))
    expect(await pay.sendRefund(refund)).toMatchObject(done({ outcome: 'later' }))
  })

  test('that is refused without a signature is not refused', async () => {
    answerWith(unsigned(403, refusal('USER_ACCOUNT_ABNORMAL')))
    expect(await pay.sendRefund(refund)).toEqual(untrusted('signature'))
  })
})

describe('a payout of an abnormal refund', () => {
  const abnormal: Refund = { ...refund, refundStatus: 'CHANGE', refundId: refundAnswer.refund_id }
  const card = {
    type: 'user_bank_card',
    bankType: 'CMB_DEBIT',
    bankAccount: '6225880137706868',
    realName: '𠮷田·买买提江',
  } as const
  const open = (text: unknown) =>
    privateDecrypt(
      { key: wechatPair.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
      Buffer.from(String(text), 'base64'),
    ).toString()

  test('sends the documented fields, encrypted with the key that it names', async () => {
    expect(await pay.checkPayoutSettings()).toEqual(ok(null))
    answerWith(reply(200, refundAnswer))
    expect(await pay.payOutRefund(abnormal, card)).toEqual(
      done({ outcome: 'accepted', refund: known }),
    )
    expect(host.received[0] && isSigned(host.received[0])).toBe(true)
    expect(host.received[0]).toMatchObject({
      method: 'POST',
      target: `/v3/refund/domestic/refunds/${refundAnswer.refund_id}/apply-abnormal-refund`,
      headers: { 'wechatpay-serial': PUBLIC_KEY_ID },
    })
    const { bank_account, real_name, ...plain } = v.parse(
      v.record(v.string(), v.string()),
      JSON.parse(host.received[0]?.body ?? ''),
    )
    expect(plain).toEqual({
      out_refund_no: 'R@1',
      type: 'USER_BANK_CARD',
      bank_type: 'CMB_DEBIT',
    })
    expect([open(bank_account), open(real_name)]).toEqual([card.bankAccount, card.realName])
  })

  test('to the merchant has no account', async () => {
    answerWith(reply(200, refundAnswer))
    await pay.payOutRefund(abnormal, { type: 'merchant_bank_card' })
    expect(JSON.parse(host.received[0]?.body ?? '')).toEqual({
      out_refund_no: 'R@1',
      type: 'MERCHANT_BANK_CARD',
    })
  })

  test('is not sent while no key of WeChat is known', async () => {
    answerWith(unsigned(500, ''))
    const keyless = v3({
      settings: () => ({ ...demoV3, hosts: [host.url], publicKeys: new Map() }),
    }).gateway(account)
    expect(await keyless.payOutRefund(abnormal, card)).toMatchObject(unknown)
    expect(host.received.map(({ target }) => target)).toEqual(['/v3/certificates'])
  })

  test.each([
    ['another number', { ...refundAnswer, out_refund_no: 'R-2' }],
    ['another order', { ...refundAnswer, out_trade_no: 'LATTE-2' }],
    ['another amount', { ...refundAnswer, amount: { total: 2800, refund: 1001 } }],
    ['no refund', {}],
  ])('whose answer has %s is unknown', async (_what, json) => {
    answerWith(reply(200, json))
    expect(await pay.payOutRefund(abnormal, card)).toEqual(untrusted())
  })

  const refusedAs = (code: string, text = '原因') =>
    done({ outcome: 'refused', code, remedy: expect.stringContaining('bankAccount'), text })
  test.each<readonly [number, string, object]>([
    ...everywhere.filter(([, code]) => code !== 'PARAM_ERROR'),
    [400, 'PARAM_ERROR', refusedAs('PARAM_ERROR')],
    [400, 'INVALID_REQUEST', refusedAs('INVALID_REQUEST')],
    [404, 'RESOURCE_NOT_EXISTS', refusedAs('RESOURCE_NOT_EXISTS')],
    [403, 'A_CODE_OF_TOMORROW', refusedAs('A_CODE_OF_TOMORROW')],
    [429, 'FREQUENCY_LIMITED', { ok: false, error: { reason: 'wechat_busy' } }],
  ])('%i %s', async (status, code, expected) => {
    answerWith(reply(status, refusal(code, '原因')))
    expect(await pay.payOutRefund(abnormal, card)).toMatchObject(expected)
  })

  test.each([card.bankAccount, card.realName])(
    'that is refused with a text that repeats %s has no text',
    async (value) => {
      answerWith(reply(400, refusal('INVALID_REQUEST', `${'收款账户'.repeat(9)}${value}不存在`)))
      expect(await pay.payOutRefund(abnormal, card)).toEqual(refusedAs('INVALID_REQUEST', ''))
      answerWith(reply(403, refusal('NO_AUTH', value)))
      expect(await pay.payOutRefund(abnormal, card)).toMatchObject({
        error: { reason: 'wechat_misconfigured', text: '' },
      })
    },
  )
})

describe('a refund query', () => {
  test.each([
    ['PROCESSING', 'PROCESSING'],
    ['SUCCESS', 'SUCCESS'],
    ['CLOSED', 'REFUNDCLOSE'],
    ['ABNORMAL', 'CHANGE'],
  ])('of a refund that is %s', async (status, refundStatus) => {
    answerWith(reply(200, { ...refundAnswer, status }))
    expect(await pay.queryRefund(refund)).toEqual(done({ state: 'known', ...known, refundStatus }))
    expect(host.received[0]).toMatchObject({
      method: 'GET',
      target: '/v3/refund/domestic/refunds/R%401',
    })
  })

  test.each<readonly [number, string, object]>([
    ...everywhere,
    [404, 'RESOURCE_NOT_EXISTS', done({ state: 'missing' })],
    [404, 'REFUNDNOTEXIST', done({ state: 'missing' })],
    [400, 'INVALID_REQUEST', refused('INVALID_REQUEST')],
    [404, 'A_CODE_OF_TOMORROW', unknown],
  ])('%i %s', async (status, code, expected) => {
    answerWith(reply(status, refusal(code)))
    expect(await pay.queryRefund(refund)).toMatchObject(expected)
  })
})

describe('the list of the refunds of an order', () => {
  const listWith = (numbers: readonly string[], overV2: V3Parts['refundLists']['overV2'] = null) =>
    v3({ refundLists: { overV2, findNumbers: async () => numbers } })
      .gateway(account)
      .listRefunds(paidOrder)
  const behave = (state: string, refunds: Readonly<Record<string, object>>) => {
    const inState = { ...paidTransaction, out_trade_no: paidOrder.outTradeNo, trade_state: state }
    host.behave = ({ target }) => {
      const number = target.replace('/v3/refund/domestic/refunds/', '')
      if (number === target) return reply(200, inState)
      const found = refunds[decodeURIComponent(number)]
      return found === undefined
        ? reply(404, refusal('RESOURCE_NOT_EXISTS'))
        : reply(200, { ...refundAnswer, out_refund_no: decodeURIComponent(number), ...found })
    }
  }

  test('has every number of the ledger that WeChat knows', async () => {
    behave('REFUND', { 'R@1': {}, 'R-2': { status: 'SUCCESS' } })
    expect(await listWith(['R@1', 'R-2', 'R-3'])).toEqual(
      done([known, { ...known, outRefundNo: 'R-2', refundStatus: 'SUCCESS' }]),
    )
  })

  test('is empty if WeChat says that the order is not refunded', async () => {
    behave('SUCCESS', {})
    expect(await listWith([])).toEqual(done([]))
    expect(await listWith(['R@1'])).toEqual(done([]))
  })

  test('is refused, and names the remedy, if WeChat has a refund whose number is not known', async () => {
    behave('REFUND', {})
    expect(await listWith(['R@1'])).toMatchObject(
      misconfigured('REFUNDS_NOT_LISTED', 'WECHAT_PAY_KEY'),
    )
  })

  test('has a closed refund, which may be why the order counts as refunded', async () => {
    behave('REFUND', { 'R@1': { status: 'CLOSED' } })
    expect(await listWith(['R@1'])).toEqual(done([{ ...known, refundStatus: 'REFUNDCLOSE' }]))
  })

  test('is that of APIv2 if the merchant has an APIv2 key', async () => {
    expect(await listWith(['R@1'], async () => ok([known]))).toEqual(done([known]))
    expect(host.received).toEqual([])
  })

  test('fails as a whole if one query fails', async () => {
    host.behave = () => 'reset'
    expect(await listWith(['R@1', 'R-2'])).toMatchObject(unknown)
  })
})

describe('a probe', () => {
  test('succeeds with a signed answer that nothing exists', async () => {
    answerWith(reply(404, refusal('ORDER_NOT_EXIST')))
    expect(await pay.probe('order')).toMatchObject({ ok: true })
    answerWith(reply(404, refusal('RESOURCE_NOT_EXISTS')))
    expect(await pay.probe('refund')).toMatchObject({ ok: true })
    answerWith(unsigned(404, refusal('RESOURCE_NOT_EXISTS')))
    expect(await pay.probe('refund')).toMatchObject({ ok: false })
  })

  test('of the host only needs an answer', async () => {
    answerWith(unsigned(404, ''))
    expect(await pay.isReachable()).toBe(true)
    host.behave = () => 'reset'
    expect(await pay.isReachable()).toBe(false)
  })
})

test('an order of another merchant or of a sub-merchant is not sent', async () => {
  const others = [
    { ...account, mchId: '1900000999' },
    { ...account, sub: { mchId: '1900000110', appid: null } },
  ]
  for (const other of others)
    expect(await v3().gateway(other).queryOrder(order)).toMatchObject({
      ok: false,
      error: { reason: 'not_configured', why: 'account' },
    })
  expect(host.received).toEqual([])
})
