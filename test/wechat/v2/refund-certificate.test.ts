/** The accepted forms of the certificate, and the errors of other forms. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { demoCertificate } from '../../../dev/world/demo-values.ts'
import { certificateSettings } from '../../../lib/config/certificate.ts'
import { ConfigError } from '../../../lib/core/failure.ts'

const { WECHAT_PAY_CERT: cert, WECHAT_PAY_CERT_KEY: key } = demoCertificate
const pem = (name: string): string =>
  readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')
const otherKey = pem('client.key')
const NOW = new Date('2027-01-01T00:00:00Z')
const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

describe('a certificate is accepted', () => {
  test.each<[form: string, written: (text: string) => string]>([
    ['unchanged', (text) => text],
    ['without its last line break', (text) => text.trim()],
    ['with blank lines around it', (text) => `\n\n${text}\n`],
    ['with \\n in place of line breaks', (text) => text.replaceAll('\n', '\\n')],
    ['without line breaks', (text) => text.replaceAll('\n', '')],
    ['with blanks in place of line breaks', (text) => text.replaceAll('\n', ' ')],
    ['in Base64, without line breaks', (text) => base64(text.replaceAll('\n', ''))],
    ['in a chain without line breaks', (text) => `${text}${text}`.replaceAll('\n', '')],
    ['with Windows line breaks', (text) => text.replaceAll('\n', '\r\n')],
    ['in Base64', base64],
    ['in Base64 on several lines', (text) => base64(text).replaceAll(/.{76}/g, '$&\n')],
    ['in Base64 with Windows line breaks', (text) => base64(text.replaceAll('\n', '\r\n'))],
    [
      'after the header that openssl writes',
      (text) => `Bag Attributes\n    friendlyName: 1900000109\n${text}`,
    ],
  ])('%s', (_, written) => {
    const read = certificateSettings(
      { WECHAT_PAY_CERT: written(cert), WECHAT_PAY_CERT_KEY: written(key) },
      NOW,
    )
    expect([
      read.cert.includes('-----BEGIN CERTIFICATE-----\n') || read.cert.includes('\r\n'),
      read.key.includes('PRIVATE KEY'),
    ]).toEqual([true, true])
  })
})

const BEGIN = '-----BEGIN CERTIFICATE-----'
const CUT_CERT =
  "is PEM that was cut off or damaged: use one line of Base64 (base64 < apiclient_cert.pem | tr -d '\\n')"

describe('a certificate is refused, and the error names its variable but not its content,', () => {
  test.each<[name: string, env: Record<string, string>, variable: string, message: string]>([
    ['that is missing', { WECHAT_PAY_CERT_KEY: key }, 'WECHAT_PAY_CERT', 'is not set'],
    ['whose key is missing', { WECHAT_PAY_CERT: cert }, 'WECHAT_PAY_CERT_KEY', 'is not set'],
    [
      'whose key is empty',
      { WECHAT_PAY_CERT: cert, WECHAT_PAY_CERT_KEY: '' },
      'WECHAT_PAY_CERT_KEY',
      'is not set',
    ],
    [
      'that is swapped with the key',
      { WECHAT_PAY_CERT: key, WECHAT_PAY_CERT_KEY: cert },
      'WECHAT_PAY_CERT',
      'holds a private key and WECHAT_PAY_CERT_KEY a certificate: the two are swapped',
    ],
    [
      'that is not PEM',
      { WECHAT_PAY_CERT: 'q7Zx', WECHAT_PAY_CERT_KEY: key },
      'WECHAT_PAY_CERT',
      'is not PEM, nor PEM in Base64',
    ],
    [
      'that is a path',
      { WECHAT_PAY_CERT: cert, WECHAT_PAY_CERT_KEY: '/q7Zx/apiclient_key.pem' },
      'WECHAT_PAY_CERT_KEY',
      'holds the path of a file: put the content of the file there',
    ],
    [
      'with another key',
      { WECHAT_PAY_CERT: cert, WECHAT_PAY_CERT_KEY: otherKey },
      'WECHAT_PAY_CERT_KEY',
      'is not the key of WECHAT_PAY_CERT',
    ],
    [
      'that is truncated',
      {
        WECHAT_PAY_CERT: `${cert.slice(0, 200)}\n-----END CERTIFICATE-----`,
        WECHAT_PAY_CERT_KEY: key,
      },
      'WECHAT_PAY_CERT',
      CUT_CERT,
    ],
    [
      'that is damaged and whose key is missing',
      { WECHAT_PAY_CERT: cert.slice(0, 200) },
      'WECHAT_PAY_CERT',
      CUT_CERT,
    ],
    [
      'of which only the first line was read',
      { WECHAT_PAY_CERT: BEGIN, WECHAT_PAY_CERT_KEY: key },
      'WECHAT_PAY_CERT',
      CUT_CERT,
    ],
    [
      'of which only the first word was read',
      { WECHAT_PAY_CERT: '-----BEGIN', WECHAT_PAY_CERT_KEY: key },
      'WECHAT_PAY_CERT',
      CUT_CERT,
    ],
    [
      'in truncated Base64',
      { WECHAT_PAY_CERT: base64(cert).slice(0, 200), WECHAT_PAY_CERT_KEY: key },
      'WECHAT_PAY_CERT',
      CUT_CERT,
    ],
    [
      'whose key is truncated',
      { WECHAT_PAY_CERT: cert, WECHAT_PAY_CERT_KEY: key.slice(0, 100) },
      'WECHAT_PAY_CERT_KEY',
      "is PEM that was cut off or damaged: use one line of Base64 (base64 < apiclient_key.pem | tr -d '\\n')",
    ],
  ])('%s', (_, env, variable, message) => {
    try {
      certificateSettings(env, NOW)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      expect([error.variable, error.message]).toEqual([variable, `${variable} ${message}`])
      return
    }
    throw new Error('the certificate was accepted')
  })
})

describe('a certificate of WeChat, whose common name is the merchant number,', () => {
  const ours = {
    WECHAT_MCH_ID: '1600000001',
    WECHAT_PAY_CERT: pem('merchant'),
    WECHAT_PAY_CERT_KEY: pem('merchant.key'),
  }
  const messageOf = (env: Record<string, string>, now: string): string | null => {
    try {
      certificateSettings(env, new Date(now))
      return null
    } catch (error) {
      return error instanceof ConfigError ? error.message : 'something else'
    }
  }

  test('is valid to the last second before it expires', () => {
    expect([
      messageOf(ours, '2126-10-28T17:00:00Z'),
      messageOf(ours, '2126-10-28T17:05:00Z'),
    ]).toEqual([null, 'WECHAT_PAY_CERT has expired'])
  })

  test('is accepted even if our clock is slow', () => {
    expect(messageOf(ours, '2026-11-20T00:00:00Z')).toBe(null)
  })

  test('is refused if it names another merchant, and accepted if no merchant is configured', () => {
    const theirs = {
      ...ours,
      WECHAT_PAY_CERT: pem('other-merchant'),
      WECHAT_PAY_CERT_KEY: pem('other-merchant.key'),
    }
    expect([
      messageOf(theirs, '2027-01-01T00:00:00Z'),
      messageOf({ ...theirs, WECHAT_MCH_ID: '' }, '2027-01-01T00:00:00Z'),
    ]).toEqual(['WECHAT_PAY_CERT is the certificate of another merchant than WECHAT_MCH_ID', null])
  })

  test('may be issued by another authority, with a name that is not a number', () => {
    expect(
      messageOf(
        { ...ours, WECHAT_PAY_CERT: pem('client'), WECHAT_PAY_CERT_KEY: pem('client.key') },
        '2027-01-01T00:00:00Z',
      ),
    ).toBe(null)
  })
})
