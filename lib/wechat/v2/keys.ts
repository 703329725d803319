/**
 * The settings of one v2 account, and which of its two keys is in use while a key is being changed.
 */
import type { Failure } from '../../core/failure.ts'
import type { Result } from '../../core/result.ts'
import type { Certificate } from '../../http-client/request.ts'
import type { SignType } from './sign.ts'

export interface PaySettings {
  readonly appid: string
  readonly mchId: string
  /** Signs our messages. */
  readonly key: string
  /**
   * While the key is being changed: the key before or after it. Messages signed with either key are
   * accepted, and a call that WeChat refuses under `key` is repeated under this one.
   */
  readonly otherKey?: string
  readonly signType: SignType
  /** Base URLs. The next one is used if the one before does not answer. */
  readonly hosts: readonly [string, ...string[]]
  /** The client certificate, for calls where WeChat demands it. */
  readonly certificate?: Certificate
  /**
   * Called for a correctly signed message whose signature type is not ours. That is no reason to
   * refuse it.
   */
  readonly onOtherSignType?: (type: SignType) => void
  /** Called when WeChat refused `key` and accepted the other one, which signs from now on. */
  readonly onOtherKey?: (key: string) => void
}

/** Settings of a call: it needs a nonce as well. */
export interface CallSettings extends PaySettings {
  /** A `nonce_str` that was never used before. */
  readonly newNonce: () => string
}

/** WeChat considers the signature wrong, so it has accepted nothing. */
export const isKeyRefused = (answer: Result<unknown, Failure>): boolean =>
  !answer.ok && answer.error.reason === 'wechat_misconfigured' && answer.error.code === 'SIGNERROR'

/** The same settings, signing with the other key. */
export const swapKeys = <S extends PaySettings>(settings: S): S =>
  settings.otherKey === undefined
    ? settings
    : { ...settings, key: settings.otherKey, otherKey: settings.key }

/** Every key that WeChat may have signed with. */
export const keysOf = ({ key, otherKey }: PaySettings): readonly string[] =>
  otherKey === undefined ? [key] : [key, otherKey]
