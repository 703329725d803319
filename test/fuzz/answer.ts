/** Checks every answer of every function, and every line of the log. */
import * as v from 'valibot'
import type { FunctionName, Shop } from './shop.ts'
import { Violation } from './target.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly ms: number
  /** The Authorization header of the request. */
  readonly authorization: string
  /** Whether the request was a notification in the form of APIv3. */
  readonly isV3: boolean
}

/** No 503: every dependency is up. */
const STATUSES = [200, 201, 202, 400, 401, 403, 404, 405, 409, 413, 415, 429, 502]
const NOTIFY_STATUSES = [200, 405, 413]
const V3_NOTIFY_STATUSES = [200, 400, 405, 413]
const MAX_ANSWER_MS = 4_000
/** An error or a log line that repeats its whole input would exceed this. */
const MAX_ERROR_LENGTH = 1_000
const MAX_LINE_LENGTH = 1_000

const problem = v.object({
  type: v.string(),
  title: v.string(),
  status: v.number(),
  detail: v.string(),
  code: v.pipe(v.string(), v.regex(/^[a-z]+(?:_[a-z]+)*$/)),
  requestId: v.pipe(v.string(), v.regex(/^[\w:.-]{1,128}$/)),
})

/** @returns the status, followed by the error code if there is one. */
export function checkAnswer(
  shop: Shop,
  name: FunctionName,
  method: string,
  { status, headers, text, ms, authorization, isV3 }: Answer,
): string {
  const notifyStatuses = isV3 ? V3_NOTIFY_STATUSES : NOTIFY_STATUSES
  const allowed = name === 'notify' ? notifyStatuses : STATUSES
  if (!allowed.includes(status)) throw new Violation(`answered ${status} ${codeOf(text)}`)
  if (ms > MAX_ANSWER_MS) throw new Violation(`answered after ${Math.round(ms)} ms`)
  if (headers.get('cache-control') !== 'no-store' || headers.get('x-request-id') === null)
    throw new Violation('a header is missing')
  const [secret] = secretsIn(shop, text, authorization)
  if (secret !== undefined) throw new Violation(`the answer holds ${secret}`)
  if (status === 405 && headers.get('allow') === null) throw new Violation('405 without Allow')
  if (method === 'HEAD') return String(status)
  if (name === 'notify' && status !== 405) return checkAcknowledgement(text, isV3)
  const json = parse(text)
  if (status < 400) {
    if (headers.get('content-type') !== 'application/json' || typeof json !== 'object')
      throw new Violation('a successful answer is not JSON')
    return String(status)
  }
  const read = v.safeParse(problem, json)
  if (
    headers.get('content-type') !== 'application/problem+json' ||
    !read.success ||
    read.output.status !== status
  )
    throw new Violation(`the error is not problem+json: ${text.slice(0, 200)}`)
  if (text.length > MAX_ERROR_LENGTH)
    throw new Violation(`the error is ${text.length} characters long`)
  return `${status} ${read.output.code}`
}

const ACKNOWLEDGEMENT =
  /^<xml><return_code><!\[CDATA\[(SUCCESS|FAIL)\]\]><\/return_code><return_msg><!\[CDATA\[[A-Z ]+\]\]><\/return_msg><\/xml>$/

const V3_ACKNOWLEDGEMENT = /^\{"code":"(SUCCESS|FAIL)","message":"[A-Z ]+"\}$/

function checkAcknowledgement(text: string, isV3: boolean): string {
  const code = (isV3 ? V3_ACKNOWLEDGEMENT : ACKNOWLEDGEMENT).exec(text)?.[1]
  if (code === undefined) throw new Violation(`the acknowledgement is ${text.slice(0, 200)}`)
  return code
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const codeOf = (text: string): string => /"code":"(\w+)"/.exec(text)?.[1] ?? text.slice(0, 200)

const SECRETS = [
  [
    'WECHAT_APP_SECRET',
    'WECHAT_PAY_KEY',
    'WECHAT_PAY_V3_KEY',
    'WECHAT_PAY_CERT_KEY',
    'SESSION_SECRET',
    'MERCHANT_API_KEY',
    'CRON_SECRET',
    'DATABASE_URL',
  ],
  ['UPSTASH_REDIS_REST_TOKEN', 'ORDER_WEBHOOK_SECRET'],
].flat()
const TRACES = [
  'session_key',
  'node_modules/',
  'insert into',
  'INSERT INTO',
  'FUNCTION_INVOCATION_FAILED',
  '    at ',
]

/** Returns the secrets that a text contains, the caller's own token among them. */
function secretsIn(shop: Shop, text: string, authorization: string): readonly string[] {
  const token = authorization.slice('Bearer '.length)
  const found = SECRETS.filter((name) => text.includes(shop.world.env[name] ?? name))
  return [
    ...found,
    ...TRACES.filter((trace) => text.includes(trace)),
    ...(token.startsWith('ey') && text.includes(token) ? ['a token'] : []),
  ]
}

const line = v.object({ level: v.picklist(['info', 'warn', 'error']), event: v.string() })
const BUG_EVENTS = ['bug', 'later_failed']

/** Each line must be one JSON object that reports no bug and contains no secret. */
export function checkLog(shop: Shop): void {
  for (const text of shop.drainLog()) {
    const read = v.safeParse(line, parse(text))
    if (text.length > MAX_LINE_LENGTH) throw new Violation('a log line is too long')
    if (!read.success) throw new Violation(`a log line is not in our format: ${text.slice(0, 300)}`)
    if (BUG_EVENTS.includes(read.output.event)) throw new Violation(`logged ${text.slice(0, 300)}`)
    const [secret] = secretsIn(shop, text, '')
    if (secret !== undefined) throw new Violation(`the log holds ${secret}`)
  }
}
