/** Writes one pushed message as the settings of the console say, or as a fault changes it. */
import { randomInt } from 'node:crypto'
import type { Fault } from '../faults.ts'
import type { Settings } from '../settings.ts'
import { OTHER_APPID } from '../signed-message.ts'
import { toCdata } from '../xml.ts'
import type { PushAccount } from './account.ts'
import { encrypt, withTooMuchPadding } from './encryption.ts'
import { signatureOf } from './signature.ts'

/** The fields of a message, in WeChat's names. */
export type PushFields = Readonly<Record<string, string | number>>

export interface WrittenPush {
  /** With the query, which has the signatures. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface Writing {
  readonly account: PushAccount
  readonly appid: string
  readonly settings: Pick<Settings, 'pushMode' | 'pushFormat'>
  /** In milliseconds. */
  readonly at: number
  readonly fault: Fault | null
}

const OTHER_TOKEN = 'AnotherToken'
const SKEW_SECONDS = 400

export function writePush(fields: PushFields, writing: Writing): WrittenPush {
  const { account, appid, settings, at, fault } = writing
  const write = settings.pushFormat === 'xml' ? toXml : JSON.stringify
  const mode = account.key === null ? 'plain' : settings.pushMode
  const content = fault?.do === 'no-settlement' ? withoutSettlement(fields) : fields
  const encrypted =
    account.key === null || mode === 'plain'
      ? null
      : encrypt(
          account.key,
          fault?.do === 'wrong-appid' ? OTHER_APPID : appid,
          write(content),
          fault?.do === 'bad-padding' ? withTooMuchPadding : undefined,
        )
  const sent = {
    ...(mode === 'safe' ? { ToUserName: fields['ToUserName'] ?? '' } : content),
    ...(encrypted === null ? {} : { Encrypt: encrypted }),
  }
  const token = fault?.do === 'wrong-key' ? OTHER_TOKEN : account.token
  const timestamp = String(Math.floor(at / 1000) + skewOf(fault))
  const nonce = String(randomInt(10 ** 9, 10 ** 10))
  const signature = signatureOf(token, timestamp, nonce)
  const query = new URLSearchParams({
    signature: fault?.do === 'unsigned' ? '' : signature,
    timestamp,
    nonce,
    openid: String(fields['FromUserName'] ?? ''),
  })
  if (encrypted !== null) {
    query.set('encrypt_type', 'aes')
    query.set(
      'msg_signature',
      fault?.do === 'unsigned' ? '' : signatureOf(token, timestamp, nonce, encrypted),
    )
  }
  if (fault?.do === 'tamper') tamper(query)
  return {
    url: `${account.url}?${query.toString()}`,
    headers: {
      'user-agent': 'Mozilla/4.0',
      'content-type': settings.pushFormat === 'xml' ? 'text/xml' : 'application/json',
    },
    body: write(sent),
  }
}

function skewOf(fault: Fault | null): number {
  if (fault?.do === 'old-timestamp') return -SKEW_SECONDS
  return fault?.do === 'future-timestamp' ? SKEW_SECONDS : 0
}

/** Changes the nonce under the old signatures. */
const tamper = (query: URLSearchParams): void =>
  query.set('nonce', query.get('nonce')?.replace(/.$/, 'x') ?? '')

/** WeChat does not always fill these fields in. */
const withoutSettlement = (fields: PushFields): PushFields =>
  Object.fromEntries(
    Object.entries(fields).filter(([name]) => !/settlement_time|confirm_receive/.test(name)),
  )

/** Numbers are written as they are, and texts in CDATA. */
const toXml = (fields: PushFields): string =>
  `<xml>${Object.entries(fields)
    .map(
      ([name, value]) => `<${name}>${typeof value === 'number' ? value : toCdata(value)}</${name}>`,
    )
    .join('')}</xml>`
