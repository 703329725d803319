/** Writes notifications of v2: XML with a signature, or with an encrypted part. */
import { createCipheriv, createHash } from 'node:crypto'
import { toBeijingDigits } from '../../../lib/core/time.ts'
import type { Fields } from '../../../lib/wechat/fields.ts'
import { signed, type SignType } from '../../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../../lib/wechat/xml.ts'
import { mode } from '../mode.ts'
import type { Message, PaymentFacts, RefundFacts, Value } from './message.ts'
import type { Writer } from './writer.ts'

const signType: SignType = mode === 'v2-md5' ? 'MD5' : 'HMAC-SHA256'

const FORGED_KEY = 'AnotherMerchantsKey0000000000001'

const toMessage = (body: string): Message => ({ body, headers: { 'content-type': 'text/xml' } })

const toFields = (values: Readonly<Record<string, Value>>): Map<string, string> =>
  new Map(
    Object.entries(values).flatMap(([name, value]) =>
      value === null ? [] : [[name, String(value)] as const],
    ),
  )

/** The fields of a payment notification, before it is signed. */
export const paymentFields = (facts: PaymentFacts): Map<string, string> =>
  toFields({
    return_code: 'SUCCESS',
    return_msg: 'OK',
    appid: facts.appid,
    mch_id: facts.mchId,
    nonce_str: '5d2b6c2a8db53831f7eda20af46e531c',
    ...(facts.isPaid
      ? { result_code: 'SUCCESS' }
      : { result_code: 'FAIL', err_code: 'SYSTEMERROR', err_code_des: '系统错误' }),
    openid: facts.payer,
    is_subscribe: 'N',
    trade_type: 'JSAPI',
    bank_type: facts.bankType,
    total_fee: facts.totalFee,
    fee_type: facts.feeType,
    cash_fee: facts.cashFee,
    transaction_id: facts.transactionId,
    out_trade_no: facts.outTradeNo,
    time_end: typeof facts.paidAt === 'string' ? facts.paidAt : toBeijingDigits(facts.paidAt),
    attach: facts.attach,
  })

/** The message as WeChat signs and writes it, or a forger's with another key. */
export const writePayment = (fields: Fields, key: string, type: SignType = signType): string =>
  writeXml(signed(fields, key, type))

/** The encrypted part of a refund notification. */
function encrypt(plain: string, key: string): string {
  const secret = createHash('md5').update(key, 'utf8').digest('hex')
  const cipher = createCipheriv('aes-256-ecb', secret, null)
  return Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]).toString('base64')
}

function writeRefund(facts: RefundFacts, key: string): string {
  const plain = toFields({
    out_refund_no: facts.outRefundNo,
    out_trade_no: facts.outTradeNo,
    refund_fee: facts.refundFee,
    refund_id: facts.refundId,
    refund_status: facts.refundStatus,
    settlement_refund_fee: facts.refundFee,
    success_time: beijingTime(facts.refundedAt),
    total_fee: facts.totalFee,
    transaction_id: facts.transactionId,
  })
  const root = writeXml(plain).replaceAll(/(<\/?)xml>/g, '$1root>')
  return writeXml(
    toFields({
      return_code: 'SUCCESS',
      appid: facts.appid,
      mch_id: facts.mchId,
      nonce_str: '5d2b6c2a8db53831f7eda20af46e531c',
      req_info: encrypt(root, key),
    }),
  )
}

/** `YYYY-MM-DD hh:mm:ss` */
const beijingTime = (at: Date): string =>
  toBeijingDigits(at).replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3 $4:$5:$6')

const SIGN = /<sign>.*?<\/sign>/

export const v2: Writer = {
  payment(shop, facts, signer) {
    const fields = paymentFields(facts)
    if (signer === 'unsigned') return toMessage(writeXml(fields))
    const key = signer === 'WeChat' ? shop.world.env.WECHAT_PAY_KEY : FORGED_KEY
    return toMessage(writePayment(fields, key))
  },
  refund: (shop, facts, signer) =>
    toMessage(writeRefund(facts, signer === 'WeChat' ? shop.world.env.WECHAT_PAY_KEY : FORGED_KEY)),
  withSignatureOf(signedMessage, content) {
    const [sign = ''] = SIGN.exec(String(signedMessage.body)) ?? []
    return toMessage(String(content.body).replace(SIGN, sign))
  },
  sent(shop, { message, reqInfo, signType: type }) {
    const key = shop.world.env.WECHAT_PAY_KEY
    const fields = new Map(Object.entries(message))
    if (reqInfo === null) return toMessage(writePayment(fields, key, type))
    const root = writeXml(new Map(Object.entries(reqInfo))).replaceAll(/(<\/?)xml>/g, '$1root>')
    return toMessage(writeXml(fields.set('req_info', encrypt(root, key))))
  },
  acknowledgements: {
    TAKEN: { status: 200, code: 'SUCCESS' },
    REFUSED: { status: 200, code: 'FAIL' },
    NOT_NOW: { status: 200, code: 'FAIL' },
    TOO_LARGE: { status: 413, code: 'FAIL' },
  },
}
