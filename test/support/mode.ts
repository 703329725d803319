/**
 * The mode under test: the protocol that a shop uses, and how its messages are signed. A test that
 * opens a shop without naming a protocol runs in every mode (`npm run test:modes`).
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { demoV3Values, demoWechatPrivateKey } from '../../dev/world/demo-values.ts'
import type { WorldOptions } from '../../dev/world/world.ts'

/** The variables of each mode, beside those that the local world completes. */
const modes = {
  'v2-hmac': {},
  'v2-md5': { WECHAT_SIGN_TYPE: 'MD5' },
  'v3-public-key': { WECHAT_PAY_API: 'v3' },
  // With an APIv3 key and without a public key, WeChat has platform certificates.
  'v3-certificate': {
    WECHAT_PAY_API: 'v3',
    WECHAT_PAY_V3_KEY: demoV3Values.WECHAT_PAY_V3_KEY,
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>

export type Mode = keyof typeof modes

const isMode = (name: string): name is Mode => Object.hasOwn(modes, name)

function readMode(name: string): Mode {
  if (isMode(name)) return name
  throw new Error(`TEST_MODE is not one of ${Object.keys(modes).join(', ')}`)
}

/** `npm test` runs in the default mode. */
export const mode = readMode(process.env['TEST_MODE'] ?? 'v2-hmac')
export const protocol = mode.startsWith('v3') ? 'v3' : 'v2'
/** The value that belongs to the protocol of the mode. */
export const inProtocol = <T>(values: { readonly v2: T; readonly v3: T }): T => values[protocol]
/** `signType` of `wx.requestPayment`. */
export const signType = protocol === 'v3' ? 'RSA' : mode === 'v2-md5' ? 'MD5' : 'HMAC-SHA256'

/** The keys of WeChat's certificates. The tests know the first one, and sign messages with it. */
function newWechatKeys(): () => KeyObject {
  let isFirst = true
  return () => {
    if (!isFirst) return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    isFirst = false
    return createPrivateKey(demoWechatPrivateKey)
  }
}

/** The world of a shop with these variables, in the mode unless they name a protocol. */
export function inMode(
  given: Readonly<Record<string, string>>,
  of: Mode = mode,
): Pick<WorldOptions, 'env' | 'newWechatKey'> {
  if ('WECHAT_PAY_API' in given || 'WECHAT_PAY_V3_KEY' in given) return { env: given }
  return {
    env: { ...modes[of], ...given },
    ...(of === 'v3-certificate' ? { newWechatKey: newWechatKeys() } : {}),
  }
}
