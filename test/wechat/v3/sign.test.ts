import { verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { authorization, signPaymentArguments } from '../../../lib/wechat/v3/sign.ts'
import { demoV3, merchantPair } from '../../support/v3-keys.ts'

const AT = new Date('2025-01-02T03:05:02.999+08:00')
const NONCE = '593BEC0C930BF1AFEB40B4A08C8FB242'

const isSigned = (text: string, signature: string) =>
  verify('sha256', Buffer.from(text), merchantPair.publicKey, Buffer.from(signature, 'base64'))

describe('the header Authorization', () => {
  const parse = (value: string): ReadonlyMap<string, string> =>
    new Map([...value.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', text = '']) => [name, text]))

  test.each([
    ['GET', '/v3/pay/transactions/out-trade-no/a%7Cb?mchid=1900000109', ''],
    ['POST', '/v3/pay/transactions/jsapi', '{"description":"示例商城-咖啡"}'],
  ] as const)('signs the exact text of a %s', (method, target, body) => {
    const value = authorization(demoV3, { method, target, body }, AT, NONCE)
    expect(value).toMatch(/^WECHATPAY2-SHA256-RSA2048 (?:\w+="[^"]+",){4}\w+="[^"]+"$/)
    const { signature = '', ...rest } = Object.fromEntries(parse(value))
    expect(rest).toEqual({
      mchid: '1900000109',
      nonce_str: NONCE,
      timestamp: '1735758302',
      serial_no: demoV3.merchant.serial,
    })
    const text = `${method}\n${target}\n1735758302\n${NONCE}\n${body}\n`
    expect(isSigned(text, signature)).toBe(true)
  })
})

describe('the arguments of wx.requestPayment', () => {
  test('are signed with RSA over four lines', () => {
    const { paySign, ...rest } = signPaymentArguments(demoV3, 'wx0203demo', AT, NONCE)
    expect(rest).toEqual({
      appId: 'wx00000000demo0001',
      timeStamp: '1735758302',
      nonceStr: NONCE,
      package: 'prepay_id=wx0203demo',
      signType: 'RSA',
    })
    expect(
      isSigned(`wx00000000demo0001\n1735758302\n${NONCE}\nprepay_id=wx0203demo\n`, paySign),
    ).toBe(true)
  })
})
