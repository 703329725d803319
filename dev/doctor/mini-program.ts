/** The appid and its secret: requests the current access token, which stays valid. */
import { autoShipping, virtualGoodsAllowed } from '../../lib/config/orders.ts'
import { appid, appSecret, miniProgramHost, miniProgramSettings } from '../../lib/config/wechat.ts'
import { fetchAccessToken } from '../../lib/wechat/shipping.ts'
import { ask } from './ask.ts'
import { isForReal, isSet, within, type Check, type Patient } from './check.ts'
import { reporter, type Finding, type Verdicts } from './finding.ts'
import { isPayKey } from './pay.ts'

const CONSOLE = 'mp.weixin.qq.com → 开发管理 → 开发设置'
const NO_LOGIN = 'no user can log in, and no shipment can be reported'

const VIRTUAL_RULE =
  'since 2026-04-01 WeChat restricts Mini Programs that sell virtual goods (currency, memberships, paid content, courses) by ordinary payment'

const verdicts = {
  secret_right: { status: 'ok', what: 'WeChat accepts WECHAT_APPID and WECHAT_APP_SECRET' },
  secret_wrong: {
    status: 'wrong',
    what: 'WeChat does not accept WECHAT_APP_SECRET ({code})',
    why: NO_LOGIN,
    where: `compare WECHAT_APP_SECRET with what your other systems use, and WECHAT_APPID with ${CONSOLE} → AppID; check whether it and WECHAT_PAY_KEY are swapped. Reset the AppSecret only if it is lost: the old one then stops working for every system that uses it`,
  },
  secret_is_pay_key: {
    status: 'wrong',
    what: 'WECHAT_APP_SECRET holds the APIv2 key of the merchant',
    why: NO_LOGIN,
    where: 'set it to the AppSecret, which may be in WECHAT_PAY_KEY if the two are swapped',
  },
  secret_frozen: {
    status: 'wrong',
    what: 'the AppSecret is frozen (40243)',
    why: NO_LOGIN,
    where: `${CONSOLE}: unfreeze the AppSecret`,
  },
  appid_unknown: {
    status: 'wrong',
    what: 'WeChat does not know WECHAT_APPID (40013)',
    why: NO_LOGIN,
    where: `${CONSOLE}: compare the AppID`,
  },
  ip_list: {
    status: 'wrong',
    what: 'the Mini Program accepts calls from listed addresses only (40164)',
    why: 'functions have changing addresses, so logins fail',
    where: `${CONSOLE}: switch the IP allow-list (IP白名单) off`,
  },
  refused: {
    status: 'wrong',
    what: 'WeChat does not issue an access token ({code})',
    why: NO_LOGIN,
    where: 'look up the code in WeChat’s documentation of getStableAccessToken',
  },
  not_wechat: {
    status: 'unknown',
    what: 'the server that answered for {host} is not WeChat',
    why: 'the AppSecret was not tested',
    where: 'try from another network: a proxy or a login page may be in between',
  },
  busy: {
    status: 'unknown',
    what: 'WeChat is busy, or its daily limit is reached',
    why: 'the AppSecret was not tested',
    where: 'run it again in a minute',
  },
  unreachable: {
    status: 'unknown',
    what: 'WeChat ({host}) cannot be reached: {cause}',
    why: 'the AppSecret was not tested',
    where: 'try from another network',
  },
  appid_unusual: {
    status: 'warning',
    what: 'WECHAT_APPID has other characters than 0-9 and a-f after wx',
    why: 'an appid never does: perhaps an O was typed for a 0',
    where: `${CONSOLE}: copy the AppID`,
  },
  secret_is_appid: {
    status: 'warning',
    what: 'WECHAT_APP_SECRET looks like an appid: perhaps it and WECHAT_APPID are swapped',
    why: NO_LOGIN,
    where: `${CONSOLE}: the AppID begins with wx, the AppSecret is 32 characters of 0-9 and a-f`,
  },
  secret_swapped: {
    status: 'warning',
    what: 'WECHAT_APP_SECRET and WECHAT_PAY_KEY look swapped: only WECHAT_PAY_KEY has the form of an AppSecret',
    why: 'no user can log in, and no order can be paid',
    where: 'compare both with what your other systems use, and swap them',
  },
  virtual_not_allowed: {
    status: 'wrong',
    what: 'WECHAT_AUTO_SHIPPING is virtual, and WECHAT_VIRTUAL_GOODS_ALLOWED is not set',
    why: `no order can be placed: ${VIRTUAL_RULE}`,
    where:
      'goods and services that are used offline: set WECHAT_AUTO_SHIPPING to self_pickup. Virtual goods that WeChat lets you sell by ordinary payment: set WECHAT_VIRTUAL_GOODS_ALLOWED to 1. Others need the Mini Program’s virtual payment (虚拟支付)',
  },
  secret_unusual: {
    status: 'warning',
    what: 'WECHAT_APP_SECRET is not 32 characters of 0-9 and a-f',
    why: 'an AppSecret always is: perhaps another key was pasted',
    where: `${CONSOLE}: the AppSecret of the Mini Program, not the APIv2 key`,
  },
} as const satisfies Verdicts

const say = reporter('mini-program', verdicts)

export const miniProgram: Check = {
  name: 'mini-program',
  title: 'Mini Program',
  verdicts,
  settings: [
    {
      names: ['WECHAT_APPID'],
      read: appid,
      doubt: (patient) =>
        isForReal(patient) && !/^wx[0-9a-f]{16}$/.test(appid(patient.env))
          ? say('appid_unusual')
          : null,
      need: 'required',
      what: 'the AppID of the Mini Program: wx and 16 characters',
      why: NO_LOGIN,
      where: `${CONSOLE} → AppID`,
    },
    {
      names: ['WECHAT_APP_SECRET'],
      read: appSecret,
      doubt: doubtSecret,
      need: 'required',
      what: 'its secret: 32 characters, shown once when it is created',
      why: NO_LOGIN,
      where: `${CONSOLE} → AppSecret`,
    },
    {
      names: ['WECHAT_API_URL'],
      read: miniProgramHost,
      need: 'exception',
      what: 'a stand-in for api.weixin.qq.com',
      why: 'a stand-in for WeChat can log in as any user',
      where: 'remove it: it is for trials only',
    },
    {
      names: ['WECHAT_AUTO_SHIPPING'],
      read: autoShipping,
      doubt: ({ env }) =>
        autoShipping(env) === 'virtual' && !isSet(env, 'WECHAT_VIRTUAL_GOODS_ALLOWED')
          ? say('virtual_not_allowed')
          : null,
      need: 'exception',
      what: 'virtual or self_pickup',
      why: 'shipments are not reported automatically',
      where: 'set it to virtual or self_pickup, or remove it',
    },
    {
      names: ['WECHAT_VIRTUAL_GOODS_ALLOWED'],
      read: (env) => virtualGoodsAllowed(env) || null,
      need: 'exception',
      what: `1 if the shop may sell virtual goods by ordinary payment: ${VIRTUAL_RULE}`,
      why: 'nothing can be shipped as virtual',
      where: 'set it to 1, or remove it',
    },
  ],
  examine: async (patient) => [await askForToken(patient)],
}

const APP_SECRET = /^[0-9a-f]{32}$/

function doubtSecret(patient: Patient): Finding | null {
  const secret = appSecret(patient.env)
  if (/^wx[0-9a-f]{16}$/i.test(secret)) return say('secret_is_appid')
  if (APP_SECRET.test(secret)) return null
  if (APP_SECRET.test(patient.env['WECHAT_PAY_KEY'] ?? '')) return say('secret_swapped')
  return isForReal(patient) ? say('secret_unusual') : null
}

async function askForToken(patient: Patient): Promise<Finding> {
  const settings = miniProgramSettings(patient.env)
  const { host } = new URL(settings.host)
  const given = await within(patient, () => fetchAccessToken(settings))
  if (given.ok) return say('secret_right')
  switch (given.error.reason) {
    case 'wechat_misconfigured':
    case 'wechat_refused':
      return refusal(given.error.code, () => isPayKey(patient, settings.secret))
    case 'wechat_busy':
      return say('busy')
    case 'wechat_unknown': {
      const found = await ask(settings.host, { method: 'GET', limitMs: patient.limitMs })
      return 'cause' in found ? say('unreachable', { ...found, host }) : say('busy')
    }
    default:
      return say('not_wechat', { host })
  }
}

async function refusal(code: string, isThePayKey: () => Promise<boolean>): Promise<Finding> {
  switch (code) {
    case '40001':
    case '40125':
      return (await isThePayKey()) ? say('secret_is_pay_key') : say('secret_wrong', { code })
    case '40013':
      return say('appid_unknown')
    case '40164':
      return say('ip_list')
    case '40243':
      return say('secret_frozen')
    default:
      return say('refused', { code })
  }
}
