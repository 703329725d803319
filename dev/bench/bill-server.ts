/** A process that serves one bill, compressed once: `node dev/bench/bill-server.ts 1000000`. Tells its parent the URL. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { createGzip } from 'node:zlib'
import { demoValues } from '../world/demo-values.ts'
import { numbersOf, toRefunds, WRONG_EVERY } from './bill-day.ts'

const rows = Number(process.argv[2])
const refunds = toRefunds(rows)
const payments = rows - refunds

const HEADER =
  '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,' +
  '微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n'
const SUMMARY =
  '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n'

const toYuan = (fen: number): string =>
  `${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, '0')}`
const { WECHAT_APPID, WECHAT_MCH_ID } = demoValues

function paymentRow(order: number): string {
  const { outTradeNo, transactionId, totalFee } = numbersOf(order)
  const yuan = toYuan(order % WRONG_EVERY === 0 ? totalFee + 1 : totalFee)
  return `\`2026-11-20 12:00:00,\`${WECHAT_APPID},\`${WECHAT_MCH_ID},\`0,\`WEB,\`${transactionId},\`${outTradeNo},\`oDemo000000000000000000User1,\`JSAPI,\`SUCCESS,\`OTHERS,\`CNY,\`${yuan},\`0.00,\`0,\`0,\`0.00,\`0.00,\`,\`,\`示例商城-咖啡,\`store=1&src=mp,\`0.01000,\`0.60%,\`${yuan},\`0.00,\`\r\n`
}

function refundRow(order: number): string {
  const { outTradeNo, transactionId, outRefundNo, refundId } = numbersOf(order)
  return `\`2026-11-20 13:00:00,\`${WECHAT_APPID},\`${WECHAT_MCH_ID},\`0,\`WEB,\`${transactionId},\`${outTradeNo},\`oDemo000000000000000000User1,\`JSAPI,\`REFUND,\`OTHERS,\`CNY,\`0.00,\`0.00,\`${refundId},\`${outRefundNo},\`0.50,\`0.00,\`ORIGINAL,\`SUCCESS,\`示例商城-咖啡,\`store=1&src=mp,\`0.00000,\`0.60%,\`0.00,\`0.50,\`\r\n`
}

function* bill(): Generator<string> {
  yield HEADER
  for (let order = 1; order <= payments; order += 1) yield paymentRow(order)
  for (let order = 1; order <= refunds; order += 1) yield refundRow(order)
  yield `${SUMMARY}\`${rows},\`0.00,\`0.00,\`0.00,\`0.00000,\`0.00,\`0.00\r\n`
}

const compressed = await buffer(Readable.from(bill()).pipe(createGzip({ level: 6 })))
const server = createServer((_request, response) => void response.end(compressed))
await once(server.listen(0, '127.0.0.1'), 'listening')
const address = server.address()
process.send?.({
  url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
  bytes: compressed.byteLength,
})
process.on('disconnect', () => process.exit())
