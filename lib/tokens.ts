import { createSecretKey } from 'node:crypto'
import { parseOpenid } from './core/ids.ts'
import type { Tokens } from './ports.ts'

/** A day: long enough for a visit, and a new one costs a silent `wx.login`. */
const LIFE_SECONDS = 86_400
const ISSUER = 'wechat-pay-functions'

/**
 * User tokens as JWT (RFC 7519), HS256 only, whatever the token's own header asks for. The same user and moment give the
 * same token, so that a repeated login is answered alike. The library is loaded when first needed: WeChat and cron come
 * without a token.
 */
export function createTokens(secret: string): Tokens {
  const key = createSecretKey(secret, 'utf8')
  return {
    async issue(openid, at) {
      const { SignJWT } = await import('jose')
      const issuedAt = Math.floor(at.getTime() / 1000)
      const jwt = new SignJWT()
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
        // Whatever its type says, it is what a signed JSON says.
        const sub: unknown = payload.sub
        const openid = parseOpenid(typeof sub === 'string' ? sub : '')
        return openid.ok ? openid.value : null
      } catch {
        return null
      }
    },
  }
}
