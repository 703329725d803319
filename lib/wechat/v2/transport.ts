/** Sends one signed message and returns its verified answer, from the first host that answers. */
import type { Failure } from '../../core/failure.ts'
import type { NoAnswer } from '../../core/no-answer.ts'
import { err, type Result } from '../../core/result.ts'
import { sendRequest } from '../../http-client/send-request.ts'
import type { CallSettings } from './keys.ts'
import { readCertificatePage } from './refusals.ts'
import type { Fields } from '../fields.ts'
import { signed } from './sign.ts'
import { readAnswer } from './verify.ts'
import { MAX_XML_BYTES, writeXml } from '../xml.ts'

/** A call that begins with less time left cannot be answered in time. */
export const LEAST_MS = 300

/** A gateway's answer, without a signature. It only delays the call, so none is needed. */
const TOO_MANY = 429

/** While other hosts remain, one host gets this share of the time left. */
const SHARE = 0.6

export async function sendMessage(
  settings: CallSettings,
  path: string,
  content: Fields,
  left: () => number,
): Promise<Result<Fields, Failure>> {
  const request = signedRequest(settings, content)
  let silence: NoAnswer = { why: 'timeout' }
  for (const [index, host] of settings.hosts.entries()) {
    const isLast = index === settings.hosts.length - 1
    if (left() < LEAST_MS) break
    const answer = await sendRequest({
      ...request,
      spanName: `wechat ${path}`,
      url: host + path,
      deadlineMs: isLast ? left() : Math.ceil(left() * SHARE),
      maxBytes: MAX_XML_BYTES,
      certificate: settings.certificate,
      // Orders and refunds have a number of ours: see call.ts.
      isRepeatable: true,
    })
    if ('why' in answer) {
      silence = answer
      continue
    }
    if (answer.status === TOO_MANY) return err({ reason: 'wechat_busy' })
    const refused = readCertificatePage(answer)
    return refused === null ? readAnswer(settings, answer.bytes) : err(refused)
  }
  return err({ reason: 'wechat_unknown', silence })
}

/** The request for a message of ours: with our identity, a nonce and the signature. */
export function signedRequest(settings: CallSettings, content: Fields) {
  const own = [
    ['appid', settings.appid],
    ['mch_id', settings.mchId],
    ['nonce_str', settings.newNonce()],
    ['sign_type', settings.signType],
  ] as const
  return {
    method: 'POST',
    headers: { 'content-type': 'text/xml; charset=utf-8' },
    body: writeXml(signed(new Map([...own, ...content]), settings.key, settings.signType)),
  } as const
}
