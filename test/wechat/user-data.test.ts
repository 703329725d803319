import { createCipheriv } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRightlySigned, openData } from '../../lib/wechat/user-data.ts'

/** The example in the Mini Program manual, "signature verification of open data". */
const RAW_DATA =
  '{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0"}'
const SIGNING_KEY = 'HyVFkGl5F5OQWJZZaNzBBg=='
const SIGNATURE = '75e81ceda165f4ffa64f4068af58c64b8f54b88c'

describe('signed profile data', () => {
  test('is genuine with the signature in the manual', () => {
    expect(isRightlySigned(RAW_DATA, SIGNATURE, SIGNING_KEY)).toBe(true)
  })

  test.each([
    ['another nickname', RAW_DATA.replace('Band', 'Bank'), SIGNATURE, SIGNING_KEY],
    ['the same JSON written with blanks', RAW_DATA.replaceAll(',', ', '), SIGNATURE, SIGNING_KEY],
    ['the key of another login', RAW_DATA, SIGNATURE, 'RGVtb1Nlc3Npb25LZXkwMQ=='],
    ['no signature', RAW_DATA, '', SIGNING_KEY],
    ['half a signature', RAW_DATA, SIGNATURE.slice(0, 20), SIGNING_KEY],
    ['a signature in capitals', RAW_DATA, SIGNATURE.toUpperCase(), SIGNING_KEY],
    ['a signature of multi-byte characters', RAW_DATA, '中'.repeat(40), SIGNING_KEY],
  ])('is not genuine with %s', (_, rawData, signature, sessionKey) => {
    expect(isRightlySigned(rawData, signature, sessionKey)).toBe(false)
  })
})

const APPID = 'wx00000000demo0001'
const KEY = 'RGVtb1Nlc3Npb25LZXkwMQ=='
const IV = 'RGVtb0luaXRWZWN0b3IwMQ=='
const WATERMARK = { timestamp: 1735758246, appid: APPID }

/** Encrypts a text as WeChat does. */
function encrypt(plain: string): string {
  const cipher = createCipheriv(
    'aes-128-cbc',
    Buffer.from(KEY, 'base64'),
    Buffer.from(IV, 'base64'),
  )
  return Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]).toString('base64')
}
const profile = encrypt(JSON.stringify({ openId: 'oDemo', unionId: 'uDemo', watermark: WATERMARK }))

describe('encrypted user data', () => {
  test('is decrypted with the values in the manual', () => {
    const published =
      'CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew=='
    expect(
      openData(
        published,
        'r7BXXKkLb8qrSNn05n0qiA==',
        'tiihtNczf5v6AKRyjwEUhQ==',
        'wx4f4bc4dec97d474b',
      ),
    ).toEqual({
      openId: 'oGZUI0egBJY1zhBYw2KhdUfwVJJE',
      unionId: 'ocMvos6NjeKLIBqg5Mr9QjxrP1FA',
      watermark: { timestamp: 1477314187, appid: 'wx4f4bc4dec97d474b' },
    })
  })

  test('yields the identity, and no other field', () => {
    const plain = JSON.stringify({
      openId: 'oDemo',
      nickName: 'Band',
      phoneNumber: '13800138000',
      watermark: WATERMARK,
    })
    expect(openData(encrypt(plain), IV, KEY, APPID)).toEqual({
      openId: 'oDemo',
      watermark: WATERMARK,
    })
  })

  test.each([
    [
      'whose unionid the database cannot store',
      encrypt(JSON.stringify({ openId: 'oDemo', unionId: 'u\u0000', watermark: WATERMARK })),
    ],
    [
      'of another Mini Program',
      encrypt(JSON.stringify({ watermark: { ...WATERMARK, appid: 'wx00000000demo0002' } })),
    ],
    [
      'with two openids',
      encrypt(
        `{"unionId":"uAnother","openId":"oDemo","unionId":"uDemo","watermark":${JSON.stringify(WATERMARK)}}`,
      ),
    ],
    ['without a watermark', encrypt(JSON.stringify({ openId: 'oDemo' }))],
    [
      'with a watermark without an app',
      encrypt(JSON.stringify({ watermark: { timestamp: 1735758246 } })),
    ],
    ['with a watermark without a time', encrypt(JSON.stringify({ watermark: { appid: APPID } }))],
    ['that is not JSON', encrypt('openId=oDemo')],
    ['that is a list', encrypt('[]')],
    ['that is empty', ''],
    ['that is not Base64', '*'],
    [
      'that is truncated inside a block',
      Buffer.from(profile, 'base64').subarray(0, 40).toString('base64'),
    ],
    [
      'that is truncated between blocks',
      Buffer.from(profile, 'base64').subarray(0, 32).toString('base64'),
    ],
  ])('%s is refused', (_, encryptedData) => {
    expect(openData(encryptedData, IV, KEY, APPID)).toBeNull()
  })

  test.each([
    ['the key of another login', IV, 'T3RoZXJTZXNzaW9uS2V5MQ=='],
    ['a key of 15 bytes', IV, 'RGVtb1Nlc3Npb25LZXkw'],
    ['no key', IV, ''],
    ['no initialization vector', '', KEY],
    ['an initialization vector of 15 bytes', 'RGVtb0luaXRWZWN0b3Iw', KEY],
  ])('is refused with %s', (_, iv, sessionKey) => {
    expect(openData(profile, iv, sessionKey, APPID)).toBeNull()
  })

  test('is refused without a reason, for any input', () => {
    fc.assert(
      fc.property(
        fc.base64String({ maxLength: 200 }),
        fc.string({ maxLength: 40 }),
        (encryptedData, iv) => {
          expect(openData(encryptedData, iv, KEY, APPID)).toBeNull()
        },
      ),
    )
  })
})
