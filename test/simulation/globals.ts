import crypto from 'node:crypto'
import https from 'node:https'
import { syncBuiltinESMExports } from 'node:module'
import { replaceRequest } from '../support/request-by-fetch.ts'
import type { Random } from './random.ts'

/**
 * Replaces `fetch`, the console and randomness for the code under test. Returns a function that
 * restores them.
 */
export function replaceGlobals(
  ownFetch: typeof fetch,
  currentRandom: () => Random,
  keepLine: (line: string) => void,
): () => void {
  const { fetch } = globalThis
  const { log, error, warn } = console
  const { randomBytes, randomInt, randomUUID } = crypto
  globalThis.fetch = ownFetch
  const keep = (...parts: unknown[]) => keepLine(parts.map(String).join(' '))
  Object.assign(console, { log: keep, error: keep, warn: keep })
  Object.assign(crypto, {
    randomBytes: (count: number) => currentRandom().bytes(count),
    randomInt: (min: number, max?: number) =>
      Math.floor(
        max === undefined ? currentRandom().between(0, min) : currentRandom().between(min, max),
      ),
    randomUUID: () => currentRandom().bytes(16).toString('hex'),
  })
  const restoreRequest = replaceRequest(https, withoutBills(ownFetch))
  syncBuiltinESMExports()
  return () => {
    globalThis.fetch = fetch
    Object.assign(console, { log, error, warn })
    Object.assign(crypto, { randomBytes, randomInt, randomUUID })
    restoreRequest()
    syncBuiltinESMExports()
  }
}

/** Bills are not part of the simulation: a request for one fails. */
const withoutBills =
  (send: typeof fetch): typeof fetch =>
  async (input, init) => {
    if (typeof input === 'string' && /\/(?:pay\/downloadbill$|v3\/bill\/)/.test(input))
      throw new Error('bills are not simulated')
    return send(input, init)
  }
