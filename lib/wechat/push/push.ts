/**
 * Messages of the Mini Program's message push (消息推送).
 *
 * The settings in the console decide the form of a message. Plain: the signature covers the time
 * but not the content, so the content proves nothing. Safe: the content is encrypted and signed.
 * Compatible: like safe, with the same fields in plain text, which are ignored.
 *
 * Source: developers.weixin.qq.com, message-push
 */
import { ConfigError, type Failure, type MessageCheck } from '../../core/failure.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type {
  Acknowledgement,
  IncomingMessage,
  MessageHead,
  ReadNotification,
} from '../../ports.ts'
import type { Receiver } from '../protocols.ts'
import { decrypt } from './decrypt.ts'
import { toPush } from './events.ts'
import { readFields, type PushFields } from './fields.ts'
import { verifySignature } from './signature.ts'

export interface PushSettings {
  readonly token: string
  /** The 32 bytes of EncodingAESKey. Null if the console's mode is plain. */
  readonly key: Uint8Array | null
  readonly appid: string
}

type Read = Result<ReadNotification, Failure>

/** @param settings read for each message, so a missing variable stops only these messages */
export const createPush = (settings: () => PushSettings, now: () => Date): Receiver => ({
  read: async (message) => readPush(settings(), message, now()),
  acknowledge: async (head, handled) => acknowledge(head, handled),
})

/**
 * When the URL is entered in the console, WeChat sends a text in this parameter. The answer must be
 * this text.
 */
const CHECK = 'echostr'

async function readPush(
  settings: PushSettings,
  { query, bytes }: IncomingMessage,
  now: Date,
): Promise<Read> {
  const { token, key, appid } = settings
  if (query.has(CHECK)) {
    const check = verifySignature(token, query, null, now)
    if (check !== null) return rejected(check)
    // The signature does not cover this text, and it is sent back. So only these characters pass.
    return /^[\w.~+/=-]{1,256}$/.test(query.get(CHECK) ?? '')
      ? ok({ kind: 'push_check' })
      : rejected('content')
  }
  if (key === null) return readPlain(token, query, bytes, now)
  const outer = await readFields(bytes)
  if (!outer.ok) return rejected(outer.error)
  const encrypted = outer.value.get('Encrypt')
  if (encrypted === undefined) return rejected('decryption')
  const check = verifySignature(token, query, encrypted, now)
  if (check !== null) return rejected(check)
  const opened = decrypt(key, appid, encrypted)
  return opened.ok ? describe(await readFields(opened.value)) : rejected(opened.error)
}

async function readPlain(
  token: string,
  query: URLSearchParams,
  bytes: Uint8Array,
  now: Date,
): Promise<Read> {
  const check = verifySignature(token, query, null, now)
  if (check !== null) return rejected(check)
  const fields = await readFields(bytes)
  if (fields.ok && fields.value.has('Encrypt'))
    throw new ConfigError('WECHAT_PUSH_KEY', 'is not set, and WeChat encrypts its messages')
  return describe(fields)
}

/**
 * A message that cannot be parsed, such as one with nested XML, counts as one of unknown kind.
 * It is acknowledged, because WeChat would send a refused message again.
 */
const describe = (fields: Result<PushFields, MessageCheck>): Read =>
  ok({ kind: 'push', push: toPush(fields.ok ? fields.value : new Map()) })

const rejected = (check: MessageCheck): Read => err({ reason: 'notice_rejected', check })

/** WeChat sends the message again unless the answer is `success` or empty. */
function acknowledge({ query }: MessageHead, handled: Result<unknown, Failure>): Acknowledgement {
  const contentType = 'text/plain; charset=utf-8'
  if (handled.ok) return { status: 200, contentType, body: query.get(CHECK) ?? 'success' }
  const { error } = handled
  return {
    status: statusOf(error.reason),
    contentType,
    body: error.reason === 'not_configured' ? `${error.variable} ${error.fault}` : 'not accepted',
  }
}

function statusOf(reason: Failure['reason']): number {
  if (reason === 'body_too_large') return 413
  return reason === 'notice_rejected' ? 400 : 503
}
