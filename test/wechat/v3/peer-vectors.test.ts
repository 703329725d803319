/** Messages from the tests of other WeChat Pay libraries, in the file that `PEER_VECTORS` names. */
import { createPublicKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { configuredKeys } from '../../../lib/wechat/v3/platform-keys.ts'
import { readNotification } from '../../../lib/wechat/v3/notification.ts'
import { openResource } from '../../../lib/wechat/v3/resource.ts'
import { isSigned, verifyMessage } from '../../../lib/wechat/v3/verify.ts'
import { demoV3 } from '../../support/v3-keys.ts'

const path = process.env['PEER_VECTORS'] ?? ''

const vector = v.object({
  source: v.string(),
  kind: v.string(),
  expectedSign: v.string(),
  message: v.optional(v.string()),
  headers: v.optional(v.record(v.string(), v.string())),
  body: v.optional(v.string(), ''),
  certificatePem: v.optional(v.string()),
  publicKeyPem: v.optional(v.string()),
  publicPem: v.optional(v.string()),
})
const decryption = v.object({
  source: v.string(),
  kind: v.string(),
  key: v.string(),
  nonce: v.optional(v.string(), ''),
  aad: v.optional(v.string(), ''),
  ciphertext: v.optional(v.string(), ''),
  expectedPlaintext: v.optional(v.string(), ''),
})
const collection = v.object({ v3: v.array(vector), decrypt: v.array(decryption) })

const peers: v.InferOutput<typeof collection> =
  path === ''
    ? { v3: [], decrypt: [] }
    : v.parse(collection, JSON.parse(readFileSync(path, 'utf8')))

const keyOf = (one: v.InferOutput<typeof vector>) =>
  createPublicKey(one.certificatePem ?? one.publicKeyPem ?? one.publicPem ?? '')

/** Texts with a signature, not framed as a message. */
const texts = peers.v3.flatMap((one) =>
  one.message === undefined ? [] : [{ ...one, text: Buffer.from(one.message) }],
)
/** Messages as they arrive, with the clock of their author. */
const messages = peers.v3.flatMap((one) => {
  if (one.headers === undefined) return []
  const headers = new Headers(one.headers)
  const serial = headers.get('wechatpay-serial') ?? ''
  const settings = { ...demoV3, publicKeys: new Map([[serial, keyOf(one)]]) }
  const now = new Date(Number(headers.get('wechatpay-timestamp')) * 1000)
  return [{ ...one, headers, settings, now, bytes: Buffer.from(one.body) }]
})
const encrypted = peers.decrypt.filter(({ kind }) => kind.startsWith('v3-'))
const open = (one: v.InferOutput<typeof decryption>, key = one.key) =>
  openResource(key, {
    algorithm: 'AEAD_AES_256_GCM',
    ciphertext: one.ciphertext,
    associated_data: one.aad,
    nonce: one.nonce,
  })
const isAes256 = ({ key }: { readonly key: string }) => key.length === 32

describe.skipIf(path === '')('the v3 messages of other libraries', () => {
  test('are all present', () => {
    expect([texts.length, messages.length, texts.length + messages.length]).toEqual([
      4,
      2,
      peers.v3.length,
    ])
    expect([encrypted.length, encrypted.filter(isAes256).length]).toEqual([6, 5])
  })

  test.for(texts)('$kind: the text has the listed signature ($source)', (one) => {
    const signature = Buffer.from(one.expectedSign, 'base64')
    expect(isSigned([one.text], signature, keyOf(one))).toBe(true)
    expect(isSigned([one.text, one.text], signature, keyOf(one))).toBe(false)
  })

  test.for(messages)('$kind: the message is WeChat’s ($source)', async (one) => {
    const keys = configuredKeys(one.settings)
    expect(await verifyMessage(keys, one.headers, one.bytes, one.now)).toBeNull()
    expect(await verifyMessage(keys, one.headers, Buffer.from(`${one.body} `), one.now)).toBe(
      'signature',
    )
    expect(await verifyMessage(keys, one.headers, one.bytes, new Date())).toBe('time')
    expect(await verifyMessage(configuredKeys(demoV3), one.headers, one.bytes, one.now)).toBe(
      'serial',
    )
  })

  test.for(messages.filter(({ kind }) => kind === 'v3-notify'))(
    '$kind: a genuine notification of another product is unknown ($source)',
    async ({ settings, headers, bytes, now }) => {
      const incoming = { headers, bytes, query: new URLSearchParams() }
      expect(
        await readNotification(settings, configuredKeys(settings), incoming, now),
      ).toMatchObject({ ok: true, value: { kind: 'unknown' } })
    },
  )

  test.for(encrypted.filter(isAes256))('$kind: is decrypted ($source)', (one) => {
    expect(Buffer.from(open(one) ?? [0xff]).toString('utf8')).toBe(one.expectedPlaintext)
    expect(open(one, 'DemoV3ApiKey00000000000000000001')).toBeNull()
  })

  test.for(encrypted.filter((one) => !isAes256(one)))(
    '$kind: a key that is no APIv3 key decrypts nothing ($source)',
    (one) => {
      expect(open(one)).toBeNull()
    },
  )

  test.for(encrypted.filter(({ kind }) => kind === 'v3-platform-certificate'))(
    '$kind: is a certificate with a serial ($source)',
    (one) => {
      const { serialNumber } = new X509Certificate(Buffer.from(open(one) ?? []))
      expect(serialNumber).toMatch(/^[0-9A-F]{40}$/)
    },
  )
})
