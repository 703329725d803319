/**
 * One v3 call, from its content to an outcome.
 *
 * An answer is used only if it is signed with a key that we know, in the last five minutes. That
 * includes an answer without a body. A call is safe to repeat unchanged unless its content says
 * otherwise, so the same message goes to the stand-by host if the first host does not answer.
 */
import { ConfigError } from '../../core/failure.ts'
import type { NoAnswer } from '../../core/no-answer.ts'
import { err, ok, type Outcome } from '../../core/result.ts'
import { sendRequest, type Answer } from '../../http-client/send-request.ts'
import { startBudget } from '../../http-client/time-budget.ts'
import { CALL_MS } from '../deadlines.ts'
import {
  configurationFault,
  meaningOf,
  namesSerial,
  type CallKind,
  type CodeMeaning,
  type ErrorBody,
} from './codes.ts'
import { readError } from './error-body.ts'
import { readJson } from './json.ts'
import { encryptFields } from './encrypt-fields.ts'
import type { PlatformKeys } from './platform-keys.ts'
import type { V3Settings, V3Tools } from './settings.ts'
import { authorization } from './sign.ts'
import { verifyMessage } from './verify.ts'

export interface CallSettings extends V3Settings, V3Tools {
  readonly keys: PlatformKeys
}

export interface CallContent {
  /** Path and query, exactly as they are sent and signed. */
  readonly target: string
  /** GET without `content`, and POST with it, unless another method is named. */
  readonly method?: 'PUT' | 'DELETE'
  /** The JSON of the request. */
  readonly content?: object
  /**
   * True if the same message would have its effect twice. It is sent once, to the first host: a
   * request without an answer may have arrived.
   */
  readonly isRepeatHarmful?: boolean
  /** Default: about ten times the largest answer that is not a list. */
  readonly maxBytes?: number
  /**
   * Personal data, encrypted for WeChat and added to the JSON. A refusal text that repeats one of
   * the values is dropped.
   */
  readonly sensitive?: Readonly<Record<string, string>>
  /** The name of the call in traces, without numbers of orders. */
  readonly name: string
}

/** A verified answer: its JSON, or a refusal whose reason the caller interprets. */
export type CallOutcome =
  /** `json` is null for an answer without a body. */
  | { readonly kind: 'success'; readonly json: unknown }
  | {
      readonly kind: Exclude<CodeMeaning['action'], 'ask_again' | 'slow_down' | 'alert' | 'refuse'>
      readonly code: string
      readonly text: string
    }

/** A call that begins with less time left cannot be answered in time. */
const LEAST_MS = 300

/** While other hosts remain, one host gets this share of the time left. */
const SHARE = 0.6

/** About ten times the largest answer of WeChat that is not a list. */
const MAX_JSON_BYTES = 64 * 1024

/** Statuses from here on are refusals. */
const LEAST_REFUSAL = 400
const UNAUTHORIZED = 401
const TOO_MANY = 429

export async function call(
  settings: CallSettings,
  kind: CallKind,
  content: CallContent,
): Promise<Outcome<CallOutcome>> {
  try {
    const answer = await sendWithCurrentKey(settings, content)
    if ('why' in answer) return err({ reason: 'wechat_unknown', silence: answer })
    return await readAnswer(settings, kind, answer, Object.values(content.sensitive ?? {}))
  } catch (cause) {
    if (cause instanceof ConfigError)
      return err({ reason: 'not_configured', variable: cause.variable, fault: cause.fault })
    throw cause
  }
}

/**
 * Repeats a call once if WeChat refuses its `Wechatpay-Serial` because it has withdrawn that
 * certificate. The refusal need not be signed: it only causes a download, whose answer is verified,
 * and a repetition, which is safe because WeChat identifies a payment and a refund by its number.
 */
async function sendWithCurrentKey(
  settings: CallSettings,
  content: CallContent,
): Promise<Answer | NoAnswer> {
  const left = startBudget(CALL_MS)
  const serial = await settings.keys.current()
  const answer = await send(settings, content, serial, left)
  if (serial === null || !isSerialRefused(answer)) return answer
  const successor = await settings.keys.replace(serial)
  return successor === null ? answer : send(settings, content, successor, left)
}

function isSerialRefused(answer: Answer | NoAnswer): boolean {
  if ('why' in answer || answer.status < LEAST_REFUSAL) return false
  const json = readJson(answer.bytes)
  const error = json.ok ? readError(json.value) : null
  return error !== null && namesSerial(error)
}

/**
 * Sends the same signed message to one host after the other, until one of them answers.
 *
 * @param serial the key that WeChat signs its answer with, and that encrypts personal data
 * @param left the time left, in milliseconds
 */
export async function send(
  settings: CallSettings,
  { target, content, sensitive = {}, name, ...how }: CallContent,
  serial: string | null,
  left: () => number,
): Promise<Answer | NoAnswer> {
  const encrypted = await encryptFields(settings.keys, serial, sensitive)
  if (encrypted === null) return { why: 'server', code: 'NO_CERTIFICATE' }
  const body = content === undefined ? '' : JSON.stringify({ ...content, ...encrypted })
  const message = {
    ...signedRequest(settings, { target, body }, how.method),
    isRepeatable: how.isRepeatHarmful !== true,
    maxBytes: how.maxBytes ?? MAX_JSON_BYTES,
    spanName: `wechat ${name}`,
  }
  const headers = {
    ...message.headers,
    ...(serial === null ? {} : { 'wechatpay-serial': serial }),
  }
  let silence: NoAnswer = { why: 'timeout' }
  const hosts = how.isRepeatHarmful === true ? settings.hosts.slice(0, 1) : settings.hosts
  for (const [index, host] of hosts.entries()) {
    const isLast = index === hosts.length - 1
    if (left() < LEAST_MS) break
    const deadlineMs = isLast ? left() : Math.ceil(left() * SHARE)
    const answer = await sendRequest({ ...message, headers, url: host + target, deadlineMs })
    if (!('why' in answer)) return answer
    silence = answer
  }
  return silence
}

export function signedRequest(
  settings: CallSettings,
  { target, body }: { readonly target: string; readonly body: string },
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' = body === '' ? 'GET' : 'POST',
) {
  const nonce = settings.newNonce()
  return {
    method,
    headers: {
      accept: 'application/json',
      authorization: authorization(settings, { method, target, body }, settings.now(), nonce),
      ...(body === '' ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === '' ? {} : { body }),
  } as const
}

async function readAnswer(
  settings: CallSettings,
  kind: CallKind,
  { status, headers, bytes }: Answer,
  secrets: readonly string[],
): Promise<Outcome<CallOutcome>> {
  // This only delays the call, so it needs no signature.
  if (status === TOO_MANY) return err({ reason: 'wechat_busy' })
  const isSuccess = status >= 200 && status < 300
  const json = isSuccess && bytes.byteLength === 0 ? ok(null) : readJson(bytes)
  const error = json.ok ? readError(json.value, secrets) : null
  const check = await verifyMessage(settings.keys, headers, bytes, settings.now())
  if (check !== null) {
    const isUnsigned = !headers.has('wechatpay-signature')
    const fault = isUnsigned && !isSuccess && error !== null ? blame(status, error) : null
    return fault ?? err({ reason: 'wechat_untrusted', check })
  }
  if (!json.ok) return err({ reason: 'wechat_untrusted', check: json.error })
  // The signature does not cover the status, so a code means the same with every status.
  if (error !== null) return interpret(kind, error)
  return isSuccess
    ? ok({ kind: 'success', json: json.value })
    : err({ reason: 'wechat_untrusted', check: 'content' })
}

/**
 * An unsigned refusal decides nothing. It may still name a fault of the configuration, which a
 * person must see. WeChat signs no answer to a request whose own signature it refuses.
 */
function blame(status: number, error: ErrorBody): Outcome<never> | null {
  const { text } = error
  const code = status === UNAUTHORIZED ? 'SIGN_ERROR' : error.code
  const remedy = configurationFault(code)
  return remedy === null ? null : err({ reason: 'wechat_misconfigured', code, remedy, text })
}

function interpret(kind: CallKind, error: ErrorBody): Outcome<CallOutcome> {
  const { code, text } = error
  const meaning = meaningOf(kind, error)
  switch (meaning.action) {
    case 'ask_again':
      // The code is for the log.
      return err({ reason: 'wechat_unknown', silence: { why: 'server', code } })
    case 'slow_down':
      return err({ reason: 'wechat_busy' })
    case 'alert':
      return err({ reason: 'wechat_misconfigured', code, remedy: meaning.remedy, text })
    case 'refuse':
      return err({ reason: 'wechat_refused', code, text })
    case 'paid':
    case 'closed':
    case 'missing':
    case 'number_taken':
    case 'not_now':
      return ok({ kind: meaning.action, code, text })
  }
}
