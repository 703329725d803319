/** The forms in which a shop may hand over its certificate, and what is wrong with the others. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { demoCertificate } from '../../dev/demo-values.ts'
import { certificateSettings } from '../../lib/config.ts'
import { ConfigError } from '../../lib/core/failure.ts'

const { WECHAT_PAY_CERT: cert, WECHAT_PAY_CERT_KEY: key } = demoCertificate
const otherKey = readFileSync(new URL('../fixtures/tls/client.key.pem', import.meta.url), 'utf8')
const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

describe('a certificate is taken', () => {
  test.each<[form: string, written: (text: string) => string]>([
    ['as it is', (text) => text],
    ['without its last line end', (text) => text.trim()],
    ['with blank lines around it', (text) => `\n\n${text}\n`],
    ['with \\n in place of line ends', (text) => text.replaceAll('\n', '\\n')],
    ['with line ends of Windows', (text) => text.replaceAll('\n', '\r\n')],
    ['in Base64', base64],
    ['in Base64 broken over lines', (text) => base64(text).replaceAll(/.{76}/g, '$&\n')],
    ['in Base64 of a file of Windows', (text) => base64(text.replaceAll('\n', '\r\n'))],
    ['with what openssl writes above it', (text) => `Bag Attributes\n    friendlyName: 1900000109\n${text}`],
  ])('%s', (_, written) => {
    const read = certificateSettings({ WECHAT_PAY_CERT: written(cert), WECHAT_PAY_CERT_KEY: written(key) })
    expect([read.cert.includes('-----BEGIN CERTIFICATE-----\n') || read.cert.includes('\r\n'), read.key.includes('PRIVATE KEY')]).toEqual([
      true,
      true,
    ])
  })
})

describe('a certificate is refused, and its variable named without what is in it,', () => {
  test.each<[name: string, env: Record<string, string>, variable: string, message: string]>([
    ['that is missing', { WECHAT_PAY_CERT_KEY: key }, 'WECHAT_PAY_CERT', 'is not set'],
    ['whose key is missing', { WECHAT_PAY_CERT: cert }, 'WECHAT_PAY_CERT_KEY', 'is not set'],
    ['whose key is empty', { WECHAT_PAY_CERT: cert, WECHAT_PAY_CERT_KEY: '' }, 'WECHAT_PAY_CERT_KEY', 'is not set'],
    [
      'that is in the place of the key',
      { WECHAT_PAY_CERT: key, WECHAT_PAY_CERT_KEY: cert },
      'WECHAT_PAY_CERT',
      'is not PEM, nor PEM in Base64',
    ],
    ['that is no PEM', { WECHAT_PAY_CERT: 'q7Zx', WECHAT_PAY_CERT_KEY: key }, 'WECHAT_PAY_CERT', 'is not PEM, nor PEM in Base64'],
    [
      'that is a path',
      { WECHAT_PAY_CERT: cert, WECHAT_PAY_CERT_KEY: '/q7Zx/apiclient_key.pem' },
      'WECHAT_PAY_CERT_KEY',
      'is not PEM, nor PEM in Base64',
    ],
    [
      'with another key',
      { WECHAT_PAY_CERT: cert, WECHAT_PAY_CERT_KEY: otherKey },
      'WECHAT_PAY_CERT_KEY',
      'is not the key of WECHAT_PAY_CERT',
    ],
    [
      'that is cut short',
      { WECHAT_PAY_CERT: `${cert.slice(0, 200)}\n-----END CERTIFICATE-----`, WECHAT_PAY_CERT_KEY: key },
      'WECHAT_PAY_CERT_KEY',
      'is not the key of WECHAT_PAY_CERT',
    ],
  ])('%s', (_, env, variable, message) => {
    try {
      certificateSettings(env)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      expect([error.variable, error.message]).toEqual([variable, `${variable} ${message}`])
      return
    }
    throw new Error('was taken')
  })
})
