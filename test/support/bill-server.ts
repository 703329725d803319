/**
 * A server in front of the simulator of a shop, in the protocol of the mode under test. It has the
 * bills, and replaces single answers. It passes everything else on.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { demoCertificate, demoV3Values } from '../../dev/world/demo-values.ts'
import { refusal, writeBill, type BillLine } from './bill.ts'
import { signBody } from './messages/v3.ts'
import { mode } from './mode.ts'
import type { Shop } from './shop.ts'

/** A refusal in the words of both protocols. */
export interface Refused {
  readonly v2: string
  readonly v3: string
}

/**
 * Lines are sent as a whole bill. Text and bytes are sent unchanged, and are not the bill that the
 * signed answer of APIv3 names.
 */
export type Bill = readonly BillLine[] | string | Buffer | Refused

export interface WechatAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

export interface BillServer {
  /** The variables of a shop in the mode under test that calls this server. */
  readonly variables: Readonly<Record<string, string>>
  /** The requested days, such as `20261120`, oldest first. */
  readonly requestedDays: string[]
  /** The bill of each day, such as `20261120`. Other days have none. */
  readonly bills: Map<string, Bill | (() => Bill | Promise<Bill>)>
  /**
   * Answers to other calls, by the job of the call. A function gets the number of the order or the
   * refund, empty for a list of refunds; null passes the call on.
   */
  readonly answers: Map<keyof typeof jobs, (number: string) => WechatAnswer | null>
  standBefore(shop: Shop): void
  close(): Promise<void>
}

/** The jobs whose answers can be replaced, and where a request has the number. */
const jobs = {
  query: [
    /^\/pay\/orderquery\n[^]*<out_trade_no><!\[CDATA\[([^\]]*)/,
    /^\/v3\/pay\/transactions\/out-trade-no\/([^?]*)\?/,
  ],
  'query refund': [
    /^\/pay\/refundquery\n(?:[^]*<out_refund_no><!\[CDATA\[([^\]]*))?/,
    /^\/v3\/refund\/domestic\/refunds\/([^?\n]+)/,
  ],
} as const

const NO_BILL: Refused = { v2: 'No Bill Exist', v3: 'NO_STATEMENT_EXIST' }
const isRefused = (bill: Bill): bill is Refused =>
  typeof bill === 'object' && 'v2' in bill && !Buffer.isBuffer(bill)

/** Any other than that of the bytes that are sent. */
const OTHER_HASH = createHash('sha1').update('the bill').digest('hex')

export async function openBillServer(): Promise<BillServer> {
  const requestedDays: string[] = []
  const bills: BillServer['bills'] = new Map()
  const answers: BillServer['answers'] = new Map()
  const files = new Map<string, string | Buffer>()
  let shop: Shop | undefined

  const findBill = async (day: string): Promise<Bill> => {
    requestedDays.push(day)
    const bill = bills.get(day) ?? NO_BILL
    return typeof bill === 'function' ? bill() : bill
  }

  const sign = (of: Shop, status: number, json: object): WechatAnswer => ({
    ...signBody(of, JSON.stringify(json)),
    status,
  })

  /** The signed answer of APIv3, which names the file. */
  async function nameFile(of: Shop, host: string, day: string): Promise<WechatAnswer> {
    const bill = await findBill(day)
    if (isRefused(bill)) return sign(of, 400, { code: bill.v3, message: bill.v3 })
    const isWhole = typeof bill !== 'string' && !Buffer.isBuffer(bill)
    const text = isWhole ? writeBill(bill) : ''
    files.set(day, isWhole ? gzipSync(text) : bill)
    return sign(of, 200, {
      hash_type: 'SHA1',
      hash_value: isWhole ? createHash('sha1').update(text).digest('hex') : OTHER_HASH,
      download_url: `http://${host}/v3/billdownload/file?token=${day}`,
    })
  }

  /** The only answer of APIv2: the file, or a refusal. */
  async function sendFile(day: string): Promise<WechatAnswer> {
    const bill = await findBill(day)
    if (isRefused(bill)) return { body: refusal(bill.v2) }
    return {
      body: typeof bill === 'string' || Buffer.isBuffer(bill) ? bill : gzipSync(writeBill(bill)),
    }
  }

  const answer = async (request: IncomingMessage): Promise<WechatAnswer> => {
    if (shop === undefined) throw new Error('this server stands before no shop')
    const body = await buffer(request)
    const target = request.url ?? ''
    const about = `${target}\n${body.toString()}`
    for (const [job, own] of answers)
      for (const pattern of jobs[job]) {
        const asked = pattern.exec(about)
        const replaced = asked === null ? null : own(asked[1] ?? '')
        if (replaced !== null) return replaced
      }
    const ofV2 = /^\/pay\/downloadbill\n[^]*<bill_date><!\[CDATA\[(\d+)\]\]>/.exec(about)?.[1]
    if (ofV2 !== undefined) return sendFile(ofV2)
    const ofV3 = /^\/v3\/bill\/tradebill\?bill_date=([\d-]+)/.exec(target)?.[1]
    if (ofV3 !== undefined)
      return nameFile(shop, request.headers.host ?? '', ofV3.replaceAll('-', ''))
    const file = files.get(/^\/v3\/billdownload\/file\?token=(\d+)$/.exec(target)?.[1] ?? '')
    return file === undefined ? passOn(shop, request, body) : { body: file }
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { status = 200, headers = {}, body } = await answer(request)
    response.writeHead(status, headers).end(body)
  }
  const http = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const address = http.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  return {
    variables: {
      WECHAT_PAY_URL: url,
      ...demoCertificate,
      ...(mode === 'v3-public-key' ? { WECHAT_PAY_API: 'v3', ...demoV3Values } : {}),
    },
    requestedDays,
    bills,
    answers,
    standBefore: (of) => {
      shop = of
    },
    async close() {
      http.closeAllConnections()
      const closed = once(http, 'close')
      http.close()
      await closed
    },
  }
}

/** The headers that belong to one connection. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'content-encoding',
  'host',
  'keep-alive',
  'transfer-encoding',
])

async function passOn(
  shop: Shop,
  { method = 'POST', url = '', headers }: IncomingMessage,
  body: Buffer,
): Promise<WechatAnswer> {
  const kept = (all: Iterable<readonly [string, unknown]>) =>
    Object.fromEntries(
      [...all].flatMap(([name, value]) =>
        OF_CONNECTION.has(name) ? [] : [[name, String(value)] as const],
      ),
    )
  const answered = await fetch(`${shop.world.url}/wechat${url}`, {
    method,
    headers: kept(Object.entries(headers)),
    ...(body.byteLength === 0 ? {} : { body: Uint8Array.from(body) }),
  })
  return {
    status: answered.status,
    headers: kept(answered.headers),
    body: new Uint8Array(await answered.arrayBuffer()),
  }
}
