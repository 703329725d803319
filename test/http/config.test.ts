import { describe, expect, test } from 'vitest'
import {
  cronSecret,
  databaseSettings,
  merchantKey,
  miniProgramSettings,
  notifyUrl,
  paySettings,
  redisSettings,
  sessionSecret,
  webhookSettings,
  type Environment,
} from '../../lib/config.ts'
import { ConfigError } from '../../lib/core/failure.ts'

const full = {
  WECHAT_APPID: 'wx00000000demo0001',
  WECHAT_APP_SECRET: 'DemoAppSecret0000000000000000001',
  WECHAT_MCH_ID: '1900000109',
  WECHAT_PAY_KEY: 'DemoV2ApiKey00000000000000000001',
  PUBLIC_URL: 'https://shop.example',
  SESSION_SECRET: 'demo-session-secret-of-32-bytes!',
  MERCHANT_API_KEY: 'demo-merchant-api-key-of-32-chars',
  DATABASE_URL: 'postgres://shop:pw@db.example/shop',
  UPSTASH_REDIS_REST_URL: 'https://redis.example',
  UPSTASH_REDIS_REST_TOKEN: 'demo-token',
  ORDER_WEBHOOK_URL: 'https://erp.example/hook',
  ORDER_WEBHOOK_SECRET: 'whsec_ZGVtby13ZWJob29rLXNlY3JldC1vZi0zMi1ieXRlcw==',
} as const
const without = (name: string): Environment => ({ ...full, [name]: undefined })

/** What went wrong: the variable at fault and the message; fails the test when nothing did. */
function fault(read: () => unknown): { variable: string; message: string } {
  try {
    read()
  } catch (cause) {
    if (cause instanceof ConfigError) return cause
    throw cause
  }
  throw new Error('was taken')
}

const needs = [
  ['WECHAT_APPID', miniProgramSettings],
  ['WECHAT_APPID', paySettings],
  ['WECHAT_APP_SECRET', miniProgramSettings],
  ['WECHAT_MCH_ID', paySettings],
  ['WECHAT_PAY_KEY', paySettings],
  ['PUBLIC_URL', notifyUrl],
  ['SESSION_SECRET', sessionSecret],
  ['DATABASE_URL', databaseSettings],
  ['UPSTASH_REDIS_REST_URL', redisSettings],
  ['UPSTASH_REDIS_REST_TOKEN', redisSettings],
  ['ORDER_WEBHOOK_SECRET', webhookSettings],
] as const

describe('a variable', () => {
  test.each(needs)('%s that is missing is named', (name, read) => {
    expect(fault(() => read(without(name)))).toMatchObject({ variable: name, message: `${name} is not set` })
  })

  test.each(needs)('%s that is empty counts as missing', (name, read) => {
    expect(fault(() => read({ ...full, [name]: '' })).message).toBe(`${name} is not set`)
  })

  /** A secret is easily pasted into the wrong variable, so none may be quoted: the mark is in every wrong value. */
  test.each([
    ['WECHAT_APPID', miniProgramSettings, 'q7Zx q7Zx'],
    ['WECHAT_APP_SECRET', miniProgramSettings, 'q7Zx q7Zx'],
    ['WECHAT_MCH_ID', paySettings, 'q7Zx'],
    ['WECHAT_PAY_KEY', paySettings, 'q7Zx000000000000000000000000031'],
    ['WECHAT_PAY_KEY', paySettings, 'q7Zx00000000000000000000000000033'],
    ['WECHAT_PAY_KEY_OTHER', paySettings, 'q7Zx000000000000000000000000031'],
    ['WECHAT_PAY_KEY_OTHER', paySettings, 'q7Zx000 000000000000000000000032'],
    ['WECHAT_SIGN_TYPE', paySettings, 'q7Zx'],
    ['WECHAT_PAY_URL', paySettings, 'q7Zx'],
    ['WECHAT_API_URL', miniProgramSettings, 'https://q7Zx.example?a'],
    ['DATABASE_URL', databaseSettings, 'postgresql://shop:q7Zx@db.example:port/shop'],
    ['DATABASE_URL', databaseSettings, 'postgresql://q7Zx.example/shop'],
    ['DATABASE_URL', databaseSettings, 'postgresql://shop:q7Zx@db.example'],
    ['PUBLIC_URL', notifyUrl, 'ftp://q7Zx'],
    ['PUBLIC_URL', notifyUrl, 'https://shop.example/?q7Zx'],
    ['PUBLIC_URL', notifyUrl, 'https://shop.example/#q7Zx'],
    ['PUBLIC_URL', notifyUrl, `https://shop.example/q7Zx${'a'.repeat(256)}`],
    ['SESSION_SECRET', sessionSecret, 'q7Zx000000000000000000000000031'],
    ['DATABASE_URL', databaseSettings, 'mysql://q7Zx'],
    ['NEON_HTTP_ENDPOINT', databaseSettings, 'q7Zx'],
    ['UPSTASH_REDIS_REST_URL', redisSettings, 'redis://q7Zx'],
    ['MERCHANT_API_KEY', merchantKey, 'q7Zx000000000000000000000000031'],
    ['ORDER_WEBHOOK_URL', webhookSettings, 'q7Zx'],
    ['ORDER_WEBHOOK_SECRET', webhookSettings, 'whsec_q7Zx'],
  ] as const)('%s that is malformed is named, and what is in it is not', (name, read, value) => {
    const { variable, message } = fault(() => read({ ...full, [name]: value }))
    expect([variable, message.includes(name), message.includes('q7Zx')]).toEqual([name, true, false])
  })

  test('that is missing stops only those who need it', () => {
    expect([paySettings(without('DATABASE_URL')).mchId, sessionSecret(without('WECHAT_PAY_KEY')).length]).toEqual(['1900000109', 32])
  })
})

describe('in production', () => {
  const production = { ...full, VERCEL_ENV: 'production' }

  test.each([
    ['WECHAT_API_URL', miniProgramSettings],
    ['WECHAT_PAY_URL', paySettings],
    ['NEON_HTTP_ENDPOINT', databaseSettings],
  ] as const)('a stand-in under %s is refused', (name, read) => {
    expect(fault(() => read({ ...production, [name]: 'https://stand-in.example' })).variable).toBe(name)
  })

  test('WeChat itself is asked, and its second host when the first is silent', () => {
    expect(paySettings(production).hosts).toEqual(['https://api.mch.weixin.qq.com', 'https://api2.mch.weixin.qq.com'])
  })

  test('logins go to WeChat itself', () => {
    expect(miniProgramSettings(production).host).toBe('https://api.weixin.qq.com')
  })

  test('WeChat is not told to call over plain http', () => {
    expect(fault(() => notifyUrl({ ...production, PUBLIC_URL: 'http://shop.example' })).variable).toBe('PUBLIC_URL')
  })
})

describe('elsewhere', () => {
  test('a stand-in is asked in place of WeChat', () => {
    expect(paySettings({ ...full, WECHAT_PAY_URL: 'http://127.0.0.1:3000/pay/' }).hosts).toEqual(['http://127.0.0.1:3000/pay'])
  })
})

describe('what may be left out', () => {
  test('orders are signed with HMAC-SHA256 unless MD5 is asked for', () => {
    expect([paySettings(full).signType, paySettings({ ...full, WECHAT_SIGN_TYPE: 'MD5' }).signType]).toEqual(['HMAC-SHA256', 'MD5'])
  })

  test('there is one APIv2 key unless a second one is named, and the same one twice is one', () => {
    const other = 'DemoV2ApiKey00000000000000000002'
    expect([
      paySettings({ ...full, WECHAT_PAY_KEY_OTHER: other }).otherKey,
      ...['', full.WECHAT_PAY_KEY].map((value) => 'otherKey' in paySettings({ ...full, WECHAT_PAY_KEY_OTHER: value })),
      'otherKey' in paySettings(full),
    ]).toEqual([other, false, false, false])
  })

  test('without a merchant key, cron secret and webhook nobody is let in and nothing is sent', () => {
    expect([merchantKey({}), cronSecret({}), webhookSettings({})]).toEqual([null, null, null])
  })

  test('Vercel tells our address when nobody else does', () => {
    expect(notifyUrl({ VERCEL_PROJECT_PRODUCTION_URL: 'shop.vercel.app' })).toBe('https://shop.vercel.app/api/notify')
  })

  test("Vercel's own names for Redis will do", () => {
    expect(redisSettings({ KV_REST_API_URL: 'https://kv.example/', KV_REST_API_TOKEN: 't' })).toEqual({
      url: 'https://kv.example',
      token: 't',
    })
  })
})

describe('the address WeChat calls', () => {
  test.each(['https://shop.example', 'https://shop.example/', 'https://shop.example//'])('is one path below %s', (base) => {
    expect(notifyUrl({ PUBLIC_URL: base })).toBe('https://shop.example/api/notify')
  })

  test.each([
    'https://shop.example/?',
    'https://shop.example/#',
    'https://shop.example\n',
    ' https://shop.example',
    'https://shop.example/a b',
  ])('is never made from %j, for WeChat could not call it', (base) => {
    expect(fault(() => notifyUrl({ PUBLIC_URL: base })).variable).toBe('PUBLIC_URL')
  })
})
