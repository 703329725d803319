/** The WeChat of the targets of APIv3, and our settings for it. */
import { generateKeyPairSync } from 'node:crypto'
import { combineKeys, configuredKeys } from '../../lib/wechat/v3/platform-keys.ts'
import { demoV3, PUBLIC_KEY_ID } from '../support/v3-keys.ts'
import type { V3Wechat } from './v3-messages.ts'

export const NOW = new Date('2025-01-02T03:05:02+08:00')
const OTHER_ID = 'PUB_KEY_ID_0119000001092025010200000000000002'
const CERTIFICATE = '7132D72A03E93CDDF8C03BBD1F37EEDF00000001'

/** Short keys, because signing takes most of the time of an input. */
const newPair = () => generateKeyPairSync('rsa', { modulusLength: 1024 })
/** They are new in every run. Everything else in an input depends on the seed only. */
const [pair, otherPair, certificatePair, forgersPair] = [newPair(), newPair(), newPair(), newPair()]

export const wechat: V3Wechat = {
  appid: demoV3.appid,
  mchId: demoV3.mchId,
  apiKey: demoV3.apiKey,
  keys: new Map([
    [PUBLIC_KEY_ID, pair.privateKey],
    [OTHER_ID, otherPair.privateKey],
    [CERTIFICATE, certificatePair.privateKey],
  ]),
  forgersKey: forgersPair.privateKey,
  now: () => NOW,
}

export const settings = {
  ...demoV3,
  publicKeys: new Map([
    [PUBLIC_KEY_ID, pair.publicKey],
    [OTHER_ID, otherPair.publicKey],
  ]),
}

/** Two public keys and a platform certificate, as during a change-over. */
export const platformKeys = combineKeys(configuredKeys(settings), {
  find: async (serial) => (serial === CERTIFICATE ? certificatePair.publicKey : null),
  current: async () => CERTIFICATE,
  replace: async () => null,
})
export const publicKeys = new Map([
  ...settings.publicKeys,
  [CERTIFICATE, certificatePair.publicKey],
])
