/**
 * One order. WeChat also opens this page, from the buyer's orders (购物订单) and from its messages
 * about shipping, so a number of the order must be enough. To register the page, run `npm run
 * doctor -- --register pages/order/order`.
 */
import { client } from '../../client'
import { describeProblem, showOutcome, showProblem } from '../../messages'
import { inYuan } from '../../money'
import { describeOrder, describeReceipt, describeRefund, showTime } from '../../order-texts'
import type { Order, Refund, Result } from '../../pay'

/** The parameters of this page. The others are those that WeChat appends. */
interface Query {
  readonly outTradeNo?: string
  readonly out_trade_no?: string
  readonly merchant_trade_no?: string
  readonly transaction_id?: string
}

const toCard = (order: Order) => ({
  outTradeNo: order.outTradeNo,
  body: order.body,
  totalText: inYuan(order.totalFee),
  stateText: describeOrder(order),
  receiptText: describeReceipt(order),
  createdAt: showTime(order.createdAt),
  paidAt: order.paidAt === undefined ? '' : showTime(order.paidAt),
  isUnpaid: order.tradeState === 'NOTPAY',
  isToReceive: order.shippingState === 'UPLOADED' && order.confirmedAt === undefined,
})

const toRow = (refund: Refund) => ({
  outRefundNo: refund.outRefundNo,
  feeText: inYuan(refund.refundFee),
  statusText: describeRefund(refund),
})

/** A plain `null` in `data` would have the type `null`. */
const noCard = (): ReturnType<typeof toCard> | null => null
const noRows: readonly ReturnType<typeof toRow>[] = []

/** Some platforms pass parameters without decoding them. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Null if the address names no order. */
async function find(query: Query): Promise<Result<Order> | null> {
  const { transaction_id: transactionId } = query
  const outTradeNo = query.outTradeNo ?? query.out_trade_no ?? query.merchant_trade_no
  if (outTradeNo !== undefined) return client.query(decode(outTradeNo))
  return transactionId === undefined ? null : client.queryPayment(decode(transactionId))
}

const noQuery: Query = {}

Page({
  data: {
    query: noQuery,
    order: noCard(),
    refunds: noRows,
    problem: '',
    isPaying: false,
    isConfirming: false,
  },

  async onLoad(query: Query) {
    this.setData({ query })
    await this.load()
  },

  async onPullDownRefresh() {
    await this.load()
    void wx.stopPullDownRefresh()
  },

  async load() {
    const found = await find(this.data.query)
    if (found === null) {
      this.setData({ problem: '没有找到这个订单' })
      return
    }
    const refunds = found.ok ? await client.refunds(found.value.outTradeNo) : found
    if (found.ok && refunds.ok)
      this.setData({ order: toCard(found.value), refunds: refunds.value.map(toRow), problem: '' })
    else if (!refunds.ok) this.setData({ problem: describeProblem(refunds.error) })
  },

  async pay() {
    const { order } = this.data
    if (order === null) return
    this.setData({ isPaying: true })
    const outcome = await client.pay(order.outTradeNo)
    this.setData({ isPaying: false })
    showOutcome(outcome)
    await this.load()
  },

  async confirmReceipt() {
    const { order } = this.data
    if (order === null) return
    this.setData({ isConfirming: true })
    const receipt = await client.confirmReceipt(order.outTradeNo)
    this.setData({ isConfirming: false })
    if ('problem' in receipt) showProblem(receipt.problem)
    await this.load()
  },
})
