/**
 * Any bytes with any query may arrive as a pushed message. Reading them must not crash. With a key,
 * a message is accepted only if WeChat has signed and encrypted it. Another reader must then find
 * the same order in it.
 */
import { createDecipheriv } from 'node:crypto'
import fc from 'fast-check'
import { encrypt, withTooMuchPadding } from '../../dev/wechat/push/encryption.ts'
import { signatureOf } from '../../dev/wechat/push/signature.ts'
import { readXml, toCdata } from '../../dev/wechat/xml.ts'
import { ConfigError } from '../../lib/core/failure.ts'
import { createPush } from '../../lib/wechat/push/push.ts'
import { Violation, type Outcome, type Target } from './target.ts'

const KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
const APPID = 'wx00000000demo0001'
const TOKEN = 'PushTokenOfTheShop'
const AT = new Date('2025-01-02T03:04:05+08:00')
const EVENT = 'trade_manage_order_settlement'
const OUT_TRADE_NO = '20250102030405000000000000000001'

interface Push {
  readonly query: Readonly<Record<string, string>>
  readonly bytes: Buffer
  readonly hasKey: boolean
  /** Whether WeChat has written it so. */
  readonly isGenuine: boolean
}

type Format = 'json' | 'xml'

const write = (format: Format, fields: Readonly<Record<string, string | number>>): string =>
  format === 'json'
    ? JSON.stringify(fields)
    : `<xml>${Object.entries(fields)
        .map(([name, value]) => `<${name}>${toCdata(String(value))}</${name}>`)
        .join('')}</xml>`

const genuine = { MsgType: 'event', Event: EVENT, merchant_trade_no: OUT_TRADE_NO }
const value = fc.oneof(
  fc.constantFrom('', EVENT, 'event', OUT_TRADE_NO, '../x', '__proto__', ']]>', '\u0000'),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.integer(),
)
const hostileFields = fc.dictionary(
  fc.constantFrom('MsgType', 'Event', 'merchant_trade_no', 'CreateTime', 'Encrypt', '__proto__'),
  value,
)
const raw = fc.oneof(
  fc.constantFrom(
    '',
    '{}',
    '[]',
    'null',
    '{"MsgType":"event","MsgType":"event"}',
    '<xml><a><b>1</b></a></xml>',
    '<!DOCTYPE xml [<!ENTITY a "b">]><xml><Event>&a;</Event></xml>',
    `{"merchant_trade_no":${'['.repeat(2_000)}${']'.repeat(2_000)}}`,
  ),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
)
const format = fc.constantFrom<Format>('json', 'xml')
const inner = fc.oneof(
  { weight: 3, arbitrary: format.map((form) => write(form, genuine)) },
  { weight: 2, arbitrary: fc.tuple(format, hostileFields).map((parts) => write(...parts)) },
  { weight: 1, arbitrary: raw },
)

type Damage = (push: Push) => Push
const spoil = (push: Push, change: Partial<Push>): Push => ({
  ...push,
  ...change,
  isGenuine: false,
})
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, bits]): Damage => (push) => {
    const bytes = Buffer.from(push.bytes)
    if (bytes.byteLength > 0) {
      const index = at % bytes.byteLength
      bytes[index] = (bytes[index] ?? 0) ^ bits
    }
    return spoil(push, { bytes })
  }),
  fc.nat(64).map(
    (cut): Damage =>
      (push) =>
        spoil(push, { bytes: push.bytes.subarray(0, push.bytes.byteLength - cut - 1) }),
  ),
  fc
    .tuple(fc.constantFrom('signature', 'msg_signature', 'timestamp', 'nonce', 'echostr'), value)
    .map(
      ([name, other]): Damage =>
        (push) =>
          spoil(push, { query: { ...push.query, [name]: String(other) } }),
    ),
  raw.map(
    (text): Damage =>
      (push) =>
        spoil(push, { bytes: Buffer.from(text) }),
  ),
)

const spoils = fc.constantFrom<'none' | 'padding' | 'appid' | 'token' | 'time'>(
  'none',
  'none',
  'none',
  'padding',
  'appid',
  'token',
  'time',
)

const inputs: fc.Arbitrary<Push> = fc
  .tuple(inner, format, spoils, fc.boolean(), fc.option(damage), fc.nat(1_000_000_000))
  .map(([text, outer, spoiled, hasKey, damaged, number]) => {
    const [token, nonce] = [spoiled === 'token' ? 'AnotherToken' : TOKEN, String(number)]
    const timestamp = String(AT.getTime() / 1000 + (spoiled === 'time' ? 300 : 0))
    const encrypted = encrypt(
      KEY,
      spoiled === 'appid' ? 'wx00000000other001' : APPID,
      text,
      spoiled === 'padding' ? withTooMuchPadding : undefined,
    )
    const push: Push = {
      query: {
        signature: signatureOf(token, timestamp, nonce),
        msg_signature: signatureOf(token, timestamp, nonce, encrypted),
        timestamp,
        nonce,
      },
      bytes: Buffer.from(hasKey ? write(outer, { Encrypt: encrypted }) : text),
      hasKey,
      isGenuine: hasKey && spoiled === 'none',
    }
    return damaged === null ? push : damaged(push)
  })

export const pushTarget: Target<Push> = {
  name: 'pushed messages',
  inputs,
  check: checkPush,
  print: ({ query, bytes, hasKey }) =>
    `${new URLSearchParams(query).toString()}${hasKey ? '' : ' (without a key)'}\n  in base64: ${bytes.toString('base64')}`,
}

async function checkPush({ query, bytes, hasKey, isGenuine }: Push): Promise<Outcome> {
  const key = hasKey ? Buffer.from(KEY, 'base64') : null
  const receiver = createPush(
    () => ({ token: TOKEN, key, appid: APPID }),
    () => AT,
  )
  const message = { headers: new Headers(), query: new URLSearchParams(query), bytes }
  try {
    const read = await receiver.read(message)
    if (!read.ok) {
      if (isGenuine) throw new Violation('a genuine message was refused')
      return `refused: ${'check' in read.error ? read.error.check : read.error.reason}`
    }
    if (!isSigned(query, null) && !hasKey)
      throw new Violation('a forged plain message was accepted')
    if (read.value.kind !== 'push') return `accepted: ${read.value.kind}`
    if (hasKey) checkContent(query, bytes, read.value.push.outTradeNo)
    return `accepted: ${read.value.push.outTradeNo === null ? 'another event' : 'an order'}`
  } catch (error) {
    if (error instanceof ConfigError && !hasKey) return 'refused: not configured'
    throw error
  }
}

function isSigned(query: Push['query'], encrypted: string | null): boolean {
  const { timestamp = '', nonce = '' } = query
  return encrypted === null
    ? query['signature'] === signatureOf(TOKEN, timestamp, nonce)
    : query['msg_signature'] === signatureOf(TOKEN, timestamp, nonce, encrypted)
}

function checkContent(query: Push['query'], bytes: Buffer, outTradeNo: string | null): void {
  const encrypted = fieldsOf(bytes).get('Encrypt') ?? ''
  if (!isSigned(query, encrypted)) throw new Violation('a forged message was accepted')
  const fields = fieldsOf(open(encrypted))
  const isAboutOrder = fields.get('MsgType') === 'event' && fields.get('Event') === EVENT
  const expected = isAboutOrder ? (fields.get('merchant_trade_no') ?? null) : null
  if (outTradeNo !== null && outTradeNo !== expected)
    throw new Violation('another reader finds another order in the message')
}

/** @throws Violation if the content is not what WeChat encrypts for this appid */
function open(encrypted: string): Buffer {
  const key = Buffer.from(`${KEY}=`, 'base64')
  const cipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  const plain = Buffer.concat([cipher.update(encrypted, 'base64'), cipher.final()])
  const padding = plain.at(-1) ?? 0
  const content = plain.subarray(16, plain.byteLength - padding)
  const end = content.readUInt32BE(0) + 4
  if (padding < 1 || padding > 32 || content.subarray(end).toString() !== APPID)
    throw new Violation('a message with other padding or for another appid was accepted')
  return content.subarray(4, end)
}

/** Empty if it cannot be read. */
function fieldsOf(bytes: Buffer): ReadonlyMap<string, string> {
  const asXml = readXml(bytes)
  if (asXml.ok) return asXml.value
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'))
    const isObject = typeof json === 'object' && json !== null && !Array.isArray(json)
    return new Map(
      isObject ? Object.entries(json).map(([name, field]) => [name, String(field)]) : [],
    )
  } catch {
    return new Map()
  }
}
