/** Reads the latest orders of the ledger, with everything that belongs to them. */

/** Values are PostgreSQL's text. */
export type Query = (text: string) => Promise<readonly Row[]>
type Row = Readonly<Record<string, string | null>>

export interface Ledger {
  readonly orders: readonly {
    readonly outTradeNo: string
    readonly state: string
    readonly totalFee: number
    readonly transactionId: string | null
  }[]
  /** Whether these are all orders. */
  readonly isWhole: boolean
  readonly payments: readonly { readonly outTradeNo: string }[]
  readonly refunds: readonly {
    readonly outTradeNo: string
    readonly refundFee: number
    /** Whether it is paid, or may still be paid. */
    readonly isSent: boolean
  }[]
  readonly events: readonly {
    readonly id: string
    readonly type: string
    readonly outTradeNo: string | null
    readonly deliveredAt: number | null
    readonly isDue: boolean
  }[]
}

const MOST = 1_000
const latest = `select out_trade_no from orders order by id desc limit ${MOST}`

export async function readLedger(query: Query): Promise<Ledger> {
  const orders = await query(
    `select out_trade_no, trade_state, total_fee, transaction_id from orders order by id desc limit ${MOST}`,
  )
  const payments = await query(
    `select out_trade_no from payments where out_trade_no in (${latest})`,
  )
  const refunds = await query(
    `select out_trade_no, refund_fee, refund_status from refunds where out_trade_no in (${latest})`,
  )
  const events = await query(
    `select id, type, out_trade_no, (extract(epoch from delivered_at) * 1000)::bigint as delivered_at, next_attempt_at from events where out_trade_no in (${latest})`,
  )
  return {
    orders: orders.map((row) => ({
      outTradeNo: textOf(row, 'out_trade_no'),
      state: textOf(row, 'trade_state'),
      totalFee: Number(row['total_fee']),
      transactionId: row['transaction_id'] ?? null,
    })),
    isWhole: orders.length < MOST,
    payments: payments.map((row) => ({ outTradeNo: textOf(row, 'out_trade_no') })),
    refunds: refunds.map((row) => ({
      outTradeNo: textOf(row, 'out_trade_no'),
      refundFee: Number(row['refund_fee']),
      isSent: row['refund_status'] !== 'REFUNDCLOSE',
    })),
    events: events.map((row) => ({
      id: textOf(row, 'id'),
      type: textOf(row, 'type'),
      outTradeNo: row['out_trade_no'] ?? null,
      deliveredAt: typeof row['delivered_at'] === 'string' ? Number(row['delivered_at']) : null,
      isDue: typeof row['next_attempt_at'] === 'string',
    })),
  }
}

const textOf = (row: Row, name: string): string => row[name] ?? ''
