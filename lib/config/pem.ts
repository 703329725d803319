/**
 * Reads the variables that hold a certificate or a key: PEM or PEM in Base64. Anything else is
 * refused with its likely cause.
 */
import { refuse, type Environment } from './environment.ts'

type Kind = 'a certificate' | 'a private key' | 'a public key'

/** The content that each variable must hold, with WeChat's name of the file it comes from. */
const pemKinds = {
  WECHAT_PAY_CERT: { kind: 'a certificate', file: 'apiclient_cert.pem' },
  WECHAT_PAY_CERT_KEY: { kind: 'a private key', file: 'apiclient_key.pem' },
  WECHAT_PAY_PUBLIC_KEY: { kind: 'a public key', file: 'pub_key.pem' },
  WECHAT_PAY_PUBLIC_KEY_OTHER: { kind: 'a public key', file: 'pub_key.pem' },
} as const satisfies Record<string, { readonly kind: Kind; readonly file: string }>

export type PemName = keyof typeof pemKinds

export interface Opened<T> {
  readonly pem: string
  readonly opened: T
}

/** @throws ConfigError that says what is wrong with the content of the variable */
export function openPem<T>(
  values: Environment,
  name: PemName,
  open: (pem: string) => T,
): Opened<T> {
  const value = values[name] ?? ''
  const fault = value === '' ? 'is not set' : findFault(values, name, value)
  if (fault !== null) refuse(name, fault)
  const pem = toPem(value)
  try {
    return { pem, opened: open(pem) }
  } catch {
    return refuse(name, describeDamage(pem, name))
  }
}

/** Accepts plain PEM, PEM whose line ends are `\n`, blanks or missing, and Base64. */
const toPem = (value: string): string =>
  breakLines(
    (value.includes('-----') ? value : Buffer.from(value, 'base64').toString('utf8')).replaceAll(
      '\\n',
      '\n',
    ),
  )

/**
 * Restores the line ends of PEM: some web forms for variables remove them or replace them by
 * blanks.
 */
const breakLines = (pem: string): string =>
  pem.replaceAll(
    /(-----BEGIN ([A-Z ]+)-----)([\w+/=\s]*)(-----END \2-----)/g,
    (_, begin: string, _label: string, body: string, end: string) =>
      `${begin}\n${body.replaceAll(/\s/g, '').replaceAll(/.{1,64}/g, '$&\n')}${end}\n`,
  )

function kindOf(pem: string): Kind | null {
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return 'a certificate'
  if (/-----BEGIN (?:\w+ )?PRIVATE KEY-----/.test(pem)) return 'a private key'
  return /-----BEGIN (?:\w+ )?PUBLIC KEY-----/.test(pem) ? 'a public key' : null
}

/** Says what the variable holds instead. Null if it can be opened, or was cut off or damaged. */
function findFault(values: Environment, name: PemName, value: string): string | null {
  const { kind, file } = pemKinds[name]
  const held = kindOf(toPem(value))
  if (held === kind) return null
  // The value was cut at its first blank, so only "-----BEGIN" is left. `describeDamage` says so.
  if (value.includes('-----') && !/-----BEGIN [\w ]+-----/.test(value)) return null
  if (held !== null) {
    const swapped = Object.entries(pemKinds).find(
      ([other, it]) => it.kind === held && kindOf(toPem(values[other] ?? '')) === kind,
    )
    return swapped === undefined
      ? `holds ${held}: put ${file} there`
      : `holds ${held} and ${swapped[0]} ${kind}: the two are swapped`
  }
  if (/^(?:file:|@|[.~]{0,2}[\\/]|[a-z]:[\\/])|\.(?:pem|p12|pfx|crt|cer|key|txt)$/i.test(value))
    return 'holds the path of a file: put the content of the file there'
  const der = Buffer.from(value, 'base64')
  // ASN.1: a PKCS #12 archive begins with its version, 3.
  if (/^30(?:80|82.{4})020103/.test(der.toString('hex')))
    return `holds apiclient_cert.p12: put ${file} there`
  if (der[0] === SEQUENCE && der.length > SHORTEST_DER)
    return `lacks its first and last line: put ${file} there as it is`
  return 'is not PEM, nor PEM in Base64'
}

const SEQUENCE = 0x30
/** Shorter values are text that happens to begin like DER. */
const SHORTEST_DER = 64

/** Says why PEM cannot be opened. */
function describeDamage(pem: string, name: PemName): string {
  const { file } = pemKinds[name]
  return pem.includes('ENCRYPTED')
    ? `is protected by a password: put ${file} there as WeChat’s tool made it`
    : `is PEM that was cut off or damaged: use one line of Base64 (base64 < ${file} | tr -d '\\n')`
}
