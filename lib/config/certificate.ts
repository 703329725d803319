/** The merchant's client certificate, which WeChat demands for refunds. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { DEMO_FAULT, isProduction, refuse, type Environment } from './environment.ts'
import { readPem, type Opened, type PemName } from './pem.ts'

/** The contents of `apiclient_cert.pem` and `apiclient_key.pem`. */
export function certificateSettings(
  env: Environment,
  now: Date,
): { readonly cert: string; readonly key: string } {
  const certificate = openCertificate(env, now)
  const key = openPem(env, 'WECHAT_PAY_CERT_KEY', createPrivateKey)
  if (!certificate.opened.checkPrivateKey(key.opened))
    refuse('WECHAT_PAY_CERT_KEY', 'is not the key of WECHAT_PAY_CERT')
  return { cert: certificate.pem, key: key.pem }
}

/**
 * Opens the certificate and checks it without its key. WeChat writes the merchant number as the
 * common name.
 *
 * The start of the validity is not checked, so that a new certificate works on a machine whose
 * clock is slow.
 */
export function openCertificate(env: Environment, now: Date): Opened<X509Certificate> {
  const certificate = openPem(env, 'WECHAT_PAY_CERT', (pem) => new X509Certificate(pem))
  if (certificate.opened.validToDate <= now) refuse('WECHAT_PAY_CERT', 'has expired')
  const name = certificateName(certificate.opened)
  if (isProduction(env) && name.endsWith('demo')) refuse('WECHAT_PAY_CERT', DEMO_FAULT)
  if (/^\d{8,10}$/.test(name) && name !== (env['WECHAT_MCH_ID'] || name))
    refuse('WECHAT_PAY_CERT', 'is the certificate of another merchant than WECHAT_MCH_ID')
  return certificate
}

/** The common name of the subject; empty if it is missing. */
export const certificateName = ({ subject }: X509Certificate): string =>
  /^CN=(.*)$/m.exec(subject)?.[1] ?? ''

function openPem<T>(env: Environment, name: PemName, open: (pem: string) => T): Opened<T> {
  const pem = readPem(env, name, open)
  return typeof pem === 'string' ? refuse(name, pem) : pem
}
