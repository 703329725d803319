/**
 * The merchant's API certificate. With APIv2 WeChat demands it as the client certificate of
 * refunds. With APIv3 its key signs every request.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { DEMO_FAULT, isProduction, refuse, type Environment } from './environment.ts'
import { openPem, type Opened } from './pem.ts'

/** The contents of `apiclient_cert.pem` and `apiclient_key.pem`. */
export function certificateSettings(
  env: Environment,
  now: Date,
): { readonly cert: string; readonly key: string } {
  const { certificate, key } = openPair(env, now)
  return { cert: certificate.pem, key: key.pem }
}

/** The certificate and its key, opened. */
export function openPair(
  env: Environment,
  now: Date | null,
): { readonly certificate: Opened<X509Certificate>; readonly key: Opened<KeyObject> } {
  const certificate = openCertificate(env, now)
  const key = openPem(env, 'WECHAT_PAY_CERT_KEY', createPrivateKey)
  if (!certificate.opened.checkPrivateKey(key.opened))
    refuse('WECHAT_PAY_CERT_KEY', 'is not the key of WECHAT_PAY_CERT')
  return { certificate, key }
}

/**
 * Opens the certificate and checks it without its key. WeChat writes the merchant number as the
 * common name.
 *
 * The start of the validity is not checked, so that a new certificate works on a machine whose
 * clock is slow.
 *
 * @param now null: a certificate that has expired is accepted, too
 */
export function openCertificate(env: Environment, now: Date | null): Opened<X509Certificate> {
  const certificate = openPem(env, 'WECHAT_PAY_CERT', (pem) => new X509Certificate(pem))
  if (now !== null && certificate.opened.validToDate <= now)
    refuse('WECHAT_PAY_CERT', 'has expired')
  const name = certificateName(certificate.opened)
  if (isProduction(env) && name.endsWith('demo')) refuse('WECHAT_PAY_CERT', DEMO_FAULT)
  if (/^\d{8,10}$/.test(name) && name !== (env['WECHAT_MCH_ID'] || name))
    refuse('WECHAT_PAY_CERT', 'is the certificate of another merchant than WECHAT_MCH_ID')
  return certificate
}

/** The common name of the subject; empty if it is missing. */
export const certificateName = ({ subject }: X509Certificate): string =>
  /^CN=(.*)$/m.exec(subject)?.[1] ?? ''
