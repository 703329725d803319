/** Writes bills in WeChat's format. */
export interface PaymentLine {
  readonly outTradeNo: string
  readonly transactionId: string
  readonly totalFee: number
  readonly feeType?: string
  readonly appid?: string
  readonly tradeState?: string
  readonly body?: string
}

export interface RefundLine extends Pick<PaymentLine, 'outTradeNo' | 'transactionId' | 'appid'> {
  readonly outRefundNo: string
  readonly refundId: string
  readonly refundFee: number
  readonly refundStatus?: string
}

export type BillLine = PaymentLine | RefundLine

export interface BillStyle {
  readonly columns: readonly string[]
  readonly lineEnd: '\r\n' | '\n'
  readonly mark: '' | '\uFEFF'
  /** The count in the summary, if it is not the number of lines. */
  readonly count?: number
}

/** The columns of `bill_type=ALL`, in WeChat's order. */
export const ALL_COLUMNS = (
  '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,' +
  '微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注'
).split(',')

const SUMMARY_COLUMNS = [
  '总交易单数',
  '应结订单总金额',
  '退款总金额',
  '充值券退款总金额',
  '手续费总金额',
  '订单总金额',
  '申请退款总金额',
]

const toYuan = (fen: number): string =>
  `${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, '0')}`

function valuesOf(line: BillLine): Readonly<Record<string, string>> {
  const common = {
    交易时间: '2026-11-20 12:00:00',
    公众账号ID: line.appid ?? 'wx00000000demo0001',
    商户号: '1900000109',
    特约商户号: '0',
    设备号: '',
    微信订单号: line.transactionId,
    商户订单号: line.outTradeNo,
    用户标识: 'oDemo000000000000000000User1',
    交易类型: 'JSAPI',
    付款银行: 'OTHERS',
    手续费: '0.00000',
    费率: '0.60%',
    代金券金额: '0.00',
    充值券退款金额: '0.00',
  }
  if ('outRefundNo' in line) {
    const refundFee = toYuan(line.refundFee)
    return {
      ...common,
      交易状态: 'REFUND',
      货币种类: 'CNY',
      应结订单金额: '0.00',
      订单金额: '0.00',
      微信退款单号: line.refundId,
      商户退款单号: line.outRefundNo,
      退款金额: refundFee,
      申请退款金额: refundFee,
      退款类型: 'ORIGINAL',
      退款状态: line.refundStatus ?? 'SUCCESS',
    }
  }
  const totalFee = toYuan(line.totalFee)
  return {
    ...common,
    交易状态: line.tradeState ?? 'SUCCESS',
    货币种类: line.feeType ?? 'CNY',
    应结订单金额: totalFee,
    订单金额: totalFee,
    微信退款单号: '0',
    商户退款单号: '0',
    退款金额: '0.00',
    申请退款金额: '0.00',
    // WeChat escapes characters that would break the table.
    商品名称: (line.body ?? '拿铁')
      .replaceAll(',', '\\ ')
      .replaceAll('\n', '\\n')
      .replaceAll('\r', ''),
  }
}

export function writeBill(lines: readonly BillLine[], style: Partial<BillStyle> = {}): string {
  const { columns = ALL_COLUMNS, lineEnd = '\r\n', mark = '', count = lines.length } = style
  const rows = lines
    .map(valuesOf)
    .map((values) => columns.map((column) => `\`${values[column] ?? ''}`).join(','))
  const summary = SUMMARY_COLUMNS.map(
    (column) => `\`${column === '总交易单数' ? count : '0.00'}`,
  ).join(',')
  return [mark + columns.join(','), ...rows, SUMMARY_COLUMNS.join(','), summary, ''].join(lineEnd)
}

export const refusal = (returnMsg: string): string =>
  `<xml>\n  <return_code><![CDATA[FAIL]]></return_code>\n  <return_msg><![CDATA[${returnMsg}]]></return_msg>\n  <error_code><![CDATA[20002]]></error_code>\n</xml>`
