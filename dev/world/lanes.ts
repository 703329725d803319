/** The two parts of the world that a request is between, and the title of the request. */
import * as v from 'valibot'
import type { CapturedRequest } from './capture.ts'
import type { Lane } from './feed.ts'

export interface Route {
  readonly from: Lane
  readonly to: Lane
  readonly title: string
}

const json = v.pipe(v.string(), v.parseJson())
const readJson = <const S extends v.GenericSchema>(schema: S, body: Buffer) => {
  const read = v.safeParse(v.pipe(json, schema), body.toString())
  return read.success ? read.output : null
}

/** Null for pages, and for requests that control the world. */
export function findRoute(request: CapturedRequest, merchantKey: string): Route | null {
  const { method, headers, body } = request
  const path = request.target.split('?')[0] ?? ''
  const plain = `${method} ${path}`
  if (path.startsWith('/stand-ins/neon'))
    return { from: 'functions', to: 'database', title: titleOfSql(body) }
  if (path.startsWith('/stand-ins/upstash'))
    return { from: 'functions', to: 'redis', title: titleOfCommand(body) }
  if (path.startsWith('/wechat/control')) return findScene(plain)
  if (path.startsWith('/wechat/'))
    return { from: 'functions', to: 'wechat', title: titleOfCall(method, path) }
  if (plain === 'POST /merchant/events')
    return { from: 'functions', to: 'merchant', title: titleOfEvent(body) }
  if (path === '/api/notify')
    return { from: 'wechat', to: 'functions', title: titleOfNotification(request) }
  if (path === '/api/cron') return { from: 'functions', to: 'functions', title: plain }
  if (!path.startsWith('/api/')) return null
  const isMerchant = headers['authorization'] === `Bearer ${merchantKey}`
  return { from: isMerchant ? 'merchant' : 'phone', to: 'functions', title: plain }
}

const scenes: ReadonlyMap<string, Route> = new Map([
  ['POST /wechat/control/login', { from: 'phone', to: 'wechat', title: 'wx.login' }],
  ['POST /wechat/control/phone', { from: 'phone', to: 'wechat', title: 'getPhoneNumber' }],
  ['POST /wechat/control/pay', { from: 'phone', to: 'wechat', title: 'wx.requestPayment' }],
  ['POST /wechat/control/receipt', { from: 'phone', to: 'wechat', title: 'wx.openBusinessView' }],
  ['POST /wechat/control/complaint', { from: 'phone', to: 'wechat', title: 'a complaint' }],
  [
    'POST /wechat/control/refund',
    { from: 'merchant', to: 'wechat', title: 'a refund in the merchant console' },
  ],
])

const findScene = (plain: string): Route | null => scenes.get(plain) ?? null

const MOUNT = '/wechat'
const LONGEST_TITLE = 120

const cut = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > LONGEST_TITLE ? `${line.slice(0, LONGEST_TITLE - 1)}…` : line
}

const statement = v.object({ query: v.string() })
const statements = v.union([v.object({ queries: v.array(statement) }), statement])

function titleOfSql(body: Buffer): string {
  const read = readJson(statements, body)
  if (read === null) return 'SQL'
  return cut('queries' in read ? read.queries.map(({ query }) => query).join('; ') : read.query)
}

const command = v.array(v.union([v.string(), v.number()]))
const commands = v.union([
  v.array(command),
  v.pipe(
    command,
    v.transform((one) => [one]),
  ),
])

/** The name and the key of each command. */
function titleOfCommand(body: Buffer): string {
  const read = readJson(commands, body)
  if (read === null) return 'Redis'
  return cut(read.map(titleOfOne).join('; '))
}

function titleOfOne([first = '', ...rest]: readonly (string | number)[]): string {
  const name = String(first).toUpperCase()
  // Before the keys of a script come its text and their number.
  const key = name.startsWith('EVAL') ? rest[2] : rest[0]
  return `${name} ${key ?? ''}`
}

/** For v2 the last name of the path, for APIv3 the method and the path. */
function titleOfCall(method: string, path: string): string {
  const own = path.slice(MOUNT.length)
  return own.startsWith('/v3/') ? `${method} ${own}` : (own.split('/').at(-1) ?? own)
}

const typed = v.object({ type: v.string() })
const titleOfEvent = (body: Buffer): string => readJson(typed, body)?.type ?? 'an event'

const eventTyped = v.object({ event_type: v.string() })

function titleOfNotification({ method, target, body }: CapturedRequest): string {
  if (target.includes('?')) return method === 'GET' ? 'message push: test' : 'message push'
  const event = readJson(eventTyped, body)?.event_type
  if (event !== undefined) return `notification ${event}`
  return body.includes('<req_info>') ? 'notification of a refund' : 'notification of a payment'
}

/** The numbers of orders in messages, by the names of WeChat and of the functions. */
const NUMBER =
  /(?:<out_trade_no><!\[CDATA\[|"(?:out_trade_no|outTradeNo)":\s*"|outTradeNo=|\/out-trade-no\/)([0-9A-Za-z_|*@-]{6,32})/

/** Recognises orders in messages. Statements and Redis keys hold the number without its name. */
export function createOrderFinder(): (...texts: readonly string[]) => string | null {
  const known = new Set<string>()
  return (...texts) => {
    for (const text of texts) {
      const found = NUMBER.exec(text)?.[1]
      if (found === undefined) continue
      known.delete(found)
      known.add(found)
      if (known.size > KNOWN) known.delete([...known][0] ?? '')
      return found
    }
    return [...known].findLast((number) => texts.some((text) => text.includes(number))) ?? null
  }
}

const KNOWN = 200
