/**
 * Which version of WeChat Pay's API new orders use, what still needs the other one, and the
 * settings of APIv3: makes WeChat's test call, or queries an order that cannot exist. Nothing is
 * created and no money moves.
 */
import { configuredProtocols, newOrderProtocol } from '../../lib/config/protocol.ts'
import { publicKeys, v3Key, v3Settings } from '../../lib/config/v3.ts'
import { accountSettings, signType } from '../../lib/config/wechat.ts'
import { createCertificateKeys } from '../../lib/wechat/v3/certificates.ts'
import { combineKeys, configuredKeys } from '../../lib/wechat/v3/platform-keys.ts'
import { tryEcho } from './echo.ts'
import { findOpenWork, NEEDS, openWorkVerdicts } from './open-work.ts'
import { isSet, within, type Check, type Patient } from './check.ts'
import { reporter, type Finding, type Verdicts } from './finding.ts'
import { NO_STORE, openV3, v3Tools } from './v3.ts'
import type { Environment } from '../../lib/config/environment.ts'

const CONSOLE = 'pay.weixin.qq.com → 账户中心 → API安全'
const NO_PAYMENT = 'no order of APIv3 can be paid, and every notification of APIv3 is refused'

const verdicts = {
  v2: { status: 'ok', what: 'new orders use APIv2, signed with {type}' },
  v3_public_key: {
    status: 'ok',
    what: 'new orders use APIv3, in public key mode',
  },
  v3_certificates: {
    status: 'ok',
    what: 'new orders use APIv3, in certificate mode',
  },
  not_chosen: {
    status: 'warning',
    what: 'APIv2 and APIv3 are both configured, and WECHAT_PAY_API is not set',
    why: 'new orders use APIv2',
    where: 'set WECHAT_PAY_API to v3 to place new orders with APIv3, or to v2 to stay',
  },
  also: { status: 'ok', what: 'orders that were placed with API{other} are finished with it' },
  no_certificate: {
    status: 'wrong',
    what: 'APIv3 lacks {names}',
    why: 'APIv3 signs every request with the key of the certificate: no order can be placed',
    where: `${CONSOLE} → 商户API证书: apiclient_cert.pem and apiclient_key.pem`,
  },
  other_lacks: {
    status: 'skipped',
    what: 'API{other} is not configured: it would need {names}',
  },
  ...openWorkVerdicts,
  v3_right: {
    status: 'ok',
    what: 'WeChat Pay accepts the certificate, and signs with the key that is configured (APIv3)',
  },
  v3_notified: {
    status: 'ok',
    what: 'WeChat Pay’s test notification arrived, and notify decrypted it with WECHAT_PAY_V3_KEY',
  },
  v3_not_notified: {
    status: 'warning',
    what: 'WeChat Pay’s test notification did not arrive within {seconds} seconds',
    why: 'payments of APIv3 may be found only by a query or by cron',
    where: `compare WECHAT_PAY_V3_KEY with ${CONSOLE} → APIv3密钥, and fix the address if doctor finds a fault of it; set the same key and the same Redis for the deployment, and redeploy`,
  },
  v3_not_notifiable: {
    status: 'skipped',
    what: 'WECHAT_PAY_V3_KEY and the notify URL were not tested with a notification: {reason}',
  },
  v3_refused: {
    status: 'wrong',
    what: 'WeChat Pay refuses the query of APIv3: {words}',
    why: NO_PAYMENT,
    where: `compare the certificate, WECHAT_MCH_ID and WECHAT_APPID with ${CONSOLE}`,
  },
  v3_not_signed: {
    status: 'wrong',
    what: 'the answer of APIv3 is not signed with a key of WeChat Pay that is configured',
    why: NO_PAYMENT,
    where: `compare WECHAT_PAY_PUBLIC_KEY and its id with ${CONSOLE} → 微信支付公钥; check the clock of this machine`,
  },
  v3_no_key: {
    status: 'wrong',
    what: '{problem} (WeChat Pay was asked for its certificates)',
    why: NO_PAYMENT,
    where: `${CONSOLE} → 微信支付公钥: set the key and its id; or compare the APIv3 key`,
  },
  v3_unknown: {
    status: 'unknown',
    what: 'WeChat Pay did not answer the query of APIv3',
    why: 'APIv3 was not tested',
    where: 'run it again in a minute, or from another network',
  },
} as const satisfies Verdicts

const say = reporter('api', verdicts)

const usesV3 = (env: Environment): boolean => configuredProtocols(env).includes('v3')

export const api: Check = {
  name: 'api',
  title: 'API of WeChat Pay',
  verdicts,
  settings: [
    {
      names: ['WECHAT_PAY_API'],
      read: newOrderProtocol,
      need: 'exception',
      what: 'v2 or v3: the API of new orders, if both are configured',
      why: 'no order can be placed',
      where: 'set it to v2 or v3, or remove it',
    },
    {
      names: ['WECHAT_PAY_V3_KEY'],
      read: v3Key,
      need: 'required',
      applies: usesV3,
      what: 'the APIv3 key: 32 characters that you choose and also set in the console',
      why: NO_PAYMENT,
      where: `${CONSOLE} → APIv3密钥`,
    },
    {
      names: ['WECHAT_PAY_PUBLIC_KEY', 'WECHAT_PAY_PUBLIC_KEY_ID'],
      read: publicKeys,
      need: 'feature',
      applies: usesV3,
      what: 'WeChat Pay’s public key (pub_key.pem) and its id (PUB_KEY_ID_…)',
      why: 'platform certificates are used, which a merchant registered since October 2024 does not have',
      where: `${CONSOLE} → 微信支付公钥`,
    },
    {
      names: ['WECHAT_PAY_PUBLIC_KEY_OTHER', 'WECHAT_PAY_PUBLIC_KEY_ID_OTHER'],
      read: publicKeys,
      need: 'exception',
      what: 'the previous or the next public key, while WeChat Pay’s key is being replaced',
      why: NO_PAYMENT,
      where: `${CONSOLE} → 微信支付公钥; remove it when the change is complete`,
    },
  ],
  inspect,
  examine: async (patient) => [
    ...(await findOpenWork(patient)),
    ...(usesV3(patient.env) ? await examineV3(patient) : []),
  ],
}

/** If the test call fails, the query of an order names the cause. The APIv3 key stays untested. */
async function examineV3(patient: Patient): Promise<readonly Finding[]> {
  const settings = v3Settings(patient.env)
  const keys = combineKeys(
    configuredKeys(settings),
    createCertificateKeys(settings, v3Tools, NO_STORE),
  )
  const echo = await tryEcho(patient, { ...settings, ...v3Tools, keys })
  const found = echo.isAnswered ? say('v3_right') : await askForOrder(patient)
  if (found.code !== 'v3_right') return [found]
  if ('untested' in echo) return [found, say('v3_not_notifiable', { reason: echo.untested })]
  const seconds = String(Math.round(patient.limitMs / 1000))
  return [found, echo.hasArrived ? say('v3_notified') : say('v3_not_notified', { seconds })]
}

async function askForOrder(patient: Patient): Promise<Finding> {
  const account = { ...accountSettings(patient.env), protocol: 'v3' }
  const asked = await within(patient, () => openV3(patient).gateway(account).probe('order'))
  if (asked.ok) return say('v3_right')
  switch (asked.error.reason) {
    case 'not_configured':
      return say('v3_no_key', { problem: `${asked.error.variable} ${asked.error.fault}` })
    case 'wechat_untrusted':
      return say('v3_not_signed')
    case 'wechat_misconfigured':
    case 'wechat_refused':
      return say('v3_refused', { words: `${asked.error.code} ${asked.error.text ?? ''}`.trim() })
    default:
      return say('v3_unknown')
  }
}

function inspect({ env }: Patient): readonly Finding[] {
  const protocol = newOrderProtocol(env)
  const [other] = configuredProtocols(env).filter((one) => one !== protocol)
  const lacking = ['WECHAT_PAY_CERT', 'WECHAT_PAY_CERT_KEY'].filter((name) => !isSet(env, name))
  return [
    protocol === 'v2'
      ? say('v2', { type: signType(env) })
      : say(publicKeys(env).size > 0 ? 'v3_public_key' : 'v3_certificates'),
    ...(usesV3(env) && lacking.length > 0
      ? [say('no_certificate', { names: lacking.join(', ') })]
      : []),
    other === undefined
      ? say('other_lacks', OTHERS[protocol])
      : say(isSet(env, 'WECHAT_PAY_API') ? 'also' : 'not_chosen', { other }),
  ]
}

/** The other protocol and its settings, by the protocol of new orders. */
const OTHERS = {
  v2: { other: 'v3', names: NEEDS.v3 },
  v3: { other: 'v2', names: NEEDS.v2 },
} as const
