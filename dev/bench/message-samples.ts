/** What everybody is given to verify and to sign, under one merchant's key. */
import { signed, type SignType } from '../../lib/wechat/v2/sign.ts'
import { demoValues } from '../world/demo-values.ts'

export const account = {
  appid: demoValues.WECHAT_APPID,
  mchId: demoValues.WECHAT_MCH_ID,
  key: demoValues.WECHAT_PAY_KEY,
} as const

export const PREPAY_ID = 'wx20250102030405000000000000000001'

/** The content of a unified order; who asks, a nonce and the signature are the signer's to add. */
export const orderContent: Readonly<Record<string, string>> = {
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
}

const paid: Readonly<Record<string, string>> = {
  appid: account.appid,
  attach: orderContent['attach'] ?? '',
  bank_type: 'OTHERS',
  cash_fee: '2800',
  device_info: 'WEB',
  fee_type: 'CNY',
  is_subscribe: 'N',
  mch_id: account.mchId,
  nonce_str: '5d2b6c2a8db53831f7eda20af46e531c',
  openid: orderContent['openid'] ?? '',
  out_trade_no: orderContent['out_trade_no'] ?? '',
  result_code: 'SUCCESS',
  return_code: 'SUCCESS',
  time_end: '20250102030501',
  total_fee: '2800',
  trade_type: 'JSAPI',
  transaction_id: '4200002500202501020000000001',
}

/** MD5 goes without saying; the other has to be named, or not every library would try it. */
export const paymentOf = (type: SignType): Readonly<Record<string, string>> =>
  type === 'MD5' ? paid : { ...paid, sign_type: type }

/** A notification of a payment as WeChat writes it: a line for each field, text in CDATA, numbers bare. */
export function notificationOf(type: SignType): Buffer {
  const fields = signed(new Map(Object.entries(paymentOf(type))), account.key, type)
  const lines = [...fields].map(
    ([name, value]) =>
      `<${name}>${name.endsWith('_fee') ? value : `<![CDATA[${value}]]>`}</${name}>`,
  )
  return Buffer.from(`<xml>\n${lines.join('\n')}\n</xml>`)
}

/** The same with another amount under the old signature. */
export const tamperedNotificationOf = (type: SignType): Buffer =>
  Buffer.from(notificationOf(type).toString('utf8').replace('<total_fee>2800<', '<total_fee>1<'))
