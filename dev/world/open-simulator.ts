/** The simulated WeChat of a world, with the merchant and the Mini Program of its environment. */
import { X509Certificate, type KeyObject } from 'node:crypto'
import { openPem } from '../../lib/config/pem.ts'
import { ConfigError } from '../../lib/core/failure.ts'
import type { ListedRoute } from '../wechat/control-route.ts'
import { createSimulator } from '../wechat/create-simulator.ts'
import type { PushAccount } from '../wechat/push/account.ts'
import type { Simulator } from '../wechat/simulator.ts'
import type { V3Settings } from '../wechat/v3/account.ts'
import { demoV3Values, demoWechatPrivateKey } from './demo-values.ts'
import type { CompleteEnvironment } from './environment.ts'

interface SimulatorOptions {
  readonly env: CompleteEnvironment
  readonly advance: (ms: number) => void
  /** The control routes of the world. It may still grow. */
  readonly listed: readonly ListedRoute[]
  readonly stateFile: string | undefined
  readonly newWechatKey: (() => KeyObject) | undefined
}

export function openSimulator({
  env,
  advance,
  listed,
  stateFile,
  newWechatKey,
}: SimulatorOptions): Simulator {
  return createSimulator({
    appid: env.WECHAT_APPID,
    appSecret: env.WECHAT_APP_SECRET,
    mchId: env.WECHAT_MCH_ID,
    payKey: env.WECHAT_PAY_KEY,
    ...v3Of(env, newWechatKey),
    ...pushOf(env),
    now: () => Date.now(),
    advance,
    alsoListed: () => listed,
    ...(stateFile === undefined ? {} : { stateFile }),
  })
}

/** The address and the secrets that the functions have, as if they were entered in the console. */
function pushOf(env: CompleteEnvironment): { readonly push?: PushAccount } {
  const { WECHAT_PUSH_TOKEN: token, WECHAT_PUSH_KEY: key = null, PUBLIC_URL: url } = env
  return token === undefined ? {} : { push: { url: `${url}/api/notify`, token, key } }
}

/**
 * The simulator speaks APIv3 to every merchant certificate with an RSA key. The functions use it
 * only if they are configured for it. With an APIv3 key and without a public key, WeChat has
 * platform certificates.
 */
function v3Of(
  env: CompleteEnvironment,
  newWechatKey: (() => KeyObject) | undefined,
): { readonly v3?: V3Settings } {
  const merchantCertificate = findRsaCertificate(env)
  if (merchantCertificate === null) return {}
  const { WECHAT_PAY_V3_KEY: apiKey, WECHAT_PAY_PUBLIC_KEY_ID: id } = env
  const hasPublicKey = id !== undefined || apiKey === undefined
  const v3 = {
    apiKey: apiKey ?? demoV3Values.WECHAT_PAY_V3_KEY,
    merchantCertificate,
    ...(newWechatKey === undefined ? {} : { newPrivateKey: newWechatKey }),
    ...(hasPublicKey
      ? {
          publicKey: {
            id: id ?? demoV3Values.WECHAT_PAY_PUBLIC_KEY_ID,
            privateKey: demoWechatPrivateKey,
          },
        }
      : {}),
  }
  return { v3 }
}

function findRsaCertificate(env: CompleteEnvironment): string | null {
  try {
    const { pem, opened } = openPem(env, 'WECHAT_PAY_CERT', (text) => new X509Certificate(text))
    return opened.publicKey.asymmetricKeyType === 'rsa' ? pem : null
  } catch (error) {
    if (error instanceof ConfigError) return null
    throw error
  }
}
