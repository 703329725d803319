import crypto from 'node:crypto'
import https from 'node:https'
import { syncBuiltinESMExports } from 'node:module'
import { Transform } from 'node:stream'
import zlib from 'node:zlib'
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
  const restoreRequest = replaceRequest(https, ownFetch)
  const { createGunzip } = zlib
  const replaceGunzip = (value: unknown) =>
    Object.defineProperty(zlib, 'createGunzip', { value, configurable: true, enumerable: true })
  replaceGunzip(gunzipAtOnce)
  syncBuiltinESMExports()
  return () => {
    globalThis.fetch = fetch
    Object.assign(console, { log, error, warn })
    Object.assign(crypto, { randomBytes, randomInt, randomUUID })
    restoreRequest()
    replaceGunzip(createGunzip)
    syncBuiltinESMExports()
  }
}

/** Expands without a thread, because virtual time does not wait for one. */
function gunzipAtOnce(): Transform {
  const pieces: Buffer[] = []
  return new Transform({
    transform(piece: Buffer, _, done) {
      pieces.push(piece)
      done()
    },
    flush(done) {
      try {
        done(null, zlib.gunzipSync(Buffer.concat(pieces)))
      } catch (error) {
        done(error instanceof Error ? error : new Error('damaged'))
      }
    },
  })
}
