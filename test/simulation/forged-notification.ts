/**
 * A notification of a payment that is signed with WeChat's keys, as WeChat would send it or as a
 * forger with the keys could.
 */
import {
  createPublicKey,
  generateKeyPairSync,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto'
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

/**
 * The false part of a notification. The transaction is invented, and all other fields are those of
 * the order.
 */
export const FORGERIES_OF_PAYMENTS = [
  'wrong signature',
  'other amount',
  'other currency',
  'other merchant',
  'other app',
  'other payer',
  'paid before the order',
  /** Only messages of APIv3 have a time. */
  'old message',
  /**
   * A text that WeChat's key signed for another product. In APIv2 it is split into the fields of a
   * notification.
   */
  'text of another product',
] as const
export type ForgeryOfPayment = (typeof FORGERIES_OF_PAYMENTS)[number]

/** In APIv2, the fields of the other product may be hidden in a value of the notification. */
export const HIDING_PLACES = ['own field', 'other field', 'attach'] as const
export type HidingPlace = (typeof HIDING_PLACES)[number]

/** These are compared with the order. The others are refused or ignored before it is looked up. */
export const COMPARED: readonly ForgeryOfPayment[] = [
  'other amount',
  'other currency',
  'other payer',
  'paid before the order',
  'text of another product',
]

/** Older than WeChat's messages may be. */
const OLD_MS = 10 * 60_000
/** Longer before its payment than any order of a history is placed. */
const BEFORE_MS = 30 * 86_400_000

/** A message to `/api/notify`. */
export interface Message {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export function writePaymentNotification(
  world: World,
  protocol: Protocol,
  payment: Payment,
  forgery: ForgeryOfPayment | null = null,
  hidden: HidingPlace | null = null,
): Message {
  const { totalFee, paidAt } = payment
  const spoiled = {
    ...payment,
    totalFee: forgery === 'other amount' ? totalFee - 1 : totalFee,
    openid: forgery === 'other payer' ? OTHER.openid : payment.openid,
    paidAt: forgery === 'paid before the order' ? new Date(paidAt.getTime() - BEFORE_MS) : paidAt,
  }
  return protocol === 'v2'
    ? writeV2(world, spoiled, forgery, hidden)
    : writeV3(world, spoiled, forgery)
}

const OTHER = {
  appid: 'wx00000000other001',
  mchId: '1900009999',
  currency: 'USD',
  openid: 'oOtherPayerOtherPayerOther01',
} as const

/** The account and the currency that a message names. */
const termsOf = ({ env }: World, forgery: ForgeryOfPayment | null) => ({
  appid: forgery === 'other app' ? OTHER.appid : env.WECHAT_APPID,
  mchId: forgery === 'other merchant' ? OTHER.mchId : env.WECHAT_MCH_ID,
  currency: forgery === 'other currency' ? OTHER.currency : 'CNY',
})

/**
 * The fields that the other product wrote itself. The forger typed the fields of the notification
 * into a text of that product.
 */
const fieldsOfProduct = (hidden: HidingPlace | null, attach: string): Record<string, string> => {
  switch (hidden) {
    case null:
      return {}
    case 'own field':
      return { zone: '1' }
    case 'other field':
      return { zone: '&appid=wx1&mch_id=1900009999&nonce_str=own&zone=1' }
    case 'attach':
      return { attach: `${attach}&attended=1` }
  }
}

function writeV2(
  world: World,
  payment: Payment,
  forgery: ForgeryOfPayment | null,
  hidden: HidingPlace | null,
): Message {
  const { attach, outTradeNo, transactionId, totalFee, openid, paidAt } = payment
  const { appid, mchId, currency } = termsOf(world, forgery)
  // Every field that WeChat documents, because a message without one of them is only a hint.
  const fields = Object.entries({
    bank_type: 'OTHERS',
    is_subscribe: 'N',
    trade_type: 'JSAPI',
    return_code: 'SUCCESS',
    result_code: 'SUCCESS',
    appid,
    mch_id: mchId,
    nonce_str: 'nonce',
    openid,
    out_trade_no: outTradeNo,
    transaction_id: transactionId,
    total_fee: String(totalFee),
    cash_fee: String(totalFee),
    fee_type: currency,
    time_end: toBeijingDigits(paidAt.getTime()),
    ...(attach === '' ? {} : { attach }),
    ...fieldsOfProduct(hidden, attach),
  })
  const headers = { 'content-type': 'text/xml' }
  const key = world.env.WECHAT_PAY_KEY
  const signingKey = forgery === 'wrong signature' ? key.replaceAll(/./g, 'x') : key
  return {
    body: writeXml(withSignature(new Map(fields), signingKey, 'HMAC-SHA256')),
    headers,
  }
}

function writeV3(world: World, payment: Payment, forgery: ForgeryOfPayment | null): Message {
  const { appid, mchId, currency } = termsOf(world, forgery)
  const { attach, outTradeNo, transactionId, totalFee, openid, paidAt } = payment
  const facts = {
    appid,
    mchid: mchId,
    out_trade_no: outTradeNo,
    transaction_id: transactionId,
    ...(forgery === 'text of another product' ? { sub_mchid: OTHER.mchId } : {}),
    trade_type: 'JSAPI',
    trade_state: 'SUCCESS',
    trade_state_desc: '支付成功',
    bank_type: 'OTHERS',
    attach,
    success_time: toRfc3339(paidAt.getTime()),
    payer: { openid },
    amount: { total: totalFee, payer_total: totalFee, currency, payer_currency: 'CNY' },
  }
  return writeV3Event(world, 'TRANSACTION.SUCCESS', 'transaction', facts, forgery)
}

/** A key that WeChat never had. */
const STRANGE_KEY = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey

/** An event of any kind, signed with WeChat's newest key. */
export function writeV3Event(
  world: World,
  eventType: string,
  originalType: string,
  plain: object,
  forgery: ForgeryOfPayment | null = null,
): Message {
  const at = world.time.now() - (forgery === 'old message' ? OLD_MS : 0)
  const { serial, privateKey } = newestKey(world)
  const signingKey = forgery === 'wrong signature' ? STRANGE_KEY : privateKey
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
  const signature = sign('sha256', Buffer.from(`${timestamp}\nnonce\n${body}\n`), signingKey)
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
