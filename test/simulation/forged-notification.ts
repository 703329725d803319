/**
 * A notification of a payment that is signed with WeChat's keys, as WeChat would send it or as a
 * forger with the keys could.
 */
import { createPublicKey, sign, X509Certificate, type KeyObject } from 'node:crypto'
import { demoV3Values } from '../../dev/world/demo-values.ts'
import { toBeijingDigits, toRfc3339 } from '../../dev/wechat/beijing.ts'
import { withSignature } from '../../dev/wechat/signature.ts'
import { encrypt } from '../../dev/wechat/v3/encryption.ts'
import { writeXml } from '../../dev/wechat/xml.ts'
import { findPrivateKey, type Protocol } from './account.ts'
import type { World } from './world.ts'

interface Payment {
  readonly outTradeNo: string
  readonly transactionId: string
  readonly totalFee: number
  readonly openid: string
  readonly paidAt: Date
  readonly attach: string
}

/** A message to `/api/notify`. */
export interface Message {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export const writePaymentNotification = (
  world: World,
  protocol: Protocol,
  payment: Payment,
): Message => (protocol === 'v2' ? writeV2(world, payment) : writeV3(world, payment))

function writeV2({ env }: World, payment: Payment): Message {
  const { attach, outTradeNo, transactionId, totalFee, openid, paidAt } = payment
  const fields = Object.entries({
    return_code: 'SUCCESS',
    result_code: 'SUCCESS',
    appid: env.WECHAT_APPID,
    mch_id: env.WECHAT_MCH_ID,
    nonce_str: 'nonce',
    openid,
    out_trade_no: outTradeNo,
    transaction_id: transactionId,
    total_fee: String(totalFee),
    cash_fee: String(totalFee),
    time_end: toBeijingDigits(paidAt.getTime()),
    ...(attach === '' ? {} : { attach }),
  })
  const headers = { 'content-type': 'text/xml' }
  return {
    body: writeXml(withSignature(new Map(fields), env.WECHAT_PAY_KEY, 'HMAC-SHA256')),
    headers,
  }
}

function writeV3(world: World, payment: Payment): Message {
  const { env } = world
  const { attach, outTradeNo, transactionId, totalFee, openid, paidAt } = payment
  return writeV3Event(world, 'TRANSACTION.SUCCESS', 'transaction', {
    appid: env.WECHAT_APPID,
    mchid: env.WECHAT_MCH_ID,
    out_trade_no: outTradeNo,
    transaction_id: transactionId,
    trade_type: 'JSAPI',
    trade_state: 'SUCCESS',
    trade_state_desc: '支付成功',
    bank_type: 'OTHERS',
    attach,
    success_time: toRfc3339(paidAt.getTime()),
    payer: { openid },
    amount: { total: totalFee, payer_total: totalFee, currency: 'CNY', payer_currency: 'CNY' },
  })
}

/** An event of any kind, signed with WeChat's newest key. */
export function writeV3Event(
  world: World,
  eventType: string,
  originalType: string,
  plain: object,
): Message {
  const at = world.time.now()
  const { serial, privateKey } = newestKey(world)
  const body = JSON.stringify({
    id: 'EV-1',
    create_time: toRfc3339(at),
    resource_type: 'encrypt-resource',
    event_type: eventType,
    summary: '-',
    resource: {
      original_type: originalType,
      ...encrypt(demoV3Values.WECHAT_PAY_V3_KEY, JSON.stringify(plain), originalType),
    },
  })
  const timestamp = String(Math.floor(at / 1_000))
  const signature = sign('sha256', Buffer.from(`${timestamp}\nnonce\n${body}\n`), privateKey)
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'wechatpay-timestamp': timestamp,
      'wechatpay-nonce': 'nonce',
      'wechatpay-serial': serial,
      'wechatpay-signature': signature.toString('base64'),
      'wechatpay-signature-type': 'WECHATPAY2-SHA256-RSA2048',
    },
  }
}

/** Without an account of v3, the message has a valid form, and a key that the shop cannot know. */
function newestKey({ account, simulator }: World): { serial: string; privateKey: KeyObject } {
  const { publicKeys, certificates } =
    account.v3 === null ? { publicKeys: [], certificates: [] } : simulator.keys()
  const [key, certificate] = [publicKeys.at(-1), certificates.at(-1)]
  if (key !== undefined)
    return { serial: key.id, privateKey: findPrivateKey(createPublicKey(key.pem)) }
  return certificate === undefined
    ? { serial: 'PUB_KEY_ID_0', privateKey: findPrivateKey(null) }
    : {
        serial: certificate.serial,
        privateKey: findPrivateKey(new X509Certificate(certificate.pem).publicKey),
      }
}
