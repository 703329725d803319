/** The messages that all signers verify and sign, under the key of one merchant. */
import { signed, type SignType } from '../../lib/wechat/v2/sign.ts'
import { toBeijingDigits } from '../../lib/core/time.ts'
import { demoValues } from '../world/demo-values.ts'

export const account = {
  appid: demoValues.WECHAT_APPID,
  mchId: demoValues.WECHAT_MCH_ID,
  key: demoValues.WECHAT_PAY_KEY,
} as const

export const PREPAY_ID = 'wx20250102030405000000000000000001'
export const NONCE = '5d2b6c2a8db53831f7eda20af46e531c'

/** The content of a unified order. A signer adds the account, a nonce and the signature. */
export const orderContent = {
  body: '示例商城-拿铁',
  attach: 'store=1&src=mp',
  out_trade_no: '20250102030405000000000000000001',
  fee_type: 'CNY',
  total_fee: '2800',
  spbill_create_ip: '203.0.113.7',
  time_start: '20250102030405',
  time_expire: '20250102050405',
  notify_url: 'https://shop.example/api/notify',
  trade_type: 'JSAPI',
  openid: 'oDemo000000000000000000User1',
} as const

/** MD5 is the default; HMAC-SHA256 must be named, or some libraries would not try it. */
export const paymentOf = (
  type: SignType,
  outTradeNo: string = orderContent.out_trade_no,
  paidAt = new Date('2025-01-02T03:05:01+08:00'),
): Readonly<Record<string, string>> => ({
  appid: account.appid,
  attach: orderContent.attach,
  bank_type: 'OTHERS',
  cash_fee: orderContent.total_fee,
  device_info: 'WEB',
  fee_type: 'CNY',
  is_subscribe: 'N',
  mch_id: account.mchId,
  nonce_str: NONCE,
  openid: orderContent.openid,
  out_trade_no: outTradeNo,
  result_code: 'SUCCESS',
  return_code: 'SUCCESS',
  ...(type === 'MD5' ? {} : { sign_type: type }),
  time_end: toBeijingDigits(paidAt),
  total_fee: orderContent.total_fee,
  trade_type: 'JSAPI',
  transaction_id: `4200${outTradeNo.replaceAll(/\D/g, '').slice(0, 28)}`,
})

/**
 * A notification of a payment as WeChat writes it: one line for each field, text in CDATA, numbers
 * without.
 */
export function notificationOf(...payment: Parameters<typeof paymentOf>): Buffer {
  const fields = signed(new Map(Object.entries(paymentOf(...payment))), account.key, payment[0])
  const lines = [...fields].map(
    ([name, value]) =>
      `<${name}>${name.endsWith('_fee') ? value : `<![CDATA[${value}]]>`}</${name}>`,
  )
  return Buffer.from(`<xml>\n${lines.join('\n')}\n</xml>`)
}
