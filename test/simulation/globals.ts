import crypto from 'node:crypto'
import https from 'node:https'
import { syncBuiltinESMExports } from 'node:module'
import { requestBy } from '../support/request-by-fetch.ts'
import type { Luck } from './luck.ts'

/**
 * Takes the place of what the code under test finds around it: its way out, its log, and its randomness. Returns the way back.
 */
export function takeOverGlobals(
  ownFetch: typeof fetch,
  luckNow: () => Luck,
  keepLine: (line: string) => void,
): () => void {
  const { fetch } = globalThis
  const { log, error, warn } = console
  const { request } = https
  const { randomBytes, randomInt, randomUUID } = crypto
  globalThis.fetch = ownFetch
  const keep = (...parts: unknown[]) => keepLine(parts.map(String).join(' '))
  Object.assign(console, { log: keep, error: keep, warn: keep })
  Object.assign(crypto, {
    randomBytes: (count: number) => luckNow().bytes(count),
    randomInt: (least: number, most?: number) =>
      Math.floor(most === undefined ? luckNow().between(0, least) : luckNow().between(least, most)),
    randomUUID: () => luckNow().bytes(16).toString('hex'),
  })
  Object.assign(https, { request: requestBy(withoutBills(ownFetch)) })
  syncBuiltinESMExports()
  return () => {
    globalThis.fetch = fetch
    Object.assign(console, { log, error, warn })
    Object.assign(crypto, { randomBytes, randomInt, randomUUID })
    Object.assign(https, { request })
    syncBuiltinESMExports()
  }
}

/** Bills have histories of their own: here they find nobody. */
const withoutBills =
  (send: typeof fetch): typeof fetch =>
  async (input, init) => {
    if (typeof input === 'string' && input.endsWith('/pay/downloadbill'))
      throw new Error('nobody answers')
    return send(input, init)
  }
