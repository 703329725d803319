/** APIv3 with the settings of a shop. Nothing is kept for other runs. */
import { v3Settings } from '../../lib/config/v3.ts'
import { newNonce } from '../../lib/wechat/nonce.ts'
import type { Protocol } from '../../lib/wechat/protocols.ts'
import { createV3 } from '../../lib/wechat/v3/v3.ts'
import type { Patient } from './check.ts'

export const v3Tools = { newNonce, now: () => new Date() }

export const NO_STORE = {
  find: () => Promise.resolve('down' as const),
  keep: async () => undefined,
  forget: async () => undefined,
} as const

export const openV3 = ({ env }: Patient): Protocol =>
  createV3({
    settings: () => v3Settings(env),
    certificates: NO_STORE,
    refundLists: { overV2: null, findNumbers: async () => [] },
    ...v3Tools,
  })
