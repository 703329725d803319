/** Platform certificates of a made-up WeChat: minimal X.509 in DER, written with `node:crypto`. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { sealed } from './v3-keys.ts'

export interface PlatformCertificate {
  readonly serial: string
  readonly key: KeyObject
  readonly pem: string
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const { length } = body
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
const [SEQUENCE, SET, INTEGER, BITS, NAME_TEXT, TIME, VERSION] = [
  0x30, 0x31, 0x02, 0x03, 0x0c, 0x17, 0xa0,
] as const
const SHA256_WITH_RSA = Buffer.from('300d06092a864886f70d01010b0500', 'hex')
const COMMON_NAME = Buffer.from('0603550403', 'hex')

/** `YYMMDDhhmmssZ`. */
const utcTime = (at: Date) =>
  der(TIME, Buffer.from(`${at.toISOString().replace(/\D/g, '').slice(2, 14)}Z`))

/**
 * A self-signed certificate with this serial and these dates. WeChat's have RSA keys.
 */
export function newCertificate(
  serial: string,
  from: Date,
  to: Date,
  algorithm: 'rsa' | 'ec' = 'rsa',
): PlatformCertificate {
  const { publicKey, privateKey } =
    algorithm === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const text = der(NAME_TEXT, Buffer.from('Made-up Pay'))
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, text)))
  const signed = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from(serial, 'hex')),
    SHA256_WITH_RSA,
    name,
    der(SEQUENCE, utcTime(from), utcTime(to)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = der(BITS, Buffer.from([0]), sign('sha256', signed, privateKey))
  const base64 = der(SEQUENCE, signed, SHA256_WITH_RSA, signature).toString('base64')
  const lines = base64.match(/.{1,64}/g) ?? []
  const pem = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
  return { serial, key: privateKey, pem }
}

/** The answer of `GET /v3/certificates`. */
export const certificateList = (certificates: readonly PlatformCertificate[], apiKey?: string) => ({
  data: certificates.map(({ serial, pem }) => ({
    serial_no: serial,
    effective_time: '2024-06-08T10:34:56+08:00',
    expire_time: '2029-06-07T10:34:56+08:00',
    encrypt_certificate: sealed(pem, {
      associatedData: 'certificate',
      ...(apiKey === undefined ? {} : { apiKey }),
    }),
  })),
})
