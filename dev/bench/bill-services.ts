/**
 * A process that serves the bill of one day, and the ledger of that day behind Neon's protocol at
 * `/sql`: `node dev/bench/bill-services.ts 1000000`. Cleans up when its parent disconnects.
 */
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { createGzip } from 'node:zlib'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import * as v from 'valibot'
import { migrate } from '../migrate/migrate.ts'
import { createNeon } from '../stand-ins/neon.ts'
import { demoDatabase, demoValues } from '../world/demo-values.ts'
import { listen } from '../world/listen.ts'
import { createDatabase } from './servers.ts'

const rows = Number(process.argv[2])
/** One row in twenty, as in a shop with many refunds. */
const refunds = Math.floor(rows / 20)
const payments = rows - refunds
/** In the bill the amount of every so many-th payment differs. */
const WRONG_EVERY = 100_000
const BATCH = 50_000

const PAID = `
  with given as (
    select '20261120' || lpad(n::text, 24, '0') as out_trade_no, '42000025002026112' || lpad(n::text, 11, '0') as transaction_id,
      100 + n % 9900 as total_fee, case when n > $3::integer then 'SUCCESS' else 'REFUND' end as trade_state,
      case when n > $3::integer then 0 else 50 end as refunded, timestamptz '2026-11-20 00:30+08' + n % 84000 * interval '1 second' as paid_at
    from generate_series($1::integer, $2::integer) n
  ), placed as (
    insert into orders (out_trade_no, trade_state, openid, total_fee, body, client_ip, notify_url, created_at, time_expire, request_hash,
      transaction_id, paid_at, claimed_fee, refunded_fee)
    select out_trade_no, trade_state, 'oDemo000000000000000000User1', total_fee, '示例商城-咖啡', '127.0.0.1',
      'https://shop.example/api/notify', '2026-11-20 11:59+08', '2026-11-20 13:59+08', 'bench', transaction_id, paid_at, refunded, refunded
    from given
  )
  insert into payments (out_trade_no, transaction_id, total_fee, paid_at, source, recorded_at)
  select out_trade_no, transaction_id, total_fee, paid_at, 'notify', paid_at from given
  returning out_trade_no as "outTradeNo", transaction_id as "transactionId", total_fee as "totalFee"`

const REFUNDED = `
  insert into refunds (out_refund_no, out_trade_no, refund_fee, refund_status, refund_id, created_at, accepted_at)
  select 'R' || right(out_trade_no, 31), out_trade_no, 50, 'SUCCESS', '5030' || right(transaction_id, 24), '2026-11-20 13:00+08', '2026-11-20 13:00+08'
  from payments order by out_trade_no limit $1
  returning out_trade_no as "outTradeNo", '42000025002026112' || right(out_trade_no, 11) as "transactionId",
    out_refund_no as "outRefundNo", refund_id as "refundId"`

const number = v.pipe(v.string(), v.transform(Number))
const paymentRows = v.array(
  v.object({ outTradeNo: v.string(), transactionId: v.string(), totalFee: number }),
)
const refundRows = v.array(
  v.object({
    outTradeNo: v.string(),
    transactionId: v.string(),
    outRefundNo: v.string(),
    refundId: v.string(),
  }),
)

const HEADER =
  '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,' +
  '微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n'
const SUMMARY =
  '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n'
const { WECHAT_APPID, WECHAT_MCH_ID } = demoValues
const MERCHANT = `\`${WECHAT_APPID},\`${WECHAT_MCH_ID},\`0,\`WEB`
const GOODS = '`示例商城-咖啡,`store=1&src=mp'

const toYuan = (fen: number): string =>
  `${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, '0')}`

/** Fills the ledger, and yields the bill of what it then holds. */
async function* writeBill(): AsyncGenerator<string> {
  yield HEADER
  for (let from = 1; from <= payments; from += BATCH) {
    const to = Math.min(from + BATCH - 1, payments)
    const { rows: stored } = await pool.query(PAID, [from, to, refunds])
    const lines = v.parse(paymentRows, stored).map(({ outTradeNo, transactionId, totalFee }) => {
      const yuan = toYuan(Number(outTradeNo.slice(8)) % WRONG_EVERY === 0 ? totalFee + 1 : totalFee)
      return `\`2026-11-20 12:00:00,${MERCHANT},\`${transactionId},\`${outTradeNo},\`oDemo000000000000000000User1,\`JSAPI,\`SUCCESS,\`OTHERS,\`CNY,\`${yuan},\`0.00,\`0,\`0,\`0.00,\`0.00,\`,\`,${GOODS},\`0.01000,\`0.60%,\`${yuan},\`0.00,\`\r\n`
    })
    yield lines.join('')
  }
  const { rows: stored } = await pool.query(REFUNDED, [refunds])
  for (const { outTradeNo, transactionId, outRefundNo, refundId } of v.parse(refundRows, stored))
    yield `\`2026-11-20 13:00:00,${MERCHANT},\`${transactionId},\`${outTradeNo},\`oDemo000000000000000000User1,\`JSAPI,\`REFUND,\`OTHERS,\`CNY,\`0.00,\`0.00,\`${refundId},\`${outRefundNo},\`0.50,\`0.00,\`ORIGINAL,\`SUCCESS,${GOODS},\`0.00000,\`0.60%,\`0.00,\`0.50,\`\r\n`
  yield `${SUMMARY}\`${rows},\`0.00,\`0.00,\`0.00,\`0.00000,\`0.00,\`0.00\r\n`
}

const { pool, stop } = await createDatabase()
const port = await listen('127.0.0.1', 0)
let bill = new Uint8Array()
port.serve(
  new Hono<{ Bindings: HttpBindings }>()
    .route('/', createNeon({ pool }))
    .all('*', (context) => context.body(bill)),
)
await migrate({ ...demoValues, DATABASE_URL: demoDatabase, NEON_HTTP_ENDPOINT: `${port.url}/sql` })
bill = new Uint8Array(await buffer(Readable.from(writeBill()).pipe(createGzip({ level: 6 }))))
await pool.query('vacuum analyze')
process.send?.({
  url: port.url,
  bytes: bill.byteLength,
  payments,
  wrong: Math.floor(payments / WRONG_EVERY),
})
process.on(
  'disconnect',
  () =>
    void port
      .stop()
      .then(stop)
      .finally(() => process.exit()),
)
