import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import type { Login } from './state.ts'

/** The user data that a Mini Program receives with a code of `wx.login`. */
export interface UserData {
  readonly rawData: string
  readonly signature: string
  readonly encryptedData: string
  readonly iv: string
}

/**
 * Signs and encrypts the profile with the session of this login. Every account has this profile,
 * since WeChat no longer returns real ones.
 */
export function userDataOf(login: Login, appid: string, now: number): UserData {
  const profile = {
    nickName: '微信用户',
    gender: 0,
    language: 'zh_CN',
    city: '',
    province: '',
    country: '',
    avatarUrl: '',
  }
  const rawData = JSON.stringify(profile)
  const watermark = { timestamp: Math.floor(now / 1000), appid }
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-128-cbc', Buffer.from(login.sessionKey, 'base64'), iv)
  const encrypted = Buffer.concat([
    cipher.update(JSON.stringify({ openId: login.openid, ...profile, watermark }), 'utf8'),
    cipher.final(),
  ])
  return {
    rawData,
    signature: createHash('sha1')
      .update(rawData + login.sessionKey, 'utf8')
      .digest('hex'),
    encryptedData: encrypted.toString('base64'),
    iv: iv.toString('base64'),
  }
}
