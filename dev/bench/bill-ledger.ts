/**
 * A process with a ledger that holds the whole day, behind Neon's protocol: `node dev/bench/bill-ledger.ts 1000000`, on the
 * server of `TEST_DATABASE_URL`, embedded without. Tells its parent the endpoint; ends, and cleans up, with its parent.
 */
import { Hono } from 'hono'
import type { HttpBindings } from '@hono/node-server'
import type { Pool } from 'pg'
import { demoDatabase, demoValues } from '../world/demo-values.ts'
import { listen } from '../world/listen.ts'
import { migrate } from '../migrate/migrate.ts'
import { createNeon } from '../stand-ins/neon.ts'
import { openDatabase, openEmbedded } from '../stand-ins/postgres.ts'
import { numbersInSql as number, toRefunds } from './bill-day.ts'

const STEP = 50_000

const PAID = `
  with given as (
    select ${number.outTradeNo} as out_trade_no, ${number.transactionId} as transaction_id, ${number.totalFee} as total_fee, n > $3::integer as is_whole,
      timestamptz '2026-11-20 00:30+08' + n % 84000 * interval '1 second' as paid_at
    from generate_series($1::integer, $2::integer) n
  ), placed as (
    insert into orders (out_trade_no, trade_state, openid, total_fee, body, client_ip, notify_url, created_at, time_expire, request_hash,
      transaction_id, paid_at, claimed_fee, refunded_fee)
    select out_trade_no, case when is_whole then 'SUCCESS' else 'REFUND' end, 'oDemo000000000000000000User1', total_fee, '示例商城-咖啡', '127.0.0.1',
      'https://shop.example/api/notify', '2026-11-20 11:59+08', '2026-11-20 13:59+08', 'bench', transaction_id, paid_at,
      case when is_whole then 0 else 50 end, case when is_whole then 0 else 50 end
    from given
  )
  insert into payments (out_trade_no, transaction_id, total_fee, paid_at, source, recorded_at)
  select out_trade_no, transaction_id, total_fee, paid_at, 'notify', paid_at from given`

const REFUNDED = `
  insert into refunds (out_refund_no, out_trade_no, refund_fee, refund_status, refund_id, created_at, accepted_at)
  select ${number.outRefundNo}, ${number.outTradeNo}, 50, 'SUCCESS', ${number.refundId}, '2026-11-20 13:00+08', '2026-11-20 13:00+08'
  from generate_series($1::integer, $2::integer) n`

async function fill(pool: Pool, rows: number): Promise<void> {
  const refunds = toRefunds(rows)
  const payments = rows - refunds
  for (let from = 1; from <= payments; from += STEP)
    await pool.query(PAID, [from, Math.min(from + STEP - 1, payments), refunds])
  if (refunds > 0) await pool.query(REFUNDED, [1, refunds])
  await pool.query('vacuum analyze')
}

const serverUrl = process.env['TEST_DATABASE_URL']
const database = await (serverUrl === undefined ? openEmbedded() : openDatabase(serverUrl))
const port = await listen('127.0.0.1', 0)
port.serve(new Hono<{ Bindings: HttpBindings }>().route('/', createNeon(database)))
const endpoint = `${port.url}/sql`
await migrate({ ...demoValues, DATABASE_URL: demoDatabase, NEON_HTTP_ENDPOINT: endpoint })
await fill(database.pool, Number(process.argv[2]))
process.send?.({ endpoint, kind: serverUrl === undefined ? 'PGlite' : 'PostgreSQL' })

process.on('disconnect', () => {
  void port
    .stop()
    .then(database.stop)
    .finally(() => process.exit())
})
