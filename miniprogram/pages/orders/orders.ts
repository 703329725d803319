import { client } from '../../client'
import { describeProblem, showOutcome, showProblem } from '../../messages'
import { inYuan } from '../../money'
import { describeOrder, showTime } from '../../order-texts'
import type { Order } from '../../pay'

interface Row {
  readonly outTradeNo: string
  readonly body: string
  readonly totalText: string
  readonly stateText: string
  readonly createdAt: string
  readonly isUnpaid: boolean
}

type OrderTap = WechatMiniprogram.BaseEvent<
  WechatMiniprogram.IAnyObject,
  { readonly outTradeNo: string }
>

const toRow = (order: Order): Row => ({
  outTradeNo: order.outTradeNo,
  body: order.body,
  totalText: inYuan(order.totalFee),
  stateText: describeOrder(order),
  createdAt: showTime(order.createdAt),
  isUnpaid: order.tradeState === 'NOTPAY',
})

const noRows: readonly Row[] = []

Page({
  data: { rows: noRows, nextCursor: '', payingNo: '', problem: '', isLoading: true },

  onShow() {
    void this.load()
  },

  async onPullDownRefresh() {
    await this.load()
    void wx.stopPullDownRefresh()
  },

  async load() {
    const page = await client.orders()
    if (!page.ok) {
      this.setData({ problem: describeProblem(page.error), isLoading: false })
      return
    }
    this.setData({
      rows: page.value.orders.map(toRow),
      nextCursor: page.value.nextCursor ?? '',
      problem: '',
      isLoading: false,
    })
  },

  async loadMore() {
    const page = await client.orders(this.data.nextCursor)
    if (page.ok)
      this.setData({
        rows: [...this.data.rows, ...page.value.orders.map(toRow)],
        nextCursor: page.value.nextCursor ?? '',
      })
    else showProblem(page.error)
  },

  async pay({ currentTarget }: OrderTap) {
    const { outTradeNo } = currentTarget.dataset
    this.setData({ payingNo: outTradeNo })
    const outcome = await client.pay(outTradeNo)
    this.setData({ payingNo: '' })
    showOutcome(outcome)
    await this.load()
  },

  async refresh({ currentTarget }: OrderTap) {
    const order = await client.query(currentTarget.dataset.outTradeNo)
    if (!order.ok) {
      showProblem(order.error)
      return
    }
    const row = toRow(order.value)
    this.setData({
      rows: this.data.rows.map((shown) => (shown.outTradeNo === row.outTradeNo ? row : shown)),
    })
  },
})
