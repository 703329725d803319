/**
 * The notification of a refund in its final state. It is not signed. Its content is encrypted with
 * the merchant's key.
 */
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { toCdata, writeXml } from './xml.ts'
import { toBeijingText } from './beijing.ts'
import type { Fault } from './faults.ts'
import { RECEIVING_ACCOUNT } from './refund.ts'
import { OTHER_APPID, OTHER_KEY, OTHER_MCH_ID } from './signed-message.ts'
import type { Account, Simulation } from './simulation.ts'
import type { StoredOrder, StoredRefund } from './state.ts'

type Contents = Readonly<Record<string, string>>

/**
 * Queues the notification. Every delivery has the same bytes, because the encryption has no
 * initialisation vector.
 */
export function queueRefundNotification(
  { account, state, now }: Simulation,
  order: StoredOrder,
  refund: StoredRefund,
): void {
  if (refund.notifyUrl === '') return
  state.notifications.push({
    outTradeNo: order.outTradeNo,
    url: refund.notifyUrl,
    // A refund notification is not signed.
    signType: order.signType === 'RSA' ? 'HMAC-SHA256' : order.signType,
    message: {
      return_code: 'SUCCESS',
      appid: account.appid,
      mch_id: account.mchId,
      nonce_str: randomBytes(16).toString('hex'),
    },
    reqInfo: describe(order, refund),
    v3: null,
    attempts: [],
    rounds: 0,
    acknowledged: false,
    nextDueAt: now(),
  })
}

const describe = (order: StoredOrder, refund: StoredRefund): Record<string, string> => ({
  out_refund_no: refund.outRefundNo,
  out_trade_no: order.outTradeNo,
  refund_account: refund.refundAccount,
  refund_fee: String(refund.refundFee),
  refund_id: refund.refundId,
  // WeChat's spelling.
  refund_recv_accout: RECEIVING_ACCOUNT,
  refund_request_source: refund.requestSource,
  refund_status: refund.endsAs,
  settlement_refund_fee: String(refund.refundFee),
  settlement_total_fee: String(order.totalFee),
  ...(refund.endsAs === 'SUCCESS' ? { success_time: toBeijingText(refund.endsAt) } : {}),
  total_fee: String(order.totalFee),
  transaction_id: order.payment?.transactionId ?? '',
  cash_refund_fee: String(refund.refundFee),
})

/** One notification as WeChat writes it, or as the fault changes it. */
export function writeRefundNotification(
  message: Contents,
  reqInfo: Contents,
  account: Account,
  fault: Fault | null,
): string {
  if (fault?.do === 'err-code') {
    return write({ ...message, return_code: 'FAIL', return_msg: fault.errCodeDes ?? fault.errCode })
  }
  const key = fault?.do === 'wrong-key' ? OTHER_KEY : account.payKey
  const encrypted = encrypt(
    writePlain(fault?.do === 'wrong-amount' ? raised(reqInfo) : reqInfo),
    key,
  )
  if (fault?.do === 'tamper') spoil(encrypted)
  return write({
    ...message,
    ...(fault?.do === 'wrong-appid' ? { appid: OTHER_APPID } : {}),
    ...(fault?.do === 'wrong-mch-id' ? { mch_id: OTHER_MCH_ID } : {}),
    req_info: encrypted.toString('base64'),
  })
}

const write = (contents: Contents): string => writeXml(new Map(Object.entries(contents)))

const writePlain = (reqInfo: Contents): string =>
  [
    '<root>',
    ...Object.entries(reqInfo).map(([name, value]) => `<${name}>${toCdata(value)}</${name}>`),
    '</root>',
  ].join('\n')

/**
 * AES-256-ECB. The key is the MD5 of the merchant's key in hex: 32 characters, used as 32 bytes.
 */
function encrypt(plain: string, key: string): Buffer {
  const cipher = createCipheriv(
    'aes-256-ecb',
    createHash('md5').update(key, 'utf8').digest('hex'),
    null,
  )
  return Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
}

function raised(reqInfo: Contents): Contents {
  const more = String(Number(reqInfo['refund_fee']) + 1)
  return { ...reqInfo, refund_fee: more, settlement_refund_fee: more, cash_refund_fee: more }
}

/**
 * Flips one bit in the middle, which garbles one block of the plain text and leaves the rest
 * readable.
 */
function spoil(encrypted: Buffer): void {
  const middle = Math.floor(encrypted.length / 2)
  encrypted[middle] = (encrypted[middle] ?? 0) ^ 1
}
