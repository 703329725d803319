/**
 * One signed v2 call and its verified answer.
 *
 * Believes nothing of an answer that is not signed with our key, for our appid and merchant number. All calls made here
 * are safe to repeat as they are (protocol: the queries, close, a unified order with identical content, a refund under its
 * own number), so an answer that stays out sends the same message to the stand-by host, and one that refuses our key sends
 * the call once more under the other, where there is one.
 */
import type { Failure } from '../../core/failure.ts'
import type { NoAnswer } from '../../core/no-answer.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { send, startBudget, type Answer, type Certificate } from '../../http-client.ts'
import { outcomeOf, type CodeMeaning } from './codes.ts'
import { BAD_CERTIFICATE, causeIn, cleanRefusalText, fieldIn } from '../refusal-text.ts'
import { signed, verify, type Fields, type SignType } from './sign.ts'
import { MAX_XML_BYTES, readXml, writeXml } from './xml.ts'

export interface PaySettings {
  readonly appid: string
  readonly mchId: string
  /** What we sign with. */
  readonly key: string
  /**
   * While the key is being changed: the one before or after it. What WeChat signs with either is believed, and a call it
   * refuses under `key` is signed with this one.
   */
  readonly otherKey?: string
  readonly signType: SignType
  /** Base URLs, the next one for when the one before gives no answer. */
  readonly hosts: readonly [string, ...string[]]
  /** Shown on the connection, where WeChat demands it. */
  readonly certificate?: Certificate
  /** Told when a rightly signed message is signed with the other type than ours: no reason to refuse it, but worth knowing. */
  readonly onOtherSignType?: (type: SignType) => void
  /** Told when WeChat refused `key` and took the other: from now on that is the one to sign with. */
  readonly onOtherKey?: (key: string) => void
}

/** What WeChat said, verified: its fields, or its refusal where the order's own state is the reason. */
export type Outcome =
  | { readonly kind: 'success'; readonly fields: Fields }
  | {
      readonly kind: Exclude<CodeMeaning['action'], 'ask_again' | 'slow_down' | 'refuse' | 'alert'>
      readonly code: string
      readonly text: string
    }

/** Below the eight seconds a caller is promised, with room for what comes before and after. */
export const CALL_MS = 7_000
/** A call that begins later than this has no chance of an answer. */
export const LEAST_MS = 300
/** A gateway's word, which no signature is needed to heed. */
const TOO_MANY = 429
const PAUSE_BEFORE_ASKING_AGAIN_MS = 200

/** Under our key; and, when WeChat refuses that one and there is another, once more under the other, in the same time. */
export async function call(
  settings: PaySettings,
  newNonce: () => string,
  path: string,
  content: ReadonlyMap<string, string>,
): Promise<Result<Outcome, Failure>> {
  const left = startBudget(CALL_MS)
  const said = await callUnderKey(settings, newNonce, path, content, left)
  if (settings.otherKey === undefined || !isKeyRefused(said)) return said
  const again = await callUnderKey(swapKeys(settings), newNonce, path, content, left)
  if (again.ok) settings.onOtherKey?.(settings.otherKey)
  return again
}

/** Nothing was accepted, for WeChat takes the signature for wrong. */
export const isKeyRefused = (said: Result<unknown, Failure>): boolean =>
  !said.ok && said.error.reason === 'wechat_misconfigured' && said.error.code === 'SIGNERROR'

/** The same, to be signed with the other key. */
export const swapKeys = (settings: PaySettings): PaySettings =>
  settings.otherKey === undefined
    ? settings
    : { ...settings, key: settings.otherKey, otherKey: settings.key }

/** Every key that WeChat may have signed with. */
export const keysOf = ({ key, otherKey }: PaySettings): readonly string[] =>
  otherKey === undefined ? [key] : [key, otherKey]

async function callUnderKey(
  settings: PaySettings,
  newNonce: () => string,
  path: string,
  content: ReadonlyMap<string, string>,
  left: () => number,
): Promise<Result<Outcome, Failure>> {
  for (let repeat = 0; ; repeat += 1) {
    const answer = await ask(settings, newNonce, path, content, left)
    if (!answer.ok) return answer
    const fields = answer.value
    if (fields.get('result_code') === 'SUCCESS') return ok({ kind: 'success', fields })
    const code = fields.get('err_code') || 'FAIL'
    const text = cleanRefusalText(fields.get('err_code_des') ?? '')
    const consequence = outcomeOf(code, text)
    switch (consequence.action) {
      case 'ask_again':
        if (repeat > 0 || left() < LEAST_MS + PAUSE_BEFORE_ASKING_AGAIN_MS)
          return err({ reason: 'wechat_unknown' })
        await new Promise((resolve) => setTimeout(resolve, PAUSE_BEFORE_ASKING_AGAIN_MS))
        continue
      case 'slow_down':
        return err({ reason: 'wechat_busy' })
      case 'alert':
        return err({ reason: 'wechat_misconfigured', code, remedy: consequence.remedy, text })
      case 'refuse':
        return err({ reason: 'wechat_refused', code, text })
      case 'paid':
      case 'closed':
      case 'missing':
      case 'number_taken':
      case 'not_now':
        return ok({ kind: consequence.action, code, text })
    }
  }
}

/** One verified answer, from the first host that gives any. */
async function ask(
  settings: PaySettings,
  newNonce: () => string,
  path: string,
  content: ReadonlyMap<string, string>,
  left: () => number,
): Promise<Result<Fields, Failure>> {
  const request = signedRequest(settings, newNonce, content)
  let silence: NoAnswer = { why: 'timeout' }
  for (const [index, host] of settings.hosts.entries()) {
    const othersToTry = settings.hosts.length - index - 1
    if (left() < LEAST_MS) break
    const answer = await send({
      ...request,
      hop: `wechat ${path}`,
      url: host + path,
      deadlineMs: othersToTry > 0 ? Math.ceil(left() * 0.6) : left(),
      maxBytes: MAX_XML_BYTES,
      certificate: settings.certificate,
    })
    if ('why' in answer) {
      silence = answer
      continue
    }
    if (answer.status === TOO_MANY) return err({ reason: 'wechat_busy' })
    const refused = certificatePage(answer)
    return refused === null ? readAnswer(settings, answer.bytes) : err(refused)
  }
  return err({ reason: 'wechat_unknown', silence })
}

/** A message of ours as WeChat takes it: with what names us, signed, written. */
export function signedRequest(settings: PaySettings, newNonce: () => string, content: Fields) {
  const own = [
    ['appid', settings.appid],
    ['mch_id', settings.mchId],
    ['nonce_str', newNonce()],
    ['sign_type', settings.signType],
  ] as const
  return {
    method: 'POST',
    headers: { 'content-type': 'text/xml; charset=utf-8' },
    body: writeXml(signed(new Map([...own, ...content]), settings.key, settings.signType)),
  } as const
}

/** Exported for tests over recorded answers. */
export function readAnswer(settings: PaySettings, bytes: Uint8Array): Result<Fields, Failure> {
  const read = readXml(bytes)
  if (!read.ok) return err({ reason: 'wechat_untrusted', check: read.error })
  const fields = read.value
  // A transport refusal is never signed: good for saying that the call was not accepted, and for nothing else.
  if (fields.get('return_code') === 'FAIL') return err(notAccepted(fields.get('return_msg') ?? ''))
  const check = checkOurs(settings, fields)
  return check === null ? ok(fields) : err({ reason: 'wechat_untrusted', check })
}

/** The checks every message from WeChat must pass, answers and notifications alike; null when it does. */
export function checkOurs(
  settings: PaySettings,
  fields: Fields,
): 'signature' | 'merchant' | 'content' | null {
  const type = keysOf(settings)
    .map((key) => verify(fields, key))
    .reduce((one, other) => one ?? other)
  if (type === null) return 'signature'
  if (type !== settings.signType) settings.onOtherSignType?.(type)
  if (fields.get('appid') !== settings.appid || fields.get('mch_id') !== settings.mchId)
    return 'merchant'
  return fields.get('return_code') === 'SUCCESS' && (fields.get('nonce_str') ?? '') !== ''
    ? null
    : 'content'
}

/** A transport refusal has a text but no code. The text says what WeChat did not accept. */
export function notAccepted(said: string): Failure {
  if (/频率|频繁/.test(said)) return { reason: 'wechat_busy' }
  const text = cleanRefusalText(said)
  const named = /签名|sign ?error/i.test(said) ? outcomeOf('SIGNERROR') : null
  if (named?.action === 'alert')
    return { reason: 'wechat_misconfigured', code: 'SIGNERROR', remedy: named.remedy, text }
  const cause = causeIn(text)
  if (cause !== null) return { reason: 'wechat_misconfigured', ...cause, text }
  const remedy = fieldIn(text)
  return remedy === null
    ? { reason: 'wechat_refused', code: 'FAIL', text }
    : { reason: 'wechat_misconfigured', code: 'FAIL', remedy, text }
}

/** WeChat's web server refuses a client certificate with an HTML page, before it reads any XML. Null for anything else. */
function certificatePage({ status, bytes }: Answer): Failure | null {
  const page = status === 400 ? Buffer.from(bytes.subarray(0, 1_024)).toString('utf8') : ''
  const title = /<title>([^<]*certificate[^<]*)<\/title>/i.exec(page)?.[1]
  return title === undefined
    ? null
    : { reason: 'wechat_misconfigured', ...BAD_CERTIFICATE, text: cleanRefusalText(title) }
}
