/** What every answer of every function must be like, and every line of the log. */
import * as v from 'valibot'
import type { FunctionName, Shop } from './shop.ts'
import { Violation } from './target.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly ms: number
  /** What the caller had shown. */
  readonly authorization: string
}

/** Everything is up: a 503 would mean that an input made it look otherwise. */
const STATUSES = [200, 201, 202, 400, 401, 403, 404, 405, 409, 413, 415, 429, 502]
const NOTIFY_STATUSES = [200, 405, 413]
const WITHIN_MS = 4_000
/** An error that repeats what was sent could be made as long as that, and so could the line in the log. */
const LONGEST_ERROR = 1_000
const LONGEST_LINE = 1_000

const problem = v.object({
  type: v.string(),
  title: v.string(),
  status: v.number(),
  detail: v.string(),
  code: v.pipe(v.string(), v.regex(/^[a-z]+(?:_[a-z]+)*$/)),
  requestId: v.pipe(v.string(), v.regex(/^[\w:.-]{1,128}$/)),
})

/** @returns the status, and the code where there is one. */
export function judgeAnswer(
  shop: Shop,
  name: FunctionName,
  method: string,
  { status, headers, text, ms, authorization }: Answer,
): string {
  const allowed = name === 'notify' ? NOTIFY_STATUSES : STATUSES
  if (!allowed.includes(status)) throw new Violation(`answered ${status} ${codeOf(text)}`)
  if (ms > WITHIN_MS) throw new Violation(`answered after ${Math.round(ms)} ms`)
  if (headers.get('cache-control') !== 'no-store' || headers.get('x-request-id') === null)
    throw new Violation('a header is missing')
  const [secret] = secretsIn(shop, text, authorization)
  if (secret !== undefined) throw new Violation(`the answer holds ${secret}`)
  if (status === 405 && headers.get('allow') === null) throw new Violation('405 without Allow')
  if (method === 'HEAD') return String(status)
  if (name === 'notify' && status !== 405) return judgeAcknowledgement(text)
  const json = parse(text)
  if (status < 400) {
    if (headers.get('content-type') !== 'application/json' || typeof json !== 'object')
      throw new Violation('a good answer is no JSON')
    return String(status)
  }
  const read = v.safeParse(problem, json)
  if (
    headers.get('content-type') !== 'application/problem+json' ||
    !read.success ||
    read.output.status !== status
  )
    throw new Violation(`the error is no problem+json: ${text.slice(0, 200)}`)
  if (text.length > LONGEST_ERROR)
    throw new Violation(`the error is ${text.length} characters long`)
  return `${status} ${read.output.code}`
}

const ACKNOWLEDGEMENT =
  /^<xml><return_code><!\[CDATA\[(SUCCESS|FAIL)\]\]><\/return_code><return_msg><!\[CDATA\[[A-Z ]+\]\]><\/return_msg><\/xml>$/

function judgeAcknowledgement(text: string): string {
  const code = ACKNOWLEDGEMENT.exec(text)?.[1]
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

/** What a text holds that nobody may read; `shown` is the token somebody called with. */
function secretsIn(shop: Shop, text: string, shown: string): readonly string[] {
  const token = shown.slice('Bearer '.length)
  const found = SECRETS.filter((name) => text.includes(shop.world.env[name] ?? name))
  return [
    ...found,
    ...TRACES.filter((trace) => text.includes(trace)),
    ...(token.startsWith('ey') && text.includes(token) ? ['a token'] : []),
  ]
}

const line = v.object({ level: v.picklist(['info', 'warn', 'error']), event: v.string() })
const BROKEN = ['bug', 'later_failed']

/** Each line is one JSON object, tells of no bug and of no secret. */
export function judgeLog(shop: Shop): void {
  for (const text of shop.drainLog()) {
    const read = v.safeParse(line, parse(text))
    if (text.length > LONGEST_LINE) throw new Violation('logged a line as long as what was sent')
    if (!read.success) throw new Violation(`logged what is no line of ours: ${text.slice(0, 300)}`)
    if (BROKEN.includes(read.output.event)) throw new Violation(`logged ${text.slice(0, 300)}`)
    const [secret] = secretsIn(shop, text, '')
    if (secret !== undefined) throw new Violation(`the log holds ${secret}`)
  }
}
