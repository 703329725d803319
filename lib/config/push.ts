/** The settings of the Mini Program's message push (消息推送). */
import { find, readAscii, type Environment } from './environment.ts'
import { appid } from './wechat.ts'

export const pushToken = (env: Environment): string =>
  readAscii(
    env,
    'WECHAT_PUSH_TOKEN',
    /^[0-9A-Za-z]{3,32}$/,
    'a token of 3 to 32 letters and digits',
  )

/**
 * The 32 bytes of EncodingAESKey. Null: messages are read as plain text. With a key only encrypted
 * messages are accepted.
 */
export function pushKey(env: Environment): Uint8Array | null {
  if (find(env, 'WECHAT_PUSH_KEY') === undefined) return null
  const key = readAscii(
    env,
    'WECHAT_PUSH_KEY',
    /^[0-9A-Za-z]{43}$/,
    'an EncodingAESKey of 43 letters and digits',
    ({ length }) => `: it has ${length} characters`,
  )
  return Buffer.from(key, 'base64')
}

export const pushSettings = (env: Environment) =>
  ({ token: pushToken(env), key: pushKey(env), appid: appid(env) }) as const
