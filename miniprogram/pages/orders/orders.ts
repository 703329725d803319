import { client } from '../../client'
import { describeProblem, showOutcome, showProblem } from '../../messages'
import { inYuan } from '../../money'
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

const stateTexts: Readonly<Record<Order['tradeState'], string>> = {
  NOTPAY: '待支付',
  SUCCESS: '已支付',
  REFUND: '已退款',
  CLOSED: '已关闭',
}

const toRow = ({ outTradeNo, body, totalFee, tradeState, createdAt }: Order): Row => ({
  outTradeNo,
  body,
  totalText: inYuan(totalFee),
  stateText: stateTexts[tradeState],
  createdAt: createdAt.slice(0, 16).replace('T', ' '),
  isUnpaid: tradeState === 'NOTPAY',
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
