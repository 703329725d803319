import { createSecretKey } from 'node:crypto'
import { parseOpenid } from './core/ids.ts'
import type { Tokens } from './ports.ts'

/** A day is long enough for a visit, and a new token costs only a silent `wx.login`. */
const LIFE_SECONDS = 86_400
const APPID = /^[\w-]{1,64}$/
const ISSUER = 'wechat-pay-functions'

/**
 * User tokens as JWT (RFC 7519), HS256 only, whatever the token's own header asks for. The same
 * user and moment give the same token, so that a repeated login gets the same answer. The library
 * is loaded when first needed, because WeChat and cron send no token.
 */
export function createTokens(secret: string, defaultAppid: () => string): Tokens {
  const key = createSecretKey(secret, 'utf8')
  return {
    async issue({ appid, openid }, at) {
      const { SignJWT } = await import('jose')
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
      const { jwtVerify } = await import('jose')
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
        // A token without an appid was issued by an earlier version, which had only the default
        // account's app.
        const appid: unknown = 'appid' in payload ? payload['appid'] : defaultAppid()
        if (!openid.ok || typeof appid !== 'string' || !APPID.test(appid)) return null
        const expiresInSeconds = Math.ceil(Number(payload.exp) - now.getTime() / 1000)
        return { appid, openid: openid.value, expiresInSeconds }
      } catch {
        return null
      }
    },
  }
}
