/** Notifications as WeChat or an attacker sends them. */
import { randomInt } from 'node:crypto'
import { toBeijingDigits } from '../../lib/core/time.ts'
import { signed, type Fields, type SignType } from '../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../lib/wechat/v2/xml.ts'
import { textOf, type Shop } from '../support/shop.ts'

/** WeChat's shape of a payment number: 28 digits. */
export const newTransactionId = (): string =>
  `420000999920250102${String(randomInt(10 ** 10)).padStart(10, '0')}`

/** The order's payer at WeChat; a made-up one if WeChat does not know the order. */
const payerOf = (shop: Shop, outTradeNo: string): string =>
  shop.wechat.orders().find((order) => order.outTradeNo === outTradeNo)?.openid ??
  'oDemo000000000000000000User1'

/** The fields of a payment notification for an order of one latte, before it is signed. */
export const notificationFields = (
  shop: Shop,
  outTradeNo: string,
  changes: Readonly<Record<string, string>> = {},
): Map<string, string> =>
  new Map(
    Object.entries({
      return_code: 'SUCCESS',
      return_msg: 'OK',
      appid: shop.world.env.WECHAT_APPID,
      mch_id: shop.world.env.WECHAT_MCH_ID,
      nonce_str: '5d2b6c2a8db53831f7eda20af46e531c',
      result_code: 'SUCCESS',
      openid: payerOf(shop, outTradeNo),
      is_subscribe: 'N',
      trade_type: 'JSAPI',
      bank_type: 'OTHERS',
      total_fee: '2800',
      fee_type: 'CNY',
      cash_fee: '2800',
      transaction_id: newTransactionId(),
      out_trade_no: outTradeNo,
      time_end: toBeijingDigits(new Date()),
      ...changes,
    }),
  )

/** The message as WeChat signs and writes it, or an attacker's version with another key. */
export const writeNotification = (
  fields: Fields,
  key: string,
  type: SignType = 'HMAC-SHA256',
): string => writeXml(signed(fields, key, type))

/** A validly signed payment notification for an order of one latte. */
export const genuineNotification = (
  shop: Shop,
  outTradeNo: string,
  changes: Readonly<Record<string, string>> = {},
): string =>
  writeNotification(notificationFields(shop, outTradeNo, changes), shop.world.env.WECHAT_PAY_KEY)

/** The bytes that WeChat sends for an order paid there. */
export function sentNotification(shop: Shop, outTradeNo: string): string {
  const notification = shop.wechat.notifications().find((sent) => sent.outTradeNo === outTradeNo)
  if (notification === undefined) throw new Error(`WeChat has no notification for ${outTradeNo}`)
  return writeNotification(
    new Map(Object.entries(notification.message)),
    shop.world.env.WECHAT_PAY_KEY,
    notification.signType,
  )
}

/** WeChat's payment number of an order paid there. */
export function transactionOf(shop: Shop, outTradeNo: string): string {
  const payment = shop.wechat.orders().find((order) => order.outTradeNo === outTradeNo)?.payment
  if (payment === null || payment === undefined)
    throw new Error(`${outTradeNo} is not paid at WeChat`)
  return payment.transactionId
}

/** One prepaid order of a new payer. */
export async function openOrder(shop: Shop): Promise<{ token: string; outTradeNo: string }> {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  textOf(await shop.prepay(token, outTradeNo), 'paySign')
  return { token, outTradeNo }
}
