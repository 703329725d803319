/**
 * The merchant, its APIv2 key and its appid: queries an order that cannot exist. Nothing is created
 * and no money moves.
 */
import { randomBytes } from 'node:crypto'
import { maxOpenOrders } from '../../lib/config/orders.ts'
import { configuredProtocols } from '../../lib/config/protocol.ts'
import {
  merchantNumber,
  otherPayKey,
  payHosts,
  payKey,
  paySettings,
  signType,
} from '../../lib/config/wechat.ts'
import { ConfigError, type Failure } from '../../lib/core/failure.ts'
import { call } from '../../lib/wechat/v2/call.ts'
import type { PaySettings } from '../../lib/wechat/v2/keys.ts'
import { newNonce } from '../../lib/wechat/nonce.ts'
import { ask } from './ask.ts'
import { within, type Check, type Patient } from './check.ts'
import { reporter, type Finding, type Verdicts } from './finding.ts'

const KEY_PAGE = 'pay.weixin.qq.com → 账户中心 → API安全 → APIv2密钥'
const NO_PAYMENT = 'no order can be paid, and every payment notification is refused'
const NOT_TESTED = 'the APIv2 key was not tested'

const verdicts = {
  key_right: {
    status: 'ok',
    what: 'WeChat Pay accepts WECHAT_PAY_KEY, and merchant and appid belong together (it answered ORDERNOTEXIST)',
  },
  key_wrong: {
    status: 'wrong',
    what: 'WeChat Pay does not accept the signature (SIGNERROR)',
    why: NO_PAYMENT,
    where: `compare WECHAT_PAY_KEY with what your other systems use: the APIv2 key, not APIv3, of the merchant WECHAT_MCH_ID. The console never shows it. Only if it is lost, set another one of 32 characters (${KEY_PAGE}) and the same one here: the old one then stops working for every system that uses it`,
  },
  key_is_elsewhere: {
    status: 'wrong',
    what: 'the APIv2 key is in WECHAT_APP_SECRET, and WECHAT_PAY_KEY holds something else',
    why: NO_PAYMENT,
    where: 'move it to WECHAT_PAY_KEY; if WECHAT_PAY_KEY holds the AppSecret, the two are swapped',
  },
  other_key_right: {
    status: 'warning',
    what: 'WeChat Pay uses WECHAT_PAY_KEY_OTHER, and not WECHAT_PAY_KEY',
    why: 'everything works, but a new instance makes each call twice',
    where: `set WECHAT_PAY_KEY to the new key once ${KEY_PAGE} has it (docs/security.md, Changing them)`,
  },
  not_bound: {
    status: 'wrong',
    what: 'WECHAT_APPID and WECHAT_MCH_ID are not bound to each other (APPID_MCHID_NOT_MATCH)',
    why: 'no order can be placed',
    where:
      'pay.weixin.qq.com → 产品中心 → AppID账号管理: bind the appid; then mp.weixin.qq.com → 微信支付: agree',
  },
  merchant_unknown: {
    status: 'wrong',
    what: 'WeChat Pay does not know WECHAT_MCH_ID (MCHID_NOT_EXIST)',
    why: 'no order can be placed',
    where: 'pay.weixin.qq.com → 账户中心 → 商户信息: compare the merchant number (商户号)',
  },
  appid_unknown: {
    status: 'wrong',
    what: 'WeChat Pay does not know WECHAT_APPID (APPID_NOT_EXIST)',
    why: 'no order can be placed',
    where: 'mp.weixin.qq.com → 开发管理 → 开发设置: compare the AppID',
  },
  no_permission: {
    status: 'wrong',
    what: 'the merchant may not use this payment product (NOAUTH)',
    why: 'no order can be placed',
    where: 'pay.weixin.qq.com → 产品中心 → 我的产品: apply for JSAPI支付',
  },
  refused: {
    status: 'wrong',
    what: 'WeChat Pay refuses the query: {words}',
    why: 'it would refuse orders, too',
    where:
      'pay.weixin.qq.com: look for a message to the merchant; compare WECHAT_MCH_ID and WECHAT_APPID',
  },
  not_signed: {
    status: 'wrong',
    what: 'the answer is not signed with WECHAT_PAY_KEY',
    why: 'its sender is unknown, and every answer or notification like it is refused',
    where: `compare ${KEY_PAGE}; if it is the same, a network between here and WeChat changes messages`,
  },
  other_merchant: {
    status: 'wrong',
    what: 'the answer is about another merchant or another appid',
    why: 'every answer or notification like it is refused',
    where: 'compare WECHAT_MCH_ID and WECHAT_APPID with pay.weixin.qq.com → 账户中心',
  },
  not_wechat: {
    status: 'unknown',
    what: 'the server that answered for {host} is not WeChat Pay',
    why: NOT_TESTED,
    where: 'try from another network: a proxy or a login page may be in between',
  },
  busy: {
    status: 'unknown',
    what: 'WeChat Pay is busy',
    why: NOT_TESTED,
    where: 'run it again in a minute',
  },
  unreachable: {
    status: 'unknown',
    what: 'WeChat Pay ({host}) cannot be reached: {cause}',
    why: NOT_TESTED,
    where: 'try from another network',
  },
} as const satisfies Verdicts

const say = reporter('pay', verdicts)

export const pay: Check = {
  name: 'pay',
  title: 'WeChat Pay',
  verdicts,
  settings: [
    {
      names: ['WECHAT_MCH_ID'],
      read: merchantNumber,
      need: 'required',
      what: 'the merchant number: 8 to 10 digits',
      why: NO_PAYMENT,
      where: 'pay.weixin.qq.com → 账户中心 → 商户信息 → 商户号',
    },
    {
      names: ['WECHAT_PAY_KEY'],
      read: payKey,
      need: 'required',
      applies: (env) => configuredProtocols(env).includes('v2'),
      what: 'the APIv2 key: 32 characters that you choose and also set in the console',
      why: NO_PAYMENT,
      where: KEY_PAGE,
    },
    {
      names: ['WECHAT_PAY_KEY_OTHER'],
      read: otherPayKey,
      need: 'exception',
      what: 'the previous or the next key, while the key is being changed',
      why: NO_PAYMENT,
      where: `${KEY_PAGE}; remove it when the change is complete`,
    },
    {
      names: ['WECHAT_SIGN_TYPE'],
      read: signType,
      need: 'exception',
      what: 'HMAC-SHA256 or MD5',
      why: NO_PAYMENT,
      where: 'remove it: HMAC-SHA256 is used if the variable is not set',
    },
    {
      names: ['MAX_OPEN_ORDERS'],
      read: maxOpenOrders,
      need: 'exception',
      what: 'a whole number from 1 to 9999',
      why: 'no payer can place an order',
      where:
        'set it to such a number, or remove it: a payer may then have 50 unpaid orders at a time',
    },
    {
      names: ['WECHAT_PAY_URL'],
      read: payHosts,
      need: 'exception',
      what: 'a stand-in for api.mch.weixin.qq.com',
      why: 'a stand-in for WeChat Pay can confirm payments that were never made',
      where: 'remove it: it is for trials only',
    },
  ],
  examine: async (patient) =>
    configuredProtocols(patient.env).includes('v2') ? [await askWithKeys(patient)] : [],
}

/** 104 random bits. Orders of this project have another form. */
export const impossibleOrder = (): string => `doctor${randomBytes(13).toString('hex')}`

async function askWithKeys(patient: Patient): Promise<Finding> {
  const { otherKey, ...settings } = paySettings(patient.env)
  const found = await askForOrder(patient, settings)
  if (found.code !== 'key_wrong') return found
  const other =
    otherKey === undefined ? null : await askForOrder(patient, { ...settings, key: otherKey })
  if (other?.code === 'key_right') return say('other_key_right')
  return (await isPayKey(patient, patient.env['WECHAT_APP_SECRET'] ?? ''))
    ? say('key_is_elsewhere')
    : found
}

/**
 * Whether WeChat Pay accepts it as the APIv2 key. The key is not sent: a query is signed with it.
 */
export async function isPayKey(patient: Patient, key: string): Promise<boolean> {
  try {
    const settings = paySettings({
      ...patient.env,
      WECHAT_PAY_KEY: key,
      WECHAT_PAY_KEY_OTHER: undefined,
    })
    return (await askForOrder(patient, settings)).code === 'key_right'
  } catch (error) {
    if (error instanceof ConfigError) return false
    throw error
  }
}

async function askForOrder(patient: Patient, settings: PaySettings): Promise<Finding> {
  const said = await within(patient, () =>
    call(
      { ...settings, newNonce },
      '/pay/orderquery',
      new Map([['out_trade_no', impossibleOrder()]]),
    ),
  )
  if (said.ok) return say('key_right')
  const { host } = new URL(settings.hosts[0])
  if (said.error.reason !== 'wechat_unknown') return judge(said.error, host)
  const found = await ask(settings.hosts[0], { method: 'GET', limitMs: patient.limitMs })
  return 'cause' in found ? say('unreachable', { ...found, host }) : say('busy')
}

function judge(failure: Failure, host: string): Finding {
  switch (failure.reason) {
    case 'wechat_misconfigured':
      return refusal(failure.code, failure.text ?? '')
    case 'wechat_refused':
      return refusal(failure.code, failure.text)
    case 'wechat_untrusted':
      if (failure.check === 'signature') return say('not_signed')
      return failure.check === 'merchant' ? say('other_merchant') : say('not_wechat', { host })
    default:
      return say('busy')
  }
}

/** For some failures WeChat sends only a text, without a code and unsigned. */
function refusal(code: string, text: string): Finding {
  if (code === 'SIGNERROR') return say('key_wrong')
  if (code === 'APPID_MCHID_NOT_MATCH' || /不匹配/.test(text)) return say('not_bound')
  if (code === 'MCHID_NOT_EXIST') return say('merchant_unknown')
  if (code === 'APPID_NOT_EXIST') return say('appid_unknown')
  return code === 'NOAUTH'
    ? say('no_permission')
    : say('refused', { words: `${code} ${text}`.trim() })
}
