import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  demoCertificate,
  demoDatabase,
  demoValues,
  demoWebhookSecret,
} from '../../dev/world/demo-values.ts'
import { certificateSettings } from '../../lib/config/certificate.ts'
import { cronSecret, merchantKey, sessionSecret } from '../../lib/config/edge.ts'
import type { Environment } from '../../lib/config/environment.ts'
import { pushSettings } from '../../lib/config/push.ts'
import {
  autoShipping,
  maxOpenOrders,
  notifyUrl,
  virtualGoodsAllowed,
} from '../../lib/config/orders.ts'
import { databaseSettings, healthDigest, redisSettings } from '../../lib/config/stores.ts'
import { qstashSettings, webhookSettings } from '../../lib/config/webhook.ts'
import { accountSettings, miniProgramSettings, paySettings } from '../../lib/config/wechat.ts'
import { ConfigError } from '../../lib/core/failure.ts'

const full = {
  WECHAT_APPID: 'wx00000000demo0001',
  WECHAT_APP_SECRET: 'DemoAppSecret0000000000000000001',
  WECHAT_MCH_ID: '1900000109',
  WECHAT_PAY_KEY: 'DemoV2ApiKey00000000000000000001',
  PUBLIC_URL: 'https://shop.example',
  WECHAT_PUSH_TOKEN: 'demoPushToken',
  SESSION_SECRET: 'demo-session-secret-of-32-bytes!',
  MERCHANT_API_KEY: 'demo-merchant-api-key-of-32-chars',
  DATABASE_URL: 'postgres://shop:pw@db.example/shop',
  UPSTASH_REDIS_REST_URL: 'https://redis.example',
  UPSTASH_REDIS_REST_TOKEN: 'demo-token',
  ORDER_WEBHOOK_URL: 'https://erp.example/hook',
  ORDER_WEBHOOK_SECRET: 'whsec_ZGVtby13ZWJob29rLXNlY3JldC1vZi0zMi1ieXRlcw==',
} as const
const without = (name: string): Environment => ({ ...full, [name]: undefined })

/** Returns the error that names the invalid variable. Fails the test if nothing is thrown. */
function fault(read: () => unknown): { variable: string; message: string } {
  try {
    read()
  } catch (cause) {
    if (cause instanceof ConfigError) return cause
    throw cause
  }
  throw new Error('the value was accepted')
}

const needs = [
  ['WECHAT_APPID', miniProgramSettings],
  ['WECHAT_APPID', paySettings],
  ['WECHAT_APPID', accountSettings],
  ['WECHAT_MCH_ID', accountSettings],
  ['WECHAT_APP_SECRET', miniProgramSettings],
  ['WECHAT_MCH_ID', paySettings],
  ['WECHAT_PAY_KEY', paySettings],
  ['PUBLIC_URL', notifyUrl],
  ['WECHAT_APPID', pushSettings],
  ['WECHAT_PUSH_TOKEN', pushSettings],
  ['SESSION_SECRET', sessionSecret],
  ['DATABASE_URL', databaseSettings],
  ['UPSTASH_REDIS_REST_URL', redisSettings],
  ['UPSTASH_REDIS_REST_TOKEN', redisSettings],
  ['ORDER_WEBHOOK_SECRET', webhookSettings],
] as const

describe('a variable', () => {
  test.each(needs)('%s that is missing is named', (name, read) => {
    expect(fault(() => read(without(name)))).toMatchObject({
      variable: name,
      message: `${name} is not set`,
    })
  })

  test.each(needs)('%s that is empty counts as missing', (name, read) => {
    expect(fault(() => read({ ...full, [name]: '' })).message).toBe(`${name} is not set`)
  })

  /**
   * No value may be quoted, because a secret is easily pasted into the wrong variable. Each value
   * here contains q7Zx.
   */
  test.each([
    ['WECHAT_APPID', miniProgramSettings, 'q7Zx q7Zx'],
    ['WECHAT_APP_SECRET', miniProgramSettings, 'q7Zx q7Zx'],
    ['WECHAT_MCH_ID', paySettings, 'q7Zx'],
    ['WECHAT_PAY_KEY', paySettings, 'q7Zx000000000000000000000000031'],
    ['WECHAT_PAY_KEY', paySettings, 'q7Zx00000000000000000000000000033'],
    ['WECHAT_PAY_KEY_OTHER', paySettings, 'q7Zx000000000000000000000000031'],
    ['WECHAT_PAY_KEY_OTHER', paySettings, 'q7Zx000 000000000000000000000032'],
    ['WECHAT_SIGN_TYPE', paySettings, 'q7Zx'],
    ['WECHAT_PUSH_TOKEN', pushSettings, 'q7Zx q7Zx'],
    ['WECHAT_PUSH_KEY', pushSettings, 'q7Zx'],
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
  ] as const)('%s that is malformed is named, and its value is not shown', (name, read, value) => {
    const { variable, message } = fault(() => read({ ...full, [name]: value }))
    expect([variable, message.includes(name), message.includes('q7Zx')]).toEqual([
      name,
      true,
      false,
    ])
  })

  test.each([
    ['MERCHANT_API_KEY', merchantKey, 'q7Zx00000000.00000000000.00000000000'],
    ['CRON_SECRET', cronSecret, '.q7Zx.'],
  ] as const)(
    '%s with the form of a user’s token is refused, because guesses of it are not counted',
    (name, read, value) => {
      expect(fault(() => read({ ...full, [name]: value })).message).toBe(
        `${name} has the form of a user’s token, with two dots: choose one without dots`,
      )
      expect(read({ ...full, [name]: `${value}.` })).toBe(`${value}.`)
    },
  )

  test('that is missing stops only the settings that need it', () => {
    expect([
      paySettings(without('DATABASE_URL')).mchId,
      sessionSecret(without('WECHAT_PAY_KEY')).length,
    ]).toEqual(['1900000109', 32])
  })
})

test('an account contains only letters and digits', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      fc.pre(!/^[0-9A-Za-z]*$/.test(text))
      const account = { WECHAT_APPID: 'wx0123456789abcdef', WECHAT_MCH_ID: '1234567890' }
      for (const name of ['WECHAT_APPID', 'WECHAT_MCH_ID'])
        expect(() => accountSettings({ ...account, [name]: text })).toThrow(ConfigError)
    }),
    { examples: [[`wx0123456789abcde'`], [`12345678'`], ['12345678\n']] },
  )
})

describe('a character that was pasted with the value is refused and named:', () => {
  const readers = [
    ['WECHAT_APPID', miniProgramSettings],
    ['WECHAT_APP_SECRET', miniProgramSettings],
    ['WECHAT_MCH_ID', paySettings],
    ['WECHAT_PAY_KEY', paySettings],
    ['WECHAT_PAY_KEY_OTHER', paySettings],
    ['WECHAT_SIGN_TYPE', paySettings],
    ['WECHAT_API_URL', miniProgramSettings],
    ['WECHAT_PAY_URL', paySettings],
    ['WECHAT_AUTO_SHIPPING', autoShipping],
    ['WECHAT_VIRTUAL_GOODS_ALLOWED', virtualGoodsAllowed],
    ['MAX_OPEN_ORDERS', maxOpenOrders],
    ['PUBLIC_URL', notifyUrl],
    ['SESSION_SECRET', sessionSecret],
    ['MERCHANT_API_KEY', merchantKey],
    ['CRON_SECRET', cronSecret],
    ['DATABASE_URL', databaseSettings],
    ['UPSTASH_REDIS_REST_URL', redisSettings],
    ['UPSTASH_REDIS_REST_TOKEN', redisSettings],
    ['ORDER_WEBHOOK_URL', webhookSettings],
    ['ORDER_WEBHOOK_SECRET', webhookSettings],
    ['QSTASH_TOKEN', qstashSettings],
  ] as const
  const good: Environment = {
    ...full,
    WECHAT_PAY_KEY_OTHER: 'DemoV2ApiKey00000000000000000002',
    WECHAT_SIGN_TYPE: 'MD5',
    WECHAT_API_URL: 'http://127.0.0.1:3000',
    WECHAT_PAY_URL: 'http://127.0.0.1:3000',
    WECHAT_AUTO_SHIPPING: 'virtual',
    WECHAT_VIRTUAL_GOODS_ALLOWED: '1',
    MAX_OPEN_ORDERS: '20',
    CRON_SECRET: 'cron-secret-of-the-shop',
    QSTASH_TOKEN: 'qstash-token-of-the-shop',
  }

  test.each(readers)('a line end or a space, in %s', (name, read) => {
    for (const around of [(value = '') => `${value}\n`, (value = '') => ` ${value}`])
      expect(fault(() => read({ ...good, [name]: around(good[name]) })).message).toBe(
        `${name} has a space or a line end before or behind it`,
      )
  })

  test.each(readers)('quotation marks, in %s', (name, read) => {
    for (const around of [
      (value = '') => `"${value}"`,
      (value = '') => `'${value}'`,
      (value = '') => `“${value}”`,
    ])
      expect(fault(() => read({ ...good, [name]: around(good[name]) })).message).toBe(
        `${name} has quotation marks around it`,
      )
  })
})

describe('in production', () => {
  const production = {
    ...full,
    VERCEL_ENV: 'production',
    WECHAT_APPID: 'wx0123456789abcdef',
    WECHAT_MCH_ID: '1600000001',
    WECHAT_PAY_KEY: '0123456789abcdef0123456789abcdef',
    WECHAT_APP_SECRET: '0123456789abcdef0123456789abcdef',
    SESSION_SECRET: 'session-secret-of-the-shop-0123456789',
    MERCHANT_API_KEY: 'merchant-key-of-the-shop-0123456789',
    CRON_SECRET: 'cron-secret-of-the-shop',
    ORDER_WEBHOOK_SECRET: 'whsec_c2VjcmV0LW9mLXRoZS1zaG9wLXdlYmhvb2s=',
  }

  const now = new Date('2027-01-01T00:00:00Z')
  test.each([
    ...Object.entries(demoValues).map(([name, value]) => [name, { [name]: value }] as const),
    ['DATABASE_URL', { DATABASE_URL: demoDatabase }],
    ['ORDER_WEBHOOK_SECRET', { ORDER_WEBHOOK_SECRET: demoWebhookSecret }],
    ['WECHAT_PAY_CERT', demoCertificate],
  ] as const)('the %s of the local world is refused, because it is public', (name, change) => {
    const env = { ...production, ...change }
    const readAll = () => [
      ...[
        miniProgramSettings,
        paySettings,
        sessionSecret,
        merchantKey,
        cronSecret,
        databaseSettings,
        webhookSettings,
      ].map((read) => read(env)),
      certificateSettings(env, now),
    ]
    expect(fault(readAll).message).toBe(`${name} is a value of the local world, which is public`)
  })

  test.each([
    ['WECHAT_API_URL', miniProgramSettings],
    ['WECHAT_PAY_URL', paySettings],
    ['NEON_HTTP_ENDPOINT', databaseSettings],
  ] as const)('a stand-in under %s is refused', (name, read) => {
    expect(fault(() => read({ ...production, [name]: 'https://stand-in.example' })).variable).toBe(
      name,
    )
  })

  test('payments go to WeChat’s two hosts', () => {
    expect(paySettings(production).hosts).toEqual([
      'https://api.mch.weixin.qq.com',
      'https://api2.mch.weixin.qq.com',
    ])
  })

  test('logins go to WeChat’s host', () => {
    expect(miniProgramSettings(production).host).toBe('https://api.weixin.qq.com')
  })

  test('an address for notifications over plain http is refused', () => {
    expect(
      fault(() => notifyUrl({ ...production, PUBLIC_URL: 'http://shop.example' })).message,
    ).toBe('PUBLIC_URL is not https')
  })

  test('an address for notifications that WeChat cannot reach is refused', () => {
    const { PUBLIC_URL: _, ...nameless } = production
    expect([
      fault(() => notifyUrl({ ...production, PUBLIC_URL: 'https://shop.vercel.app' })).message,
      fault(() => notifyUrl({ ...nameless, VERCEL_PROJECT_PRODUCTION_URL: 'shop.vercel.app' }))
        .message,
      notifyUrl({ ...nameless, VERCEL_PROJECT_PRODUCTION_URL: 'demo.shop.example' }),
      notifyUrl({ ...production, PUBLIC_URL: 'https://vercel.app.shop.example' }),
    ]).toEqual([
      'PUBLIC_URL is a name under vercel.app, which WeChat cannot reach',
      'PUBLIC_URL is not set, and the project has only a name under vercel.app, which WeChat cannot reach',
      'https://demo.shop.example/api/notify',
      'https://vercel.app.shop.example/api/notify',
    ])
  })

  test.each([
    'localhost:3000',
    '127.0.0.1',
    '2130706433',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.4',
    '169.254.1.1',
    '[::1]',
    '[fd00::1]',
    'nas.local',
  ])('%s is refused, because it leads into a private network', (host) => {
    expect(fault(() => notifyUrl({ ...production, PUBLIC_URL: `https://${host}` })).message).toBe(
      'PUBLIC_URL leads to this machine or into a private network',
    )
  })

  test.each(['10.shop.example', '172.32.0.1', 'localhost.shop.example', '[2001:4860::1]'])(
    '%s is accepted as a public address',
    (host) => {
      expect(notifyUrl({ ...production, PUBLIC_URL: `https://${host}` })).toBe(
        `https://${host}/api/notify`,
      )
    },
  )
})

describe('outside production', () => {
  test('a stand-in may replace WeChat', () => {
    expect(paySettings({ ...full, WECHAT_PAY_URL: 'http://127.0.0.1:3000/pay/' }).hosts).toEqual([
      'http://127.0.0.1:3000/pay',
    ])
  })
})

describe('an optional setting', () => {
  test('orders are signed with HMAC-SHA256 unless MD5 is configured', () => {
    expect([
      paySettings(full).signType,
      paySettings({ ...full, WECHAT_SIGN_TYPE: 'MD5' }).signType,
    ]).toEqual(['HMAC-SHA256', 'MD5'])
  })

  test('a payer may have fifty unpaid orders unless another number is configured', () => {
    expect([maxOpenOrders(full), maxOpenOrders({ ...full, MAX_OPEN_ORDERS: '3' })]).toEqual([50, 3])
  })

  test.each(['0', '-1', '1.5', '1e3', '10000', 'many', '０'])(
    '%j is not a valid number of unpaid orders',
    (value) => {
      expect(() => maxOpenOrders({ ...full, MAX_OPEN_ORDERS: value })).toThrow(
        'MAX_OPEN_ORDERS is not a whole number from 1 to 9999',
      )
    },
  )

  test('a second APIv2 key is used if it is configured and differs from the first', () => {
    const other = 'DemoV2ApiKey00000000000000000002'
    expect([
      paySettings({ ...full, WECHAT_PAY_KEY_OTHER: other }).otherKey,
      ...['', full.WECHAT_PAY_KEY].map(
        (value) => 'otherKey' in paySettings({ ...full, WECHAT_PAY_KEY_OTHER: value }),
      ),
      'otherKey' in paySettings(full),
    ]).toEqual([other, false, false, false])
  })

  test('a missing merchant key, cron secret or webhook is null', () => {
    expect([merchantKey({}), cronSecret({}), webhookSettings({})]).toEqual([null, null, null])
  })

  test('Vercel’s variable gives the address if PUBLIC_URL is not set', () => {
    expect(notifyUrl({ VERCEL_PROJECT_PRODUCTION_URL: 'shop.vercel.app' })).toBe(
      'https://shop.vercel.app/api/notify',
    )
  })

  test("Vercel's own variables for Redis are accepted", () => {
    expect(
      redisSettings({ KV_REST_API_URL: 'https://kv.example/', KV_REST_API_TOKEN: 't' }),
    ).toEqual({
      url: 'https://kv.example',
      token: 't',
    })
  })
})

describe('the address for notifications', () => {
  test.each(['https://shop.example', 'https://shop.example/', 'https://shop.example//'])(
    'is a path below %s',
    (base) => {
      expect(notifyUrl({ PUBLIC_URL: base })).toBe('https://shop.example/api/notify')
    },
  )

  test.each([
    'https://shop.example/api',
    'https://shop.example/api/',
    'https://shop.example/api/notify',
    'https://shop.example/API/notify/',
    'https://shop.example/pay',
    'https://shop.example/.',
    String.raw`https://shop.example\pay`,
  ])('is not made from %s, because WeChat would call a function that does not exist', (base) => {
    for (const more of [{}, { VERCEL_ENV: 'production' }])
      expect(fault(() => notifyUrl({ ...more, PUBLIC_URL: base })).message).toBe(
        'PUBLIC_URL has a path: set only https:// and the domain, without /api/notify',
      )
  })

  test.each([
    'https://shop.example/?',
    'https://shop.example/#',
    'https://shop.example\n',
    ' https://shop.example',
    'https://shop.example/a b',
  ])('is not made from %j, because WeChat could not call it', (base) => {
    expect(fault(() => notifyUrl({ PUBLIC_URL: base })).variable).toBe('PUBLIC_URL')
  })
})

describe('an address that fetch refuses is refused with the name of its variable:', () => {
  const webhook = (value: string) =>
    fault(() => webhookSettings({ ...full, ORDER_WEBHOOK_URL: value })).message
  const NO_CREDENTIALS =
    'ORDER_WEBHOOK_URL has a user name or a password, which fetch refuses: verify the signature instead'
  const NO_FRAGMENT = 'ORDER_WEBHOOK_URL has a part after #, which is never sent'
  const blocked = (name: string) =>
    `${name} has a port that fetch refuses to call (such as 25 and 6000): use another port`

  test.each([
    ['https://shop:q7Zx@erp.example/hook', NO_CREDENTIALS],
    ['https://shop@erp.example/hook', NO_CREDENTIALS],
    ['https://:q7Zx@erp.example/hook', NO_CREDENTIALS],
    ['https://erp.example/hook#q7Zx', NO_FRAGMENT],
    ['https://erp.example:25/hook', blocked('ORDER_WEBHOOK_URL')],
    ['http://erp.example:6000/hook', blocked('ORDER_WEBHOOK_URL')],
    ['https:erp.example:10080', blocked('ORDER_WEBHOOK_URL')],
  ])('ORDER_WEBHOOK_URL %s', (value, message) => {
    expect(webhook(value)).toBe(message)
  })

  test.each([
    ['PUBLIC_URL', notifyUrl],
    ['UPSTASH_REDIS_REST_URL', redisSettings],
    ['QSTASH_URL', qstashSettings],
    ['WECHAT_API_URL', miniProgramSettings],
    ['WECHAT_PAY_URL', paySettings],
    ['NEON_HTTP_ENDPOINT', databaseSettings],
  ] as const)('%s', (name, read) => {
    const given = (value: string): Environment => ({
      ...full,
      QSTASH_TOKEN: 'token',
      [name]: value,
    })
    expect(fault(() => read(given('https://host.example:6000'))).message).toBe(blocked(name))
    for (const value of ['https://shop:q7Zx@host.example', 'https://:q7Zx@host.example'])
      expect(fault(() => read(given(value))).message).toBe(
        `${name} is not an http(s) URL without a query or a user name`,
      )
    expect(() => read(given('https://host.example:8443'))).not.toThrow()
  })

  test('exactly the ports that fetch refuses are refused', async () => {
    const isRefused = (port: number) => {
      try {
        webhookSettings({ ...full, ORDER_WEBHOOK_URL: `http://127.0.0.1:${port}/` })
        return false
      } catch {
        return true
      }
    }
    const whyNot = async (port: number): Promise<unknown> => {
      const failed: unknown = await fetch(`http://127.0.0.1:${port}/`).catch(
        (error: unknown) => error,
      )
      return failed instanceof Error && failed.cause instanceof Error
        ? failed.cause.message
        : undefined
    }
    const refused = Array.from({ length: 65_535 }, (_, index) => index + 1).filter(isRefused)
    expect(refused.length).toBe(82)
    for (const port of refused) expect(await whyNot(port), String(port)).toBe('bad port')
    expect([80, 443, 3000, 8080, 8443].filter(isRefused)).toEqual([])
  })
})

test('every setting of WeChat that a health probe uses is in the digest of shared answers', () => {
  const folder = new URL('../../lib/config/', import.meta.url)
  const source = readdirSync(folder)
    .filter((name) => name !== 'stores.ts')
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n')
  const names = new Set(source.match(/\bWECHAT_[A-Z0-9_]+/g))
  // No probe uses these.
  for (const name of ['WECHAT_AUTO_SHIPPING', 'WECHAT_PUSH_TOKEN', 'WECHAT_PUSH_KEY'])
    names.delete(name)
  // No probe uses them.
  names.delete('WECHAT_AUTO_SHIPPING')
  names.delete('WECHAT_VIRTUAL_GOODS_ALLOWED')
  expect(names).toContain('WECHAT_PAY_CERT')
  const ignored = [...names].filter((name) => healthDigest({ [name]: 'x' }) === healthDigest({}))
  expect(ignored).toEqual([])
})
