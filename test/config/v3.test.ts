/** The settings of APIv3, and the protocol that they choose. */
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { demoCertificate, demoV3Values } from '../../dev/world/demo-values.ts'
import type { Environment } from '../../lib/config/environment.ts'
import { configuredProtocols, newOrderProtocol } from '../../lib/config/protocol.ts'
import { publicKeys, v3Key, v3Settings } from '../../lib/config/v3.ts'
import { ConfigError } from '../../lib/core/failure.ts'
import type { V3Settings } from '../../lib/wechat/v3/settings.ts'

/** `rsa-merchant` is self-signed with a new RSA key, because only RSA keys sign for APIv3. */
const pem = (name: string): string =>
  readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')
const newPublicKey = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 2048 })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString()
const base64 = (text: string): string => Buffer.from(text).toString('base64')

const [key, otherKey] = [newPublicKey(), newPublicKey()]
const [id, otherId] = ['PUB_KEY_ID_0116000000012026', 'PUB_KEY_ID_0116000000012027']
const merchantsPublicKey = new X509Certificate(pem('rsa-merchant')).publicKey
  .export({ type: 'spki', format: 'pem' })
  .toString()
const ecPublicKey = createPublicKey(pem('merchant.key'))
  .export({ type: 'spki', format: 'pem' })
  .toString()

const full = {
  WECHAT_APPID: 'wx0123456789abcdef',
  WECHAT_MCH_ID: '1600000001',
  WECHAT_PAY_V3_KEY: 'ApiV3KeyOfTheShop000000000000001',
  WECHAT_PAY_CERT: pem('rsa-merchant'),
  WECHAT_PAY_CERT_KEY: pem('rsa-merchant.key'),
  WECHAT_PAY_PUBLIC_KEY: key,
  WECHAT_PAY_PUBLIC_KEY_ID: id,
} as const
const changing = {
  ...full,
  WECHAT_PAY_PUBLIC_KEY_OTHER: otherKey,
  WECHAT_PAY_PUBLIC_KEY_ID_OTHER: otherId,
} as const

/** The variable of the refusal, and its message. Null if the settings are accepted. */
function refusal(env: Environment): readonly [variable: string, message: string] | null {
  try {
    v3Settings(env)
    return null
  } catch (cause) {
    if (cause instanceof ConfigError) return [cause.variable, cause.message]
    throw cause
  }
}

describe('the settings of APIv3', () => {
  test('name the merchant, with the serial of its certificate in upper-case hex', () => {
    const settings: V3Settings = v3Settings(full)
    expect(settings).toMatchObject({
      appid: 'wx0123456789abcdef',
      mchId: '1600000001',
      apiKey: 'ApiV3KeyOfTheShop000000000000001',
      merchant: { serial: '7A67AFFB638123BC3D4757D300467DCD50658464' },
      hosts: ['https://api.mch.weixin.qq.com', 'https://api2.mch.weixin.qq.com'],
    })
    expect(settings.merchant.privateKey.type).toBe('private')
    expect([...settings.publicKeys.keys()]).toEqual([id])
  })

  test('have no public key if platform certificates are used', () => {
    const { WECHAT_PAY_PUBLIC_KEY: _, WECHAT_PAY_PUBLIC_KEY_ID: __, ...without } = full
    expect([...v3Settings(without).publicKeys]).toEqual([])
  })

  test('have two public keys while WeChat’s key is replaced, and requests name the first', () => {
    const keys = v3Settings(changing).publicKeys
    expect([...keys.keys()]).toEqual([id, otherId])
    expect(keys.get(id)?.equals(createPublicKey(key))).toBe(true)
    expect(keys.get(otherId)?.equals(createPublicKey(otherKey))).toBe(true)
  })

  test('have one public key if both pairs are the same', () => {
    const same = {
      ...full,
      WECHAT_PAY_PUBLIC_KEY_OTHER: key,
      WECHAT_PAY_PUBLIC_KEY_ID_OTHER: id,
    }
    expect([...publicKeys(same).keys()]).toEqual([id])
  })

  test.each<[form: string, written: (text: string) => string]>([
    ['unchanged', (text) => text],
    ['without its last line break', (text) => text.trim()],
    ['with blank lines around it', (text) => `\n\n${text}\n`],
    ['with \\n in place of line breaks', (text) => text.replaceAll('\n', '\\n')],
    ['without line breaks', (text) => text.replaceAll('\n', '')],
    ['with blanks in place of line breaks', (text) => text.replaceAll('\n', ' ')],
    ['with Windows line breaks', (text) => text.replaceAll('\n', '\r\n')],
    ['in Base64', base64],
    ['in Base64 on several lines', (text) => base64(text).replaceAll(/.{76}/g, '$&\n')],
    ['in Base64, without line breaks', (text) => base64(text.replaceAll('\n', ''))],
  ])('accept certificate and keys %s', (_, written) => {
    const settings: V3Settings = v3Settings({
      ...full,
      WECHAT_PAY_CERT: written(full.WECHAT_PAY_CERT),
      WECHAT_PAY_CERT_KEY: written(full.WECHAT_PAY_CERT_KEY),
      WECHAT_PAY_PUBLIC_KEY: written(key),
    })
    expect(settings.merchant.serial).toBe('7A67AFFB638123BC3D4757D300467DCD50658464')
    expect(settings.publicKeys.get(id)?.equals(createPublicKey(key))).toBe(true)
  })
})

const PUBLIC = 'WECHAT_PAY_PUBLIC_KEY'

describe('a setting of APIv3 is refused by name, and its value is not shown:', () => {
  test.each<
    [what: string, change: Record<string, string | undefined>, variable: string, fault: string]
  >([
    ['no APIv3 key', { WECHAT_PAY_V3_KEY: '' }, 'WECHAT_PAY_V3_KEY', 'is not set'],
    [
      'an APIv3 key that is too short',
      { WECHAT_PAY_V3_KEY: 'q7Zx' },
      'WECHAT_PAY_V3_KEY',
      'is not an APIv3 key of 32 characters: it has 4',
    ],
    [
      'an APIv3 key with a space around it',
      { WECHAT_PAY_V3_KEY: ` ${full.WECHAT_PAY_V3_KEY}` },
      'WECHAT_PAY_V3_KEY',
      'has a space or a line end before or behind it',
    ],
    [
      'an APIv3 key in quotation marks',
      { WECHAT_PAY_V3_KEY: `“${full.WECHAT_PAY_V3_KEY}”` },
      'WECHAT_PAY_V3_KEY',
      'has quotation marks around it',
    ],
    [
      'an APIv3 key of 32 characters that are more than 32 bytes',
      { WECHAT_PAY_V3_KEY: 'q7Zx密0000000000000000000000000001' },
      'WECHAT_PAY_V3_KEY',
      'has a character in it that is not visible ASCII: copy it again as plain text',
    ],
    ['no certificate', { WECHAT_PAY_CERT: '' }, 'WECHAT_PAY_CERT', 'is not set'],
    [
      'no key of the certificate',
      { WECHAT_PAY_CERT_KEY: undefined },
      'WECHAT_PAY_CERT_KEY',
      'is not set',
    ],
    [
      'certificate and key swapped',
      {
        WECHAT_PAY_CERT: full.WECHAT_PAY_CERT_KEY,
        WECHAT_PAY_CERT_KEY: full.WECHAT_PAY_CERT,
      },
      'WECHAT_PAY_CERT',
      'holds a private key and WECHAT_PAY_CERT_KEY a certificate: the two are swapped',
    ],
    [
      'the certificate of another merchant',
      { WECHAT_PAY_CERT: pem('other-merchant'), WECHAT_PAY_CERT_KEY: pem('other-merchant.key') },
      'WECHAT_PAY_CERT',
      'is the certificate of another merchant than WECHAT_MCH_ID',
    ],
    [
      'a key that is not that of the certificate',
      { WECHAT_PAY_CERT_KEY: pem('merchant.key') },
      'WECHAT_PAY_CERT_KEY',
      'is not the key of WECHAT_PAY_CERT',
    ],
    [
      'a certificate that cannot sign for APIv3',
      { WECHAT_PAY_CERT: pem('merchant'), WECHAT_PAY_CERT_KEY: pem('merchant.key') },
      'WECHAT_PAY_CERT',
      'has no RSA key, which APIv3 demands: put apiclient_cert.pem there',
    ],
    [
      'a public key without its id',
      { WECHAT_PAY_PUBLIC_KEY_ID: undefined },
      'WECHAT_PAY_PUBLIC_KEY_ID',
      'is not set, but WECHAT_PAY_PUBLIC_KEY is: copy the id from beside the key in the console',
    ],
    [
      'an id without its public key',
      { [PUBLIC]: '' },
      PUBLIC,
      'is not set, but WECHAT_PAY_PUBLIC_KEY_ID is: put pub_key.pem there',
    ],
    [
      'an id and its public key swapped',
      { [PUBLIC]: id, WECHAT_PAY_PUBLIC_KEY_ID: key },
      PUBLIC,
      'holds the id of a key: put the id into WECHAT_PAY_PUBLIC_KEY_ID, and pub_key.pem there',
    ],
    [
      'the serial of a certificate in place of the id',
      { WECHAT_PAY_PUBLIC_KEY_ID: '7A67AFFB638123BC3D4757D300467DCD50658464' },
      'WECHAT_PAY_PUBLIC_KEY_ID',
      'is not the id of a public key: PUB_KEY_ID_ and digits; it looks like the serial of a certificate',
    ],
    [
      'an id without its beginning',
      { WECHAT_PAY_PUBLIC_KEY_ID: 'q7Zx' },
      'WECHAT_PAY_PUBLIC_KEY_ID',
      'is not the id of a public key: PUB_KEY_ID_ and digits',
    ],
    [
      'an id with a line end',
      { WECHAT_PAY_PUBLIC_KEY_ID: `${id}\n` },
      'WECHAT_PAY_PUBLIC_KEY_ID',
      'has a space or a line end before or behind it',
    ],
    [
      'a certificate in place of the public key',
      { [PUBLIC]: pem('other-merchant') },
      PUBLIC,
      'holds a certificate: put pub_key.pem there',
    ],
    [
      'a private key in place of the public key',
      { [PUBLIC]: pem('other-merchant.key') },
      PUBLIC,
      'holds a private key: put pub_key.pem there',
    ],
    [
      'the merchant’s own public key',
      { [PUBLIC]: merchantsPublicKey },
      PUBLIC,
      'is the merchant’s own public key: put WeChat Pay’s there (pub_key.pem)',
    ],
    [
      'a public key of another kind',
      { [PUBLIC]: ecPublicKey },
      PUBLIC,
      'is not an RSA key: put WeChat Pay’s there (pub_key.pem)',
    ],
    [
      'the path of the public key',
      { [PUBLIC]: './q7Zx/pub_key.pem' },
      PUBLIC,
      'holds the path of a file: put the content of the file there',
    ],
    [
      'a public key without its first and last line',
      { [PUBLIC]: key.split('\n').slice(1, -2).join('') },
      PUBLIC,
      'lacks its first and last line: put pub_key.pem there as it is',
    ],
    [
      'a public key that was cut off',
      { [PUBLIC]: key.slice(0, 200) },
      PUBLIC,
      "is PEM that was cut off or damaged: use one line of Base64 (base64 < pub_key.pem | tr -d '\\n')",
    ],
    ['a public key that is no PEM', { [PUBLIC]: 'q7Zx' }, PUBLIC, 'is not PEM, nor PEM in Base64'],
    [
      'only a second public key',
      { ...changing, [PUBLIC]: '', WECHAT_PAY_PUBLIC_KEY_ID: '' },
      PUBLIC,
      'is not set, but WECHAT_PAY_PUBLIC_KEY_OTHER is: a single key belongs in WECHAT_PAY_PUBLIC_KEY',
    ],
    [
      'a second public key without its id',
      { WECHAT_PAY_PUBLIC_KEY_OTHER: otherKey },
      'WECHAT_PAY_PUBLIC_KEY_ID_OTHER',
      'is not set, but WECHAT_PAY_PUBLIC_KEY_OTHER is: copy the id from beside the key in the console',
    ],
    [
      'two keys with one id',
      { WECHAT_PAY_PUBLIC_KEY_OTHER: otherKey, WECHAT_PAY_PUBLIC_KEY_ID_OTHER: id },
      'WECHAT_PAY_PUBLIC_KEY_ID_OTHER',
      'is WECHAT_PAY_PUBLIC_KEY_ID, but the keys differ: each key has an id of its own',
    ],
    [
      'one key with two ids',
      { WECHAT_PAY_PUBLIC_KEY_OTHER: key, WECHAT_PAY_PUBLIC_KEY_ID_OTHER: otherId },
      'WECHAT_PAY_PUBLIC_KEY_OTHER',
      'is WECHAT_PAY_PUBLIC_KEY, but the ids differ: put the key of the other id there',
    ],
    [
      'a public key and the certificate swapped',
      { [PUBLIC]: full.WECHAT_PAY_CERT, WECHAT_PAY_CERT: key },
      'WECHAT_PAY_CERT',
      'holds a public key and WECHAT_PAY_PUBLIC_KEY a certificate: the two are swapped',
    ],
  ])('%s', (_, change, variable, fault) => {
    const refused = refusal({ ...full, ...change })
    expect(refused).toEqual([variable, `${variable} ${fault}`])
    expect(refused?.[1]).not.toContain('q7Zx')
  })

  test.each([
    ['WECHAT_PAY_V3_KEY', { WECHAT_PAY_V3_KEY: 'DemoV3ApiKey00000000000000000001' }],
    ['WECHAT_PAY_PUBLIC_KEY_ID', { WECHAT_PAY_PUBLIC_KEY_ID: 'PUB_KEY_ID_demo1' }],
    [
      'WECHAT_PAY_PUBLIC_KEY_ID',
      { ...full, ...demoV3Values, WECHAT_PAY_V3_KEY: full.WECHAT_PAY_V3_KEY },
    ],
    ['WECHAT_PAY_CERT', demoCertificate],
  ])('in production the %s of the local world', (variable, change) => {
    expect(refusal({ ...full, ...change, VERCEL_ENV: 'production' })).toEqual([
      variable,
      `${variable} is a value of the local world, which is public`,
    ])
  })
})

describe('the protocol of new orders', () => {
  const v2 = { WECHAT_PAY_KEY: 'ApiV2KeyOfTheShop000000000000001' }
  const { WECHAT_PAY_CERT, WECHAT_PAY_CERT_KEY, WECHAT_PAY_V3_KEY } = full
  const pair = { WECHAT_PAY_CERT, WECHAT_PAY_CERT_KEY }

  test.each<[what: string, env: Environment, protocol: string, configured: readonly string[]]>([
    ['nothing is set', {}, 'v2', ['v2']],
    ['only the APIv2 key is set', v2, 'v2', ['v2']],
    ['only the certificate is set, which refunds of v2 need', pair, 'v2', ['v2']],
    ['the APIv2 key and the certificate are set', { ...v2, ...pair }, 'v2', ['v2']],
    ['only APIv3 is set', full, 'v3', ['v3']],
    ['only APIv3 is set, with platform certificates', { ...pair, WECHAT_PAY_V3_KEY }, 'v3', ['v3']],
    ['APIv3 is begun, and v2 is not set', { WECHAT_PAY_V3_KEY }, 'v3', ['v3']],
    ['APIv3 is begun with its public key', { WECHAT_PAY_PUBLIC_KEY_ID: id }, 'v3', ['v3']],
    ['APIv3 is begun beside v2', { ...v2, WECHAT_PAY_V3_KEY }, 'v2', ['v3', 'v2']],
    ['both are set', { ...full, ...v2 }, 'v2', ['v3', 'v2']],
    ['both are set and v2 is named', { ...full, ...v2, WECHAT_PAY_API: 'v2' }, 'v2', ['v3', 'v2']],
    ['both are set and v3 is named', { ...full, ...v2, WECHAT_PAY_API: 'v3' }, 'v3', ['v3', 'v2']],
    ['v3 is named and not set', { ...v2, WECHAT_PAY_API: 'v3' }, 'v3', ['v3', 'v2']],
    ['v2 is named and not set', { ...full, WECHAT_PAY_API: 'v2' }, 'v2', ['v3', 'v2']],
    ['the name is empty', { ...full, WECHAT_PAY_API: '' }, 'v3', ['v3']],
  ])('if %s', (_, env, protocol, configured) => {
    expect([newOrderProtocol(env), configuredProtocols(env)]).toEqual([protocol, configured])
  })

  test.each(['v4', 'V3', '3', 'v3 '])(
    'cannot be %j, and notifications are read all the same',
    (named) => {
      const env = { ...full, WECHAT_PAY_API: named }
      expect(() => newOrderProtocol(env)).toThrow(/^WECHAT_PAY_API /)
      expect(configuredProtocols(env)).toEqual(['v3'])
    },
  )
})

test('an APIv3 key is 32 bytes of ASCII', () => {
  expect(Buffer.byteLength(v3Key(full))).toBe(32)
})
