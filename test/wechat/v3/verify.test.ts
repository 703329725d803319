import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  combineKeys,
  configuredKeys,
  type PlatformKeys,
} from '../../../lib/wechat/v3/platform-keys.ts'
import { verifyMessage } from '../../../lib/wechat/v3/verify.ts'
import { demoV3, PUBLIC_KEY_ID, signedHeaders, wechatPair } from '../../support/v3-keys.ts'

const AT = new Date('2025-01-02T03:05:02+08:00')
const BODY = '{"id":"EV-1","summary":"支付成功"}'
const keys = configuredKeys(demoV3)

const check = (
  headers: Record<string, string>,
  body: string | Uint8Array = BODY,
  now = AT,
  by: PlatformKeys = keys,
) => verifyMessage(by, new Headers(headers), Buffer.from(body), now)

const later = (ms: number) => new Date(AT.getTime() + ms)

describe('a message signed by WeChat', () => {
  test.each([BODY, ''])('is accepted (%j)', async (body) => {
    expect(await check(signedHeaders(body, AT), body)).toBeNull()
  })

  test('is accepted if the body is no text in UTF-8', async () => {
    const body = Uint8Array.of(0xff, 0x00, 0xc3, 0x28)
    expect(await check(signedHeaders(body, AT), body)).toBeNull()
  })

  test('is accepted without a signature type, which means RSA', async () => {
    const { 'Wechatpay-Signature-Type': _, ...headers } = signedHeaders(BODY, AT)
    expect(await check(headers)).toBeNull()
  })

  test.each(['WECHATPAY2-SM2-WITH-SM3', '', 'wechatpay2-sha256-rsa2048'])(
    'is refused with the signature type %j',
    async (type) => {
      const headers = { ...signedHeaders(BODY, AT), 'Wechatpay-Signature-Type': type }
      expect(await check(headers)).toBe('signature')
    },
  )

  test.each(['Timestamp', 'Nonce', 'Serial', 'Signature'])(
    'is refused without the header Wechatpay-%s',
    async (name) => {
      const headers = { ...signedHeaders(BODY, AT), [`Wechatpay-${name}`]: '' }
      expect(await check(headers)).toBe(name === 'Timestamp' ? 'time' : 'signature')
    },
  )

  test('is refused with an empty nonce, even if WeChat has signed it', async () => {
    expect(await check(signedHeaders(BODY, AT, { nonce: '' }))).toBe('signature')
  })

  test('is refused without a signature before its serial is looked up', async () => {
    const headers = { ...signedHeaders(BODY, AT, { serial: 'UNKNOWN' }), 'Wechatpay-Signature': '' }
    expect(await check(headers)).toBe('signature')
  })

  test('is refused by the time if it is five minutes old, or five minutes ahead', async () => {
    const headers = signedHeaders(BODY, AT)
    const fiveMinutes = 300_000
    expect(await check(headers, BODY, later(fiveMinutes - 1))).toBeNull()
    expect(await check(headers, BODY, later(1 - fiveMinutes))).toBeNull()
    expect(await check(headers, BODY, later(fiveMinutes))).toBe('time')
    expect(await check(headers, BODY, later(-fiveMinutes))).toBe('time')
  })

  test.each(['1e9', '-1735758302', '1735758302.0', '0x67758a1e', '+1735758302', 'now'])(
    'is refused if the time is written as %s',
    async (timestamp) => {
      expect(await check({ ...signedHeaders(BODY, AT), 'Wechatpay-Timestamp': timestamp })).toBe(
        'time',
      )
    },
  )

  test('is refused at any other time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 300_000, max: 10 ** 12 }),
        fc.constantFrom(1, -1),
        async (ms, direction) => {
          expect(await check(signedHeaders(BODY, AT), BODY, later(ms * direction))).toBe('time')
        },
      ),
    )
  })

  test('is refused if any byte of the body is changed, added or missing', async () => {
    const headers = signedHeaders(BODY, AT)
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const bytes = Buffer.from(BODY)
        const index = at % bytes.byteLength
        bytes[index] = (bytes[index] ?? 0) ^ mask
        expect(await check(headers, bytes)).toBe('signature')
      }),
    )
    expect(await check(headers, `${BODY}\n`)).toBe('signature')
    expect(await check(headers, BODY.slice(0, -1))).toBe('signature')
    expect(await check(headers, `\uFEFF${BODY}`)).toBe('signature')
  })

  test('is refused if any character of a header is changed', async () => {
    const headers = signedHeaders(BODY, AT)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('Timestamp', 'Nonce', 'Serial', 'Signature', 'Signature-Type'),
        fc.nat(),
        fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCodePoint(code)),
        async (name, at, character) => {
          const value = headers[`Wechatpay-${name}`] ?? ''
          const index = at % value.length
          fc.pre(value[index] !== character)
          const changed = value.slice(0, index) + character + value.slice(index + 1)
          expect(await check({ ...headers, [`Wechatpay-${name}`]: changed })).not.toBeNull()
        },
      ),
      { numRuns: 500 },
    )
  })

  test('is refused if a header is sent twice', async () => {
    for (const name of ['timestamp', 'nonce', 'serial', 'signature', 'signature-type']) {
      const headers = new Headers(signedHeaders(BODY, AT))
      headers.append(`wechatpay-${name}`, headers.get(`wechatpay-${name}`) ?? '')
      expect(await verifyMessage(keys, headers, Buffer.from(BODY), AT)).not.toBeNull()
    }
  })

  test('is refused if the body takes over the end of the nonce', async () => {
    const headers = signedHeaders(`a\n${BODY}`, AT, { nonce: 'n' })
    expect(await check({ ...headers, 'Wechatpay-Nonce': 'na' })).toBe('signature')
  })

  test.each([
    'WECHATPAY/SIGNTEST/vDd+T8XsNAraIXo1I5Cbc5k/OKp2gYMQgu7OgYaKnZY',
    'WECHATPAY/SIGNTEST/',
    '%%%',
    'A',
    'AAAA',
    '=',
    'a'.repeat(100_000),
  ])('is refused with the bad signature %.40s', async (signature) => {
    expect(await check({ ...signedHeaders(BODY, AT), 'Wechatpay-Signature': signature })).toBe(
      'signature',
    )
  })

  test('is refused if the merchant signed it', async () => {
    const headers = signedHeaders(BODY, AT, { key: demoV3.merchant.privateKey })
    expect(await check(headers)).toBe('signature')
  })
})

describe('the keys that WeChat signs with', () => {
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const OTHER_ID = 'PUB_KEY_ID_0119000001092025010200000000000002'
  const both = configuredKeys({
    ...demoV3,
    publicKeys: new Map([...demoV3.publicKeys, [OTHER_ID, other.publicKey]]),
  })
  const CERTIFICATE = '7132D72A03E93CDDF8C03BBD1F37EEDF0000ABCD'
  const asked: string[] = []
  const certificates: PlatformKeys = {
    find: async (serial) => {
      asked.push(serial)
      return serial === CERTIFICATE ? other.publicKey : null
    },
    current: async () => CERTIFICATE,
    replace: async () => null,
  }

  test('several public keys are accepted while one is replaced', async () => {
    expect(await check(signedHeaders(BODY, AT), BODY, AT, both)).toBeNull()
    const headers = signedHeaders(BODY, AT, { serial: OTHER_ID, key: other.privateKey })
    expect(await check(headers, BODY, AT, both)).toBeNull()
    expect(await check(headers)).toBe('serial')
  })

  test('a key is not accepted under the id of another key', async () => {
    const headers = signedHeaders(BODY, AT, { serial: OTHER_ID, key: wechatPair.privateKey })
    expect(await check(headers, BODY, AT, both)).toBe('signature')
  })

  test('calls name the first public key', async () => {
    expect(await both.current()).toBe(PUBLIC_KEY_ID)
    expect(await configuredKeys({ ...demoV3, publicKeys: new Map() }).current()).toBeNull()
  })

  test('a public key and certificates are accepted side by side', async () => {
    const combined = combineKeys(keys, certificates)
    expect(await check(signedHeaders(BODY, AT), BODY, AT, combined)).toBeNull()
    const headers = signedHeaders(BODY, AT, { serial: CERTIFICATE, key: other.privateKey })
    expect(await check(headers, BODY, AT, combined)).toBeNull()
    expect(await combined.current()).toBe(PUBLIC_KEY_ID)
  })

  test('calls name the certificate if no public key is configured', async () => {
    const none = configuredKeys({ ...demoV3, publicKeys: new Map() })
    expect(await combineKeys(none, certificates).current()).toBe(CERTIFICATE)
  })

  test('only a certificate has a successor: a person replaces a public key', async () => {
    const none = configuredKeys({ ...demoV3, publicKeys: new Map() })
    const replace = async (refused: string) => `successor of ${refused}`
    const renewed = { ...certificates, replace }
    expect(await combineKeys(none, renewed).replace(CERTIFICATE)).toBe(
      `successor of ${CERTIFICATE}`,
    )
    expect(await combineKeys(keys, renewed).replace(CERTIFICATE)).toBeNull()
  })

  test('no certificate is looked up for the id of a public key, or for a message that cannot be valid', async () => {
    asked.length = 0
    const combined = combineKeys(keys, certificates)
    const headers = signedHeaders(BODY, AT, { serial: CERTIFICATE, key: other.privateKey })
    await check({ ...headers, 'Wechatpay-Serial': OTHER_ID }, BODY, AT, combined)
    await check(headers, BODY, later(300_000), combined)
    await check({ ...headers, 'Wechatpay-Signature': '%' }, BODY, AT, combined)
    expect(asked).toEqual([])
  })
})
