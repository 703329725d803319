/** The trade bill: its hash and its address first, then the file, which is not signed. */
import { createHash, randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { err, ok } from '../result.ts'
import { findBillRows, type BillType } from '../bill-rows.ts'
import { writeBill } from '../bill-text.ts'
import { KEPT_MS, READY_AFTER_MS } from '../download-bill.ts'
import type { Answer } from '../exchange.ts'
import type { V3Call, V3Operation } from './call.ts'
import { checkQuery } from './orders.ts'
import { badParameter, refuse } from './refusal.ts'
import type { Result } from '../result.ts'
import type { V3Refusal } from './refusal.ts'

const URL_LIFE_MS = 5 * 60_000
const types: readonly string[] = [
  'ALL',
  'SUCCESS',
  'REFUND',
  'RECHARGE_REFUND',
] satisfies BillType[]
const isBillType = (text: string): text is BillType => types.includes(text)

export const requestBill: V3Operation = ({ simulation, v3, incoming }) => {
  const { url } = incoming
  const refused = checkQuery(
    url,
    { bill_date: (date) => parseDay(date) !== null },
    { bill_type: isBillType, tar_type: (tarType) => tarType === 'GZIP' },
  )
  if (refused !== null) return err(refused)
  const dayStart = parseDay(url.searchParams.get('bill_date') ?? '') ?? 0
  const type = url.searchParams.get('bill_type') ?? 'ALL'
  if (!isBillType(type)) return err(badParameter('bill_type', '参数格式错误', 'query'))
  const now = simulation.now()
  if (now < dayStart || now - dayStart > KEPT_MS)
    return err(refuse('INVALID_REQUEST', { message: '账单日期不正确' }))
  if (now < dayStart + READY_AFTER_MS) return err(refuse('STATEMENT_CREATING'))
  const rows = findBillRows(simulation, dayStart, type)
  if (rows.length === 0) return err(refuse('NO_STATEMENT_EXIST'))
  const plain = new TextEncoder().encode(
    writeBill(rows, type, simulation.account, simulation.state.settings),
  )
  const isGzip = url.searchParams.has('tar_type')
  const token = randomBytes(24).toString('base64url')
  v3.bills.set(token, {
    bytes: isGzip ? new Uint8Array(gzipSync(plain)) : plain,
    isGzip,
    expiresAt: now + URL_LIFE_MS,
  })
  const base = `${url.origin}${url.pathname.replace(/\/v3\/bill\/tradebill$/, '')}`
  return ok({
    hash_type: 'SHA1',
    hash_value: createHash('sha1').update(plain).digest('hex'),
    download_url: `${base}/v3/billdownload/file?token=${token}`,
  })
}

export function downloadFile({ simulation, v3, incoming }: V3Call): Result<Answer, V3Refusal> {
  const token = incoming.url.searchParams.get('token') ?? ''
  const file = v3.bills.get(token)
  if (incoming.method !== 'GET' || file === undefined || simulation.now() >= file.expiresAt)
    return err(refuse('INVALID_REQUEST', { message: '下载地址已失效' }))
  return ok({
    status: 200,
    contentType: file.isGzip ? 'application/gzip' : 'text/plain; charset=utf-8',
    // A fault may spoil the bytes.
    body: Uint8Array.from(file.bytes),
  })
}

/** `yyyy-MM-dd` in Beijing time. */
function parseDay(date: string): number | null {
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) return null
  const start = Date.parse(`${date}T00:00:00+08:00`)
  return Number.isNaN(start) ? null : start
}
