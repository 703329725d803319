/**
 * When WeChat refuses a call, the log and the merchant get WeChat's own text. A payer gets only the
 * meaning of the code.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Fault } from '../../dev/wechat/faults.ts'
import { listenToLog } from '../steps/log-lines.ts'
import { inProtocol } from '../support/mode.ts'
import { openShop, textOf, type Answer, type Shop } from '../support/shop.ts'

let shop: Shop
let lines: string[]
beforeAll(async () => {
  shop = await openShop()
})
beforeEach(() => {
  lines = listenToLog()
})
afterEach(() => {
  shop.wechat.clearFaults()
  vi.restoreAllMocks()
})
afterAll(() => shop.close())

const codeOf = ({ status, json }: Answer) => [status, json['code']]
/** The line of the request that was refused. */
const logged = async (): Promise<string> => {
  await shop.world.settled()
  return lines.find((line) => /"outcome":"(?:wechat|refund)_/.test(line)) ?? ''
}

type Refused = [what: string, fault: Fault, code: string, said: string, named: RegExp]

describe.each<Refused>([
  [
    'an openid of another Mini Program',
    {
      on: 'unifiedorder',
      do: 'err-code',
      errCode: 'PARAM_ERROR',
      errCodeDes: 'appid and openid not match',
    },
    'wechat_misconfigured',
    'appid and openid not match',
    /openid.*WECHAT_APPID/,
  ],
  ...inProtocol<Refused[]>({
    v2: [
      [
        'an openid of another Mini Program, without a code',
        { on: 'unifiedorder', do: 'return-fail', returnMsg: 'appid and openid not match' },
        'wechat_misconfigured',
        'appid and openid not match',
        /openid.*WECHAT_APPID/,
      ],
      [
        'an invalid field',
        { on: 'unifiedorder', do: 'return-fail', returnMsg: 'invalid spbill_create_ip' },
        'wechat_misconfigured',
        'invalid spbill_create_ip',
        /field spbill_create_ip/,
      ],
      [
        'a code that we do not know',
        {
          on: 'unifiedorder',
          do: 'err-code',
          errCode: 'A_CODE_OF_TOMORROW',
          errCodeDes: '此商家的收款功能已被限制',
        },
        'wechat_refused',
        '此商家的收款功能已被限制',
        /A_CODE_OF_TOMORROW/,
      ],
    ],
    v3: [
      [
        'a signature, before it knows the merchant',
        { on: 'unifiedorder', do: 'return-fail', returnMsg: '签名错误' },
        'wechat_misconfigured',
        '签名错误',
        /WECHAT_PAY_CERT_KEY/,
      ],
    ],
  }),
  [
    'a used order number',
    {
      on: 'unifiedorder',
      do: 'err-code',
      errCode: 'INVALID_REQUEST',
      errCodeDes: '201 商户订单号重复',
    },
    'wechat_refused',
    '201 商户订单号重复',
    /INVALID_REQUEST/,
  ],
])('when WeChat refuses an order for %s', (_, fault, code, refusalText, named) => {
  const prepay = async (token: string, outTradeNo: string) => {
    const answer = await shop.call('POST', '/api/prepay', { token, body: { outTradeNo } })
    expect(codeOf(answer)).toEqual([502, code])
    return textOf(answer.json, 'detail')
  }

  test('the merchant gets WeChat’s text, and the payer only its meaning', async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    shop.wechat.misbehave(fault)
    const [payer, merchant] = [
      await prepay(token, outTradeNo),
      await prepay(shop.merchantKey, outTradeNo),
    ]
    expect(merchant).toMatch(named)
    expect(merchant).toContain(`(“${refusalText}”)`)
    expect(payer).toMatch(named)
    expect(payer).not.toContain(refusalText)
    expect(await logged()).toContain(refusalText)
  })
})

describe('when WeChat refuses a refund', () => {
  const refund = async (fault: Fault) => {
    const { outTradeNo } = await shop.sell()
    shop.wechat.misbehave(fault)
    return shop.call('POST', '/api/refund', {
      token: shop.merchantKey,
      body: { outTradeNo, outRefundNo: `R-${outTradeNo}`, refundFee: 1000 },
    })
  }

  test.each<[what: string, fault: Fault]>([
    ['in words', { on: 'refund', do: 'return-fail', returnMsg: '证书验证失败' }],
    ...inProtocol<[string, Fault][]>({
      v2: [['by a page of its web server', { on: 'refund', do: 'no-certificate' }]],
      v3: [],
    }),
  ])('because of the certificate, %s, the answer names the variables', async (_, fault) => {
    const answer = await refund(fault)
    expect(codeOf(answer)).toEqual([502, 'wechat_misconfigured'])
    expect(textOf(answer.json, 'detail')).toMatch(/WECHAT_PAY_CERT and WECHAT_PAY_CERT_KEY/)
    expect(await logged()).toMatch(
      inProtocol({
        v2: /"code":"CERT_ERROR".*WECHAT_PAY_CERT/,
        v3: /"code":"SIGN_ERROR".*WECHAT_PAY_CERT/,
      }),
    )
  })

  test('for good, the answer quotes WeChat’s text', async () => {
    const answer = await refund({
      on: 'refund',
      do: 'err-code',
      errCode: 'TRADE_OVERDUE',
      errCodeDes: '订单已经超过退款期限',
    })
    expect(codeOf(answer)).toEqual([409, 'refund_refused'])
    expect(textOf(answer.json, 'detail')).toMatch(
      /TRADE_OVERDUE \(“订单已经超过退款期限”\): the payment is older than a year/,
    )
    expect(await logged()).toContain('订单已经超过退款期限')
  })
})

describe('cron', () => {
  beforeEach(async () => {
    shop.advance(86_400_000)
  })
  const lineOf = (event: string) => lines.find((line) => line.includes(`"${event}"`)) ?? ''

  test.each<[event: string, fault: Fault, said: RegExp]>([
    [
      'bill_not_compared',
      {
        on: 'downloadbill',
        do: 'err-code',
        ...inProtocol<{ errCode: string; errCodeDes?: string }>({
          v2: { errCode: 'invalid bill_type' },
          v3: { errCode: 'NO_AUTH', errCodeDes: 'invalid bill_type' },
        }),
      },
      /"code":"(?:FAIL|NO_AUTH)","detail":"\d{4}-\d\d-\d\d [^"]*invalid bill_type"/,
    ],
    [
      'order_not_finished',
      {
        on: 'orderquery',
        do: 'err-code',
        errCode: inProtocol({ v2: 'NOAUTH', v3: 'NO_AUTH' }),
        errCodeDes: '商户无此接口权限',
      },
      /"code":"NO_?AUTH","detail":"[^"]*商户无此接口权限"/,
    ],
    [
      'refund_not_finished',
      { on: 'refundquery', do: 'return-fail', returnMsg: '商户号mch_id与appid不匹配' },
      inProtocol({
        v2: /"code":"APPID_MCHID_NOT_MATCH","detail":"[^"]*商户号mch_id与appid不匹配"/,
        v3: /"code":"SIGN_ERROR","detail":"[^"]*商户号mch_id与appid不匹配"/,
      }),
    ],
  ])('quotes WeChat’s text in the log line %s', async (event, fault, refusalText) => {
    const { outTradeNo } = await shop.sell()
    await shop.placeOrder(await shop.logIn())
    const body = { outTradeNo, outRefundNo: `R-${outTradeNo}`, refundFee: 1 }
    await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })
    shop.advance(86_400_000)
    shop.wechat.misbehave(fault)
    await shop.cron()
    expect(lineOf(event)).toMatch(refusalText)
  })
})
