/** The settings of the Mini Program and of WeChat Pay. */
import type { Account } from '../core/account.ts'
import { find, findOverride, read, readAscii, refuse, type Environment } from './environment.ts'
import { newOrderProtocol } from './protocol.ts'

export const appid = (env: Environment): string =>
  readAscii(
    env,
    'WECHAT_APPID',
    /^wx[0-9A-Za-z]{16}$/,
    'an appid: wx and 16 characters of 0-9 and a-f',
    (value) =>
      /^[0-9a-f]{32}$/i.test(value)
        ? '; it looks like an AppSecret: perhaps the two are swapped'
        : '',
  )

export const appSecret = (env: Environment): string =>
  readAscii(env, 'WECHAT_APP_SECRET', /^.{1,128}$/, 'an AppSecret: it has more than 128 characters')

export const miniProgramHost = (env: Environment): string =>
  findOverride(env, 'WECHAT_API_URL') ?? 'https://api.weixin.qq.com'

export const miniProgramSettings = (env: Environment) => ({
  host: miniProgramHost(env),
  appid: appid(env),
  secret: appSecret(env),
})

export const merchantNumber = (env: Environment): string =>
  read(env, 'WECHAT_MCH_ID', /^\d{8,10}$/, 'a merchant number of 8 to 10 digits')

/** The account that new orders are placed under. */
export const accountSettings = (env: Environment): Account => ({
  appid: appid(env),
  mchId: merchantNumber(env),
  protocol: newOrderProtocol(env),
  sub: null,
})

const readPayKey = (env: Environment, name: string): string =>
  readAscii(
    env,
    name,
    /^.{32}$/,
    'an APIv2 key of 32 characters',
    ({ length }) => `: it has ${length}`,
  )

export const payKey = (env: Environment): string => readPayKey(env, 'WECHAT_PAY_KEY')

/** The second APIv2 key while the key is being replaced. Undefined if there is only one key. */
export function otherPayKey(env: Environment): string | undefined {
  const other =
    find(env, 'WECHAT_PAY_KEY_OTHER') === undefined
      ? undefined
      : readPayKey(env, 'WECHAT_PAY_KEY_OTHER')
  return other === env['WECHAT_PAY_KEY'] ? undefined : other
}

export function signType(env: Environment): 'HMAC-SHA256' | 'MD5' {
  const type = find(env, 'WECHAT_SIGN_TYPE') ?? 'HMAC-SHA256'
  return type === 'HMAC-SHA256' || type === 'MD5'
    ? type
    : refuse('WECHAT_SIGN_TYPE', 'is neither HMAC-SHA256 nor MD5')
}

/** Base URLs. The second one is used if the first does not answer. */
export function payHosts(env: Environment): readonly [string, ...string[]] {
  const override = findOverride(env, 'WECHAT_PAY_URL')
  return override === undefined
    ? ['https://api.mch.weixin.qq.com', 'https://api2.mch.weixin.qq.com']
    : [override]
}

export function paySettings(env: Environment) {
  const otherKey = otherPayKey(env)
  return {
    appid: appid(env),
    mchId: merchantNumber(env),
    key: payKey(env),
    ...(otherKey === undefined ? {} : { otherKey }),
    signType: signType(env),
    hosts: payHosts(env),
  } as const
}
