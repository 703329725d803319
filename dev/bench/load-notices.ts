/** Notifications of orders that are there: signed beforehand, sent as WeChat sends them. */
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { toBeijingDigits } from '../../lib/core/time.ts'
import { signed } from '../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../lib/wechat/v2/xml.ts'
import { PRICE } from './load-orders.ts'
import { account } from './message-samples.ts'

export function notificationOf(outTradeNo: string, paidAt: Date): string {
  const fields = {
    appid: account.appid,
    bank_type: 'OTHERS',
    cash_fee: String(PRICE),
    fee_type: 'CNY',
    is_subscribe: 'N',
    mch_id: account.mchId,
    nonce_str: '5d2b6c2a8db53831f7eda20af46e531c',
    openid: 'oDemo000000000000000000User1',
    out_trade_no: outTradeNo,
    result_code: 'SUCCESS',
    return_code: 'SUCCESS',
    time_end: toBeijingDigits(paidAt),
    total_fee: String(PRICE),
    trade_type: 'JSAPI',
    transaction_id: `42${outTradeNo.replaceAll(/\D/g, '')}`,
  }
  return writeXml(signed(new Map(Object.entries(fields)), account.key, 'MD5'))
}

const agent = new Agent({ keepAlive: true })

/** @throws Error when it is not acknowledged. */
export async function sendNotification(url: string, notification: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const headers = {
    'content-type': 'text/xml; charset=utf-8',
    'content-length': Buffer.byteLength(notification),
  }
  request(
    `${url}/api/notify`,
    { method: 'POST', agent, headers },
    (response) => void text(response).then(resolve, reject),
  )
    .on('error', reject)
    .end(notification)
  const answer = await promise
  if (!answer.includes('SUCCESS')) throw new Error(`a notification was answered with ${answer}`)
}
