/** The daily bill as text. A failure is XML of its own kind: unsigned, with `error_code`. */
import { gzipSync } from 'node:zlib'
import { parseBeijingDigits } from './beijing.ts'
import type { Fields } from './signature.ts'
import { writeXml } from './xml.ts'
import { findBillRows, type BillType } from './bill-rows.ts'
import { writeBill } from './bill-text.ts'
import { BAD_SIGNATURE, findBadCommonField, open } from './envelope.ts'
import type { Answer, Incoming } from './exchange.ts'
import type { Fault } from './faults.ts'
import type { Simulation } from './simulation.ts'

const HOUR_MS = 3_600_000
export const READY_AFTER_MS = 34 * HOUR_MS
/** Three months. */
export const KEPT_MS = 92 * 24 * HOUR_MS

/** Only the code 20002 is published, so callers tell failures apart by their texts. */
const errorCodes: ReadonlyMap<string, string> = new Map([
  ['SYSTEMERROR', '100'],
  ['No Bill Exist', '20002'],
  ['Bill Creating', '20003'],
])
const BAD_REQUEST_CODE = '20001'

export function downloadBill(
  simulation: Simulation,
  incoming: Incoming,
  fault: Fault | null,
): Answer {
  const opened = open(simulation.account, incoming)
  if ('returnMsg' in opened)
    return failed(opened.returnMsg === BAD_SIGNATURE ? 'SIGN ERROR' : 'data format error')
  if (fault?.do === 'err-code') return failed(fault.errCode, fault.errCodeDes)
  const { request } = opened
  const problem = findProblem(simulation, request)
  if (problem !== null) return failed(problem)
  const date = request.get('bill_date') ?? ''
  const type = parseType(request.get('bill_type') ?? 'ALL') ?? 'ALL'
  const dayStart = parseDay(date) ?? 0
  if (simulation.now() < dayStart + READY_AFTER_MS) return failed('Bill Creating')
  const rows = findBillRows(simulation, dayStart, type)
  if (rows.length === 0) return failed('No Bill Exist')
  const text = writeBill(rows, type, simulation.account, simulation.state.settings)
  if (!request.has('tar_type'))
    return { status: 200, contentType: 'text/plain; charset=utf-8', body: text }
  return { status: 200, contentType: 'application/gzip', body: gzipSync(text) }
}

/** Null if the day, `yyyy-MM-dd`, has no rows. */
export function billOf(simulation: Simulation, day: string): string | null {
  const rows = findBillRows(simulation, parseDay(day.replaceAll('-', '')) ?? 0, 'ALL')
  const { account, state } = simulation
  return rows.length === 0 ? null : writeBill(rows, 'ALL', account, state.settings)
}

function failed(
  returnMsg: string,
  errorCode: string = errorCodes.get(returnMsg) ?? BAD_REQUEST_CODE,
): Answer {
  const fields = new Map([
    ['return_code', 'FAIL'],
    ['return_msg', returnMsg],
    ['error_code', errorCode],
  ])
  return { status: 200, contentType: 'text/xml; charset=utf-8', body: writeXml(fields) }
}

function findProblem(simulation: Simulation, request: Fields): string | null {
  if (findBadCommonField(simulation.account, request) !== null) return 'data format error'
  const date = request.get('bill_date')
  if (date === undefined) return 'missing parameter'
  const day = parseDay(date)
  const age = day === null ? Number.NaN : simulation.now() - day
  // The bill of a future day, or of a day that is too long ago.
  if (!(age >= 0 && age <= KEPT_MS)) return 'data format error'
  if (parseType(request.get('bill_type') ?? 'ALL') === null) return 'invalid bill_type'
  return (request.get('tar_type') ?? 'GZIP') === 'GZIP' ? null : 'data format error'
}

const parseDay = (date: string): number | null =>
  /^\d{8}$/.test(date) ? parseBeijingDigits(`${date}000000`) : null

const parseType = (text: string): BillType | null =>
  text === 'ALL' || text === 'SUCCESS' || text === 'REFUND' || text === 'RECHARGE_REFUND'
    ? text
    : null
