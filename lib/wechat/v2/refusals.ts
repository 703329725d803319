/**
 * Refusals that come before any signed answer: a transport refusal, or the web server's page about
 * a certificate.
 */
import type { Failure } from '../../core/failure.ts'
import type { Answer } from '../../http-client/send-request.ts'
import { cleanRefusalText } from '../refusal-text.ts'
import { meaningOf } from './codes.ts'
import { BAD_CERTIFICATE, causeIn, fieldIn } from './named-cause.ts'

/** A transport refusal has a text but no code. The text says what WeChat did not accept. */
export function notAccepted(message: string): Failure {
  if (/频率|频繁/.test(message)) return { reason: 'wechat_busy' }
  const text = cleanRefusalText(message)
  const named = /签名|sign ?error/i.test(message) ? meaningOf('SIGNERROR') : null
  if (named?.action === 'alert')
    return { reason: 'wechat_misconfigured', code: 'SIGNERROR', remedy: named.remedy, text }
  const cause = causeIn(text)
  if (cause !== null) return { reason: 'wechat_misconfigured', ...cause, text }
  const remedy = fieldIn(text)
  return remedy === null
    ? { reason: 'wechat_refused', code: 'FAIL', text }
    : { reason: 'wechat_misconfigured', code: 'FAIL', remedy, text }
}

/**
 * WeChat's web server refuses a client certificate with an HTML page, before it reads any XML. Null
 * for any other answer.
 */
export function readCertificatePage({ status, bytes }: Answer): Failure | null {
  const page = status === 400 ? Buffer.from(bytes.subarray(0, 1_024)).toString('utf8') : ''
  const title = /<title>([^<]*certificate[^<]*)<\/title>/i.exec(page)?.[1]
  return title === undefined
    ? null
    : { reason: 'wechat_misconfigured', ...BAD_CERTIFICATE, text: cleanRefusalText(title) }
}
