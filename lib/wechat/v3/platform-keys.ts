import type { KeyObject } from 'node:crypto'
import type { V3Settings } from './settings.ts'

/** The keys that WeChat signs with. */
export interface PlatformKeys {
  /** The key of a `Wechatpay-Serial`; null if it is unknown. */
  find(serial: string): Promise<KeyObject | null>
  /** The serial to send as `Wechatpay-Serial`; null while it is unknown. */
  current(): Promise<string | null>
  /**
   * The serial to send in place of one that WeChat refuses; null without another one. May download
   * certificates, at most once a minute over all instances.
   */
  replace(refused: string): Promise<string | null>
}

/** WeChat Pay's public keys from the settings. Several ids are valid while one is replaced. */
export const configuredKeys = ({ publicKeys }: V3Settings): PlatformKeys => ({
  find: async (serial) => publicKeys.get(serial) ?? null,
  current: async () => publicKeys.keys().next().value ?? null,
  // Only a person can replace a public key.
  replace: async () => null,
})

/**
 * Uses both sources while a merchant changes from platform certificates to the public key. WeChat
 * signs its answers with the key that the call names, and its notifications with either key. The id
 * of a public key is never looked up among certificates.
 */
export const combineKeys = (
  configured: PlatformKeys,
  certificates: PlatformKeys,
): PlatformKeys => ({
  find: async (serial) =>
    (await configured.find(serial)) ??
    (serial.startsWith('PUB_KEY_ID_') ? null : await certificates.find(serial)),
  current: async () => (await configured.current()) ?? (await certificates.current()),
  replace: async (refused) =>
    (await configured.current()) === null ? certificates.replace(refused) : null,
})
