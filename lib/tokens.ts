import { createSecretKey, hash } from 'node:crypto'
import { parseOpenid, type Openid } from './core/ids.ts'
import type { Tokens } from './ports.ts'

/** A day is long enough for a visit, and a new token costs only a silent `wx.login`. */
const LIFE_SECONDS = 86_400
const APPID = /^[\w-]{1,64}$/
const ISSUER = 'wechat-pay-functions'

const HMAC = { name: 'HMAC', hash: 'SHA-256' }

/** Each takes a few hundred bytes. */
const MAX_REMEMBERED = 1_000

/** The content of a token whose signature is valid. */
interface Verified {
  readonly openid: Openid
  /** Null in a token of an earlier version, which had only the default account's app. */
  readonly appid: string | null
  /** In seconds since the epoch. */
  readonly expiresAt: number
}

/**
 * User tokens as JWT (RFC 7519), HS256 only, whatever the token's own header asks for. The same
 * user and moment give the same token, so that a repeated login gets the same answer. The library
 * is loaded when first needed, because WeChat and cron send no token.
 *
 * A payment reads the same token four times, and the library verifies in another thread. So each
 * instance remembers the newest verified tokens by their SHA-256. Only the expiry is checked again,
 * because nothing else about a token can change.
 */
export function createTokens(secret: string, defaultAppid: () => string): Tokens {
  // The library would convert any other kind of key at each use.
  const key = createSecretKey(secret, 'utf8').toCryptoKey(HMAC, false, ['sign', 'verify'])
  const load = () => import('jose')
  let loading: ReturnType<typeof load> | undefined
  const remembered = new Map<string, Verified>()

  async function verify(token: string, now: Date): Promise<Verified | null> {
    const { jwtVerify } = await (loading ??= load())
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ['HS256'],
        issuer: ISSUER,
        currentDate: now,
        requiredClaims: ['sub', 'exp'],
      })
      // The library's type is not checked at run time: a signed JSON can contain any value.
      const sub: unknown = payload.sub
      const openid = parseOpenid(typeof sub === 'string' ? sub : '')
      const expiresAt = Number(payload.exp)
      if (!openid.ok) return null
      if (!('appid' in payload)) return { openid: openid.value, appid: null, expiresAt }
      const appid: unknown = payload['appid']
      if (typeof appid !== 'string' || !APPID.test(appid)) return null
      return { openid: openid.value, appid, expiresAt }
    } catch {
      return null
    }
  }

  function remember(digest: string, verified: Verified): void {
    const [oldest] = remembered.keys()
    if (remembered.size >= MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest)
    remembered.set(digest, verified)
  }

  return {
    async issue({ appid, openid }, at) {
      const { SignJWT } = await (loading ??= load())
      const issuedAt = Math.floor(at.getTime() / 1000)
      const jwt = new SignJWT({ appid })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setIssuer(ISSUER)
        .setSubject(openid)
      const token = await jwt
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + LIFE_SECONDS)
        .sign(key)
      return { token, expiresInSeconds: LIFE_SECONDS }
    },

    async read(token, now) {
      const digest = hash('sha256', token)
      const known = remembered.get(digest)
      const verified = known ?? (await verify(token, now))
      if (verified === null) return null
      if (known === undefined) remember(digest, verified)
      const expiresInSeconds = Math.ceil(verified.expiresAt - now.getTime() / 1000)
      if (expiresInSeconds <= 0) return null
      return { openid: verified.openid, appid: verified.appid ?? defaultAppid(), expiresInSeconds }
    },
  }
}
