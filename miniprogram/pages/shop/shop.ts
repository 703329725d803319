import { client } from '../../client'
import { describeProblem, showOutcome } from '../../messages'
import { inYuan } from '../../money'
import type { Product } from '../../pay'

interface Line extends Product {
  readonly priceText: string
  readonly quantity: number
}

type SkuTap = WechatMiniprogram.BaseEvent<WechatMiniprogram.IAnyObject, { readonly sku: string }>

/** The largest quantity of a product that one order may have. */
const MAX_QUANTITY = 9_999

const noLines: readonly Line[] = []

Page({
  data: {
    lines: noLines,
    total: 0,
    totalText: inYuan(0),
    problem: '',
    isLoading: true,
    isBuying: false,
  },

  onLoad() {
    void this.load()
  },

  async onPullDownRefresh() {
    await this.load()
    void wx.stopPullDownRefresh()
  },

  async load() {
    const products = await client.products()
    if (!products.ok) {
      this.setData({ problem: describeProblem(products.error), isLoading: false })
      return
    }
    const quantities = new Map(this.data.lines.map(({ sku, quantity }) => [sku, quantity]))
    this.show(
      products.value.map((product) => ({
        ...product,
        priceText: inYuan(product.price),
        quantity: quantities.get(product.sku) ?? 0,
      })),
    )
  },

  show(lines: readonly Line[]) {
    const total = lines.reduce((fen, { price, quantity }) => fen + price * quantity, 0)
    this.setData({ lines, total, totalText: inYuan(total), problem: '', isLoading: false })
  },

  add({ currentTarget }: SkuTap) {
    this.change(currentTarget.dataset.sku, 1)
  },

  remove({ currentTarget }: SkuTap) {
    this.change(currentTarget.dataset.sku, -1)
  },

  change(sku: string, by: number) {
    this.show(
      this.data.lines.map((line) =>
        line.sku === sku
          ? { ...line, quantity: Math.min(MAX_QUANTITY, Math.max(0, line.quantity + by)) }
          : line,
      ),
    )
  },

  async buy() {
    const basket = this.data.lines
      .filter(({ quantity }) => quantity > 0)
      .map(({ sku, quantity }) => ({ sku, quantity }))
    if (basket.length === 0) return
    this.setData({ isBuying: true })
    const outcome = await client.buy(basket)
    this.setData({ isBuying: false })
    if (outcome.state === 'paid')
      this.show(this.data.lines.map((line) => ({ ...line, quantity: 0 })))
    showOutcome(outcome)
  },
})
