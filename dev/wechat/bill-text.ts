/** A bill as text. Amounts are formatted from digits, without floating-point numbers. */
import { toBeijingText } from './beijing.ts'
import type { BillRow, BillType } from './bill-rows.ts'
import type { Settings } from './settings.ts'
import type { Account } from './simulation.ts'

type Column = readonly [header: string, value: (row: BillRow, account: Account) => string]

const paymentColumns: readonly Column[] = [
  ['交易时间', ({ at }) => toBeijingText(at)],
  ['公众账号ID', (_, { appid }) => appid],
  ['商户号', (_, { mchId }) => mchId],
  ['特约商户号', () => '0'],
  ['设备号', ({ deviceInfo }) => escape(deviceInfo)],
  ['微信订单号', ({ transactionId }) => transactionId],
  ['商户订单号', ({ outTradeNo }) => outTradeNo],
  ['用户标识', ({ openid }) => openid],
  ['交易类型', () => 'JSAPI'],
  ['交易状态', ({ refund }) => (refund === null ? 'SUCCESS' : 'REFUND')],
  ['付款银行', ({ bankType }) => bankType],
  ['货币种类', () => 'CNY'],
  ['应结订单金额', ({ totalFee }) => yuan(totalFee)],
  ['代金券金额', () => yuan(0)],
]

const refundTimes: readonly Column[] = [
  ['退款申请时间', ({ at }) => toBeijingText(at)],
  [
    '退款成功时间',
    ({ refund }) =>
      typeof refund?.succeededAt === 'number' ? toBeijingText(refund.succeededAt) : '',
  ],
]

const refundColumns: readonly Column[] = [
  ['微信退款单号', ({ refund }) => refund?.refundId ?? '0'],
  ['商户退款单号', ({ refund }) => refund?.outRefundNo ?? '0'],
  ['退款金额', ({ refund }) => yuan(refund?.refundFee ?? 0)],
  ['充值券退款金额', () => yuan(0)],
  ['退款类型', ({ refund }) => (refund === null ? '' : 'ORIGINAL')],
  ['退款状态', ({ refund }) => refund?.status ?? ''],
]

const goodsColumns: readonly Column[] = [
  ['商品名称', ({ body }) => escape(body)],
  ['商户数据包', ({ attach }) => escape(attach)],
  ['手续费', ({ totalFee }) => fivePlaces(chargeOf(totalFee))],
  ['费率', () => '0.60%'],
  ['订单金额', ({ totalFee }) => yuan(totalFee)],
]

const requestedRefund: readonly Column[] = [
  ['申请退款金额', ({ refund }) => yuan(refund?.refundFee ?? 0)],
]
const remark: readonly Column[] = [['费率备注', () => '']]

const columns: Readonly<Record<BillType, readonly Column[]>> = {
  ALL: [...paymentColumns, ...refundColumns, ...goodsColumns, ...requestedRefund, ...remark],
  SUCCESS: [...paymentColumns, ...goodsColumns, ...remark],
  REFUND: [
    ...paymentColumns,
    ...refundTimes,
    ...refundColumns,
    ...goodsColumns,
    ...requestedRefund,
    ...remark,
  ],
  RECHARGE_REFUND: [
    ...paymentColumns,
    ...refundTimes,
    ...refundColumns,
    ...goodsColumns,
    ...requestedRefund,
    ...remark,
  ],
}

const SUMMARY =
  '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额'

export function writeBill(
  rows: readonly BillRow[],
  type: BillType,
  account: Account,
  { billLineEnd, billBom }: Settings,
): string {
  const shown = columns[type]
  const lines = [
    shown.map(([header]) => header).join(','),
    ...rows.map((row) => line(shown.map(([, value]) => value(row, account)))),
    SUMMARY,
    line(summaryOf(rows)),
  ]
  const end = billLineEnd === 'CRLF' ? '\r\n' : '\n'
  return `${billBom ? '\uFEFF' : ''}${lines.map((text) => text + end).join('')}`
}

const line = (values: readonly string[]): string => values.map((value) => `\`${value}`).join(',')

function summaryOf(rows: readonly BillRow[]): readonly string[] {
  const sum = (amount: (row: BillRow) => number): number =>
    rows.reduce((total, row) => total + amount(row), 0)
  const paid = yuan(sum(({ totalFee }) => totalFee))
  const refunded = yuan(sum(({ refund }) => refund?.refundFee ?? 0))
  const charged = fivePlaces(sum(({ totalFee }) => chargeOf(totalFee)))
  return [String(rows.length), paid, refunded, yuan(0), charged, paid, refunded]
}

/** So that a text of the merchant cannot end a line or add a field. */
const escape = (text: string): string =>
  text.replaceAll(',', '\\ ').replaceAll(/\r\n|\r|\n/g, '\\n')

function yuan(fen: number): string {
  const digits = String(fen).padStart(3, '0')
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`
}

/** WeChat charges whole fen, and prints the charge to five decimal places. */
const fivePlaces = (fen: number): string => `${yuan(fen)}000`

/** 0.60 % of a payment, rounded to fen. Refunds are not charged. */
const chargeOf = (totalFee: number): number => Math.floor((totalFee * 6 + 500) / 1000)
