/** What the two variables of the merchant's certificate hold: PEM, PEM in Base64, or something that was taken for it. */

type Kind = 'a certificate' | 'a private key'

/** What each variable is to hold, with WeChat's name for the file it is in. */
const pemKinds = {
  WECHAT_PAY_CERT: { kind: 'a certificate', file: 'apiclient_cert.pem', other: 'WECHAT_PAY_CERT_KEY' },
  WECHAT_PAY_CERT_KEY: { kind: 'a private key', file: 'apiclient_key.pem', other: 'WECHAT_PAY_CERT' },
} as const

export type PemName = keyof typeof pemKinds
type Values = Readonly<Partial<Record<string, string>>>

export interface Opened<T> {
  readonly pem: string
  readonly opened: T
}

/** @returns what is wrong with the variable, as a string, or what it holds */
export function readPem<T>(values: Values, name: PemName, open: (pem: string) => T): Opened<T> | string {
  const value = values[name] ?? ''
  const fault = value === '' ? 'is not set' : findFault(values, name, value)
  if (fault !== null) return fault
  const pem = toPem(value)
  try {
    return { pem, opened: open(pem) }
  } catch {
    return describeDamage(pem, name)
  }
}

/** From PEM as it is, with `\n` or blanks for line ends or without them, or in Base64. */
const toPem = (value: string): string =>
  breakLines((value.includes('-----') ? value : Buffer.from(value, 'base64').toString('utf8')).replaceAll('\\n', '\n'))

/** PEM with its line ends where they belong: some forms for variables take them away, or put blanks there. */
const breakLines = (pem: string): string =>
  pem.replaceAll(
    /(-----BEGIN ([A-Z ]+)-----)([\w+/=\s]*)(-----END \2-----)/g,
    (_, begin: string, _label: string, body: string, end: string) =>
      `${begin}\n${body.replaceAll(/\s/g, '').replaceAll(/.{1,64}/g, '$&\n')}${end}\n`,
  )

function kindOf(pem: string): Kind | 'a public key' | null {
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return 'a certificate'
  if (/-----BEGIN (?:\w+ )?PRIVATE KEY-----/.test(pem)) return 'a private key'
  return /-----BEGIN (?:\w+ )?PUBLIC KEY-----/.test(pem) ? 'a public key' : null
}

/** What a variable holds in place of what belongs there; null where it begins as it should. */
function findFault(values: Values, name: PemName, value: string): string | null {
  const { kind, file, other } = pemKinds[name]
  const held = kindOf(toPem(value))
  if (held === kind) return null
  // What is left of the first line when it is read up to its blank.
  if (value.includes('-----') && !/-----BEGIN [\w ]+-----/.test(value)) return null
  if (held !== null) {
    const isSwapped = held === pemKinds[other].kind && kindOf(toPem(values[other] ?? '')) === kind
    return isSwapped ? `holds ${held} and ${other} ${kind}: the two are swapped` : `holds ${held}: put ${file} there`
  }
  if (/^(?:file:|@|[.~]{0,2}[\\/]|[a-z]:[\\/])|\.(?:pem|p12|pfx|crt|cer|key|txt)$/i.test(value))
    return 'holds the path of a file: put the content of the file there'
  const der = Buffer.from(value, 'base64')
  // ASN.1: a PKCS #12 archive begins with its version, 3.
  if (/^30(?:80|82.{4})020103/.test(der.toString('hex'))) return `holds apiclient_cert.p12: put ${file} there`
  if (der[0] === SEQUENCE && der.length > SHORTEST_DER) return `lacks its first and last line: put ${file} there as it is`
  return 'is not PEM, nor PEM in Base64'
}

const SEQUENCE = 0x30
/** Less is text that happens to begin like it. */
const SHORTEST_DER = 64

/** Why PEM of the right kind cannot be opened. */
function describeDamage(pem: string, name: PemName): string {
  const { file } = pemKinds[name]
  return pem.includes('ENCRYPTED')
    ? `is protected by a password: put ${file} there as WeChat’s tool made it`
    : `is PEM that was cut off or damaged: use one line of Base64 (base64 < ${file} | tr -d '\\n')`
}
