/**
 * Reads the text of a bill.
 *
 * Columns are found by their names, because the set of columns and their order differ by merchant
 * and have changed before. The reader refuses the whole bill, rather than skip a row, in these
 * cases:
 *
 * - a row has more or fewer fields than the header
 * - a field that is needed has an unknown form
 * - the summary counts other numbers than the rows
 * - the summary is missing, so the bill was cut off
 */
import type { MessageCheck } from '../core/failure.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { BillRow } from '../ports.ts'
import { parseYuan } from './yuan.ts'

/** WeChat limits the texts of a row to some hundred bytes, so a longer line is not a row. */
const MAX_LINE_BYTES = 64 * 1024

/**
 * Every field begins with this character, so that a spreadsheet keeps long numbers as text. A comma
 * inside a text is escaped.
 */
const QUOTE = '`'
const BETWEEN_FIELDS = ',`'
const LINE_FEED = 0x0a

/**
 * The columns that are used. Bills of older merchants have other names for some of them; the first
 * name that is present counts.
 */
const columns = [
  { column: 'appid', known: ['公众账号ID'] },
  { column: 'mchId', known: ['商户号'] },
  { column: 'transactionId', known: ['微信订单号'] },
  { column: 'outTradeNo', known: ['商户订单号'] },
  { column: 'tradeState', known: ['交易状态'] },
  { column: 'feeType', known: ['货币种类'] },
  // Not `应结订单金额`, which leaves coupons out.
  { column: 'totalFee', known: ['订单金额', '总金额'] },
  { column: 'refundId', known: ['微信退款单号'] },
  { column: 'outRefundNo', known: ['商户退款单号'] },
  // The requested amount. Where both columns are present, `退款金额` excludes coupons.
  { column: 'refundFee', known: ['申请退款金额', '退款金额'] },
  { column: 'refundStatus', known: ['退款状态'] },
] as const

const ROW_COUNT = '总交易单数'

type Column = (typeof columns)[number]['column']
type Values = Readonly<Record<Column, string>>

/** The column at each position; null for a column that is not used. */
type Header = readonly (Column | null)[]

export interface BillReader {
  /** Returns our rows that this piece completes. */
  take(piece: Uint8Array): Result<readonly BillRow[], MessageCheck>
  /** Returns ok if the pieces make a complete bill. */
  end(): Result<'whole', MessageCheck>
}

/**
 * @param ours the app and merchant whose rows are returned. The bill covers all apps of the
 * merchant; rows of other apps are only counted.
 */
export function createBillReader(ours: {
  readonly appid: string
  readonly mchId: string
}): BillReader {
  let unfinished: Buffer = Buffer.alloc(0)
  let header: Header | null = null
  let rows = 0
  let summary: readonly string[] | null = null
  let isWhole = false

  const readLine = (line: string): Result<BillRow | null, MessageCheck> => {
    if (isWhole) return line === '' ? ok(null) : err('syntax')
    if (header === null) {
      header = readHeader(namesOf(line))
      return header === null ? err('content') : ok(null)
    }
    if (summary !== null) {
      const values = line.startsWith(QUOTE) ? line.slice(1).split(BETWEEN_FIELDS) : []
      isWhole =
        values.length === summary.length && values[summary.indexOf(ROW_COUNT)] === String(rows)
      return isWhole ? ok(null) : err('content')
    }
    if (!line.startsWith(QUOTE)) {
      summary = namesOf(line)
      return summary.includes(ROW_COUNT) ? ok(null) : err('syntax')
    }
    rows += 1
    const values = readValues(line, header)
    return values === null ? err('syntax') : readRow(values, ours)
  }

  /** Decoded as Latin-1, which is fast: the fields that are used have ASCII characters only. */
  const takeLine = (
    bytes: Buffer,
    start: number,
    end: number,
    taken: BillRow[],
  ): MessageCheck | null => {
    const hasReturn = end > start && bytes[end - 1] === 0x0d
    const row = readLine(bytes.toString('latin1', start, hasReturn ? end - 1 : end))
    if (!row.ok) return row.error
    if (row.value !== null) taken.push(row.value)
    return null
  }

  return {
    take(piece) {
      const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
      const taken: BillRow[] = []
      let start = 0
      for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
        const whole =
          start === 0 && unfinished.length > 0
            ? Buffer.concat([unfinished, bytes.subarray(0, end)])
            : null
        const refused =
          whole === null
            ? takeLine(bytes, start, end, taken)
            : takeLine(whole, 0, whole.length, taken)
        if (refused !== null) return err(refused)
        if (start === 0) unfinished = Buffer.alloc(0)
        start = end + 1
      }
      unfinished = Buffer.concat([unfinished, bytes.subarray(start)])
      return unfinished.length > MAX_LINE_BYTES ? err('size') : ok(taken)
    },
    end() {
      const refused =
        unfinished.length === 0 ? null : takeLine(unfinished, 0, unfinished.length, [])
      if (refused !== null) return err(refused)
      return isWhole ? ok('whole') : err('content')
    },
  }
}

/** Trimmed, because bills with a byte order mark before the first name exist. */
const namesOf = (line: string): readonly string[] =>
  Buffer.from(line, 'latin1')
    .toString('utf8')
    .split(',')
    .map((name) => name.trim())

/** Null if this is not the header of a bill of payments. */
function readHeader(names: readonly string[]): Header | null {
  const header: (Column | null)[] = names.map(() => null)
  for (const { column, known } of columns) {
    const index = known.map((name) => names.indexOf(name)).find((found) => found >= 0)
    if (index !== undefined) header[index] = column
  }
  return (['transactionId', 'outTradeNo', 'tradeState'] as const).every((column) =>
    header.includes(column),
  )
    ? header
    : null
}

/**
 * The fields of a row that are used; empty where the bill has no such column. Null if the row has
 * too few or too many fields.
 */
function readValues(line: string, header: Header): Values | null {
  const values = { ...NO_VALUES }
  let start = QUOTE.length
  let count = 0
  for (const column of header) {
    count += 1
    const next = line.indexOf(BETWEEN_FIELDS, start)
    if (next < 0 !== (count === header.length)) return null
    if (column !== null) values[column] = line.slice(start, next < 0 ? line.length : next)
    start = next + BETWEEN_FIELDS.length
  }
  return values
}

const NO_VALUES = {
  appid: '',
  mchId: '',
  transactionId: '',
  outTradeNo: '',
  tradeState: '',
  feeType: '',
  totalFee: '',
  refundId: '',
  outRefundNo: '',
  refundFee: '',
  refundStatus: '',
}

function readRow(
  values: Values,
  ours: { readonly appid: string; readonly mchId: string },
): Result<BillRow | null, MessageCheck> {
  const { outTradeNo, transactionId, tradeState } = values
  if (values.mchId !== '' && values.mchId !== ours.mchId) return err('merchant')
  if (values.appid !== '' && values.appid !== ours.appid) return ok(null)
  if (!isNumber(outTradeNo) || !isNumber(transactionId) || !/^\w{1,32}$/.test(tradeState))
    return err('content')
  if (tradeState === 'SUCCESS') return readPayment(values)
  if (tradeState === 'REFUND') return readRefund(values)
  return ok({ kind: 'other', outTradeNo, transactionId, tradeState })
}

/** Whether this has the form of an identifier: printable, at most 64 characters. */
const isNumber = (text: string): boolean => /^[\x21-\x7e]{1,64}$/.test(text)

function readPayment({
  outTradeNo,
  transactionId,
  totalFee,
  feeType,
}: Values): Result<BillRow, MessageCheck> {
  const fen = parseYuan(totalFee)
  if (!fen.ok || !/^(?:[A-Z]{3})?$/.test(feeType)) return err('content')
  return ok({
    kind: 'payment',
    outTradeNo,
    transactionId,
    totalFee: fen.value,
    feeType: feeType || 'CNY',
  })
}

function readRefund({
  outTradeNo,
  transactionId,
  outRefundNo,
  refundId,
  refundFee,
  refundStatus,
}: Values): Result<BillRow, MessageCheck> {
  const fen = parseYuan(refundFee)
  if (!fen.ok || !isNumber(outRefundNo) || !isNumber(refundId) || !/^\w{0,32}$/.test(refundStatus))
    return err('content')
  return ok({
    kind: 'refund',
    outTradeNo,
    transactionId,
    outRefundNo,
    refundId,
    refundFee: fen.value,
    refundStatus,
  })
}
