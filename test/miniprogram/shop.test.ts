/** The sample shop: its types, the consistency of its files, and a purchase in the local world. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Shop } from '../support/shop.ts'
import { inYuan } from '../../miniprogram/money.ts'
import { createPhone, openShopWithoutNotifications, type Phone } from './phone.ts'

const root = resolve(import.meta.dirname, '../../miniprogram')
const read = (name: string): string => readFileSync(join(root, name), 'utf8')
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) =>
  name.replaceAll('\\', '/'),
)

const app = v.parse(
  v.object({
    pages: v.array(v.string()),
    sitemapLocation: v.string(),
    tabBar: v.object({ list: v.array(v.object({ pagePath: v.string(), text: v.string() })) }),
  }),
  JSON.parse(read('app.json')),
)

/** Unclosed elements, and text that is not an element. */
function findUnclosed(wxml: string): readonly string[] {
  const open: string[] = []
  const rest = wxml.replaceAll(
    /<(\/?)([\w-]+)((?:\s+[\w:-]+="[^"]*")*)\s*>/g,
    (_tag, slash: string, name: string) => {
      if (slash === '') open.push(name)
      else if (open.pop() !== name) open.push(`/${name}`)
      return ''
    },
  )
  return [...open, ...(rest.match(/[<>]/g) ?? [])]
}

test('it compiles with the types of Mini Programs, without those of Node or a browser', async () => {
  const tsc = resolve(root, '../node_modules/typescript/bin/tsc')
  const { stdout } = await promisify(execFile)(process.execPath, [
    tsc,
    '-p',
    root,
    '--listFilesOnly',
  ])
  for (const name of files.filter((each) => each.endsWith('.ts')))
    expect(stdout).toContain(`/miniprogram/${name}`)
  expect(stdout).not.toMatch(/@types\/node|lib\.dom/)
  await promisify(execFile)(process.execPath, [tsc, '-p', root])
})

test('the client is one file without imports', () => {
  expect(read('pay.ts')).not.toMatch(/\bimport\b|\brequire\b/)
})

test('every page has its four files and no others, and each tab is a page', () => {
  const parts = app.pages.flatMap((page) =>
    ['json', 'ts', 'wxml', 'wxss'].map((kind) => `${page}.${kind}`),
  )
  expect(files.filter((name) => /^pages\/.*\./.test(name)).toSorted()).toEqual(parts.toSorted())
  for (const { pagePath } of app.tabBar.list) expect(app.pages).toContain(pagePath)
  expect(existsSync(join(root, app.sitemapLocation))).toBe(true)
})

test('the developer tools find the program, compile TypeScript and need no account', () => {
  const project = JSON.parse(read('project.config.json'))
  expect(project).toMatchObject({
    appid: 'touristappid',
    miniprogramRoot: './',
    setting: { useCompilerPlugins: ['typescript'], urlCheck: false },
  })
})

// The compiler of the developer tools strips types and does not change import paths.
test.each(files.filter((name) => name.endsWith('.ts')))(
  '%s imports files by paths that the developer tools can resolve',
  (name) => {
    for (const [, target = ''] of read(name).matchAll(/from '([^']+)'/g)) {
      expect(target).toMatch(/^\.\.?\/[\w/.-]*\/?[\w-]+$/)
      expect(files).toContain(`${join(name, '..', target).replaceAll('\\', '/')}.ts`)
    }
  },
)

test.each([
  [1, '¥0.01'],
  [90, '¥0.90'],
  [2_800, '¥28.00'],
  [1_001_990, '¥10019.90'],
])('%i fen are %s', (fen, text) => {
  expect(inYuan(fen)).toBe(text)
})

describe('against the local world', () => {
  type Data = Record<string, unknown>
  type Page = Record<string, unknown> & { data: Data }
  interface Message {
    readonly title: string
    readonly content?: string
    success?(choice: { confirm: boolean }): void
  }

  let shop: Shop
  let phone: Phone
  let payerConfirms = true
  const pages = new Map<string, Page>()
  const messages: string[] = []

  beforeAll(async () => {
    shop = await openShopWithoutNotifications()
    phone = createPhone(shop)
    const record = ({ title, content = '', success }: Message) => {
      messages.push(`${title} ${content}`.trim())
      success?.({ confirm: payerConfirms })
    }
    phone.start((wx) => {
      vi.stubGlobal('wx', {
        ...wx,
        showModal: record,
        showToast: record,
        stopPullDownRefresh: () => undefined,
      })
      return wx
    })
    for (const page of app.pages) {
      vi.stubGlobal('Page', (options: Page) => {
        pages.set(page, {
          ...options,
          setData: (change: Data) => Object.assign(options.data, change),
        })
      })
      await import(pathToFileURL(join(root, `${page}.ts`)).href)
    }
  })
  afterAll(async () => {
    vi.unstubAllGlobals()
    await shop.close()
  })

  function pageOf(name: string): Page {
    const page = pages.get(name)
    if (page === undefined) throw new Error(`no page ${name}`)
    return page
  }
  /** A tap: calls the handler with the page as `this`, and waits for it. */
  async function tap(name: string, handler: string, dataset: object = {}): Promise<Data> {
    const page = pageOf(name)
    const work = page[handler]
    if (typeof work !== 'function') throw new Error(`no ${handler} in ${name}`)
    await work.call(page, { currentTarget: { dataset } })
    return page.data
  }
  const rowOf = (data: Data) =>
    v.parse(v.object({ rows: v.looseTuple([v.looseObject({ outTradeNo: v.string() })]) }), data)
      .rows[0]

  test.each(app.pages)(
    '%s is well-formed, binds what the page has, and shows what its data has',
    (name) => {
      const wxml = read(`${name}.wxml`)
      expect(findUnclosed(wxml)).toEqual([])
      const page = pageOf(name)
      for (const [, handler = ''] of wxml.matchAll(/bind\w+="(\w+)"/g))
        expect(page).toHaveProperty(handler, expect.any(Function))
      for (const [, expression = ''] of wxml.matchAll(/\{\{(.*?)\}\}/g))
        for (const [variable] of expression
          .replaceAll(/'[^']*'/g, '')
          .matchAll(/(?<![.\w])[a-z]\w*/gi))
          if (variable !== 'item') expect(page.data).toHaveProperty(variable)
    },
  )

  test('a basket of a latte and two cookies is cancelled at the cashier and then paid from the list of orders', async () => {
    const [list, orders] = ['pages/shop/shop', 'pages/orders/orders'] as const
    await tap(list, 'load')
    await tap(list, 'add', { sku: 'latte' })
    for (let count = 0; count < 3; count += 1) await tap(list, 'add', { sku: 'cookie' })
    expect(await tap(list, 'remove', { sku: 'cookie' })).toMatchObject({
      total: 4_600,
      totalText: '¥46.00',
    })

    payerConfirms = false
    expect(await tap(list, 'buy')).toMatchObject({ total: 4_600, isBuying: false })
    expect(messages.splice(0)).toEqual(['模拟收银台 本地环境不会真的扣款', '已取消支付'])
    const row = rowOf(await tap(orders, 'load'))
    expect(row).toMatchObject({ stateText: '待支付', totalText: '¥46.00', isUnpaid: true })

    payerConfirms = true
    const { outTradeNo } = row
    expect(rowOf(await tap(orders, 'refresh', { outTradeNo }))).toEqual(row)
    expect(rowOf(await tap(orders, 'pay', { outTradeNo }))).toMatchObject({
      stateText: '已支付',
      isUnpaid: false,
    })
    expect(messages.splice(0)).toEqual([
      '模拟收银台 本地环境不会真的扣款',
      expect.stringMatching(/^支付成功 .*¥46\.00$/),
    ])
  })

  test('the basket is empty after the payment', async () => {
    expect(await tap('pages/shop/shop', 'buy')).toMatchObject({ total: 0, totalText: '¥0.00' })
    messages.length = 0
  })

  describe('the page of an order', () => {
    const ORDER = 'pages/order/order'
    /** Opens the page as WeChat does, with what follows its path. */
    async function open(query: string): Promise<Data> {
      const page = pageOf(ORDER)
      Object.assign(page.data, { order: null, refunds: [], problem: '' })
      const load = page['onLoad']
      if (typeof load !== 'function') throw new Error('no onLoad')
      await load.call(page, Object.fromEntries(new URLSearchParams(query)))
      return page.data
    }
    async function paidOrder() {
      const token = await shop.logIn(phone.openid)
      const outTradeNo = await shop.placeOrder(token)
      await shop.pay(token, outTradeNo)
      const { transactionId } = await shop.query(token, outTradeNo)
      return { outTradeNo, transactionId: String(transactionId) }
    }
    const paid = (outTradeNo: string) => ({
      problem: '',
      refunds: [],
      order: {
        outTradeNo,
        body: '拿铁',
        totalText: '¥28.00',
        stateText: '已支付',
        receiptText: '待发货',
        isUnpaid: false,
      },
    })

    test('opens by the number of the order alone, and by the numbers that WeChat appends', async () => {
      const { outTradeNo, transactionId } = await paidOrder()
      for (const query of [
        `outTradeNo=${outTradeNo}`,
        `out_trade_no=${outTradeNo}`,
        `merchant_id=1900000109&merchant_trade_no=${outTradeNo}`,
        `transaction_id=${transactionId}`,
      ])
        expect(await open(query)).toMatchObject(paid(outTradeNo))
    })

    test('shows the shipment, the receipt and the refunds', async () => {
      const { outTradeNo } = await paidOrder()
      const asMerchant = { token: shop.merchantKey }
      const items = [{ itemDesc: '拿铁' }]
      await shop.call('POST', '/api/shipping', {
        ...asMerchant,
        body: { outTradeNo, logisticsType: 'self_pickup', items },
      })
      expect(await open(`outTradeNo=${outTradeNo}`)).toMatchObject({
        order: { receiptText: '已发货' },
      })
      shop.wechat.confirmReceipt(outTradeNo)
      shop.advance(3_600_000)
      await shop.cron()
      const body = { outTradeNo, outRefundNo: 'R-of-the-page', refundFee: 800 }
      await shop.call('POST', '/api/refund', { ...asMerchant, body })
      expect(await open(`outTradeNo=${outTradeNo}`)).toMatchObject({
        order: { stateText: '已退款', receiptText: expect.stringMatching(/^已收货 2\d{3}-/) },
        refunds: [{ outRefundNo: 'R-of-the-page', feeText: '¥8.00', statusText: '退款中' }],
      })
    })

    test('lets the buyer pay an unpaid order', async () => {
      const outTradeNo = await shop.placeOrder(await shop.logIn(phone.openid))
      payerConfirms = true
      expect(await open(`outTradeNo=${outTradeNo}`)).toMatchObject({
        order: { stateText: '待支付', isUnpaid: true },
      })
      await tap(ORDER, 'pay')
      expect(pageOf(ORDER).data).toMatchObject(paid(outTradeNo))
      messages.length = 0
    })

    test('shows nothing of the order of another buyer, or without a number', async () => {
      const { outTradeNo } = await shop.sell()
      for (const query of [`outTradeNo=${outTradeNo}`, ''])
        expect(await open(query)).toMatchObject({ order: null, problem: '没有找到这个订单' })
    })
  })

  test('a payment that became known after the user left is shown at the next start', async () => {
    payerConfirms = false
    await tap('pages/shop/shop', 'add', { sku: 'latte' })
    await tap('pages/shop/shop', 'buy')
    const { outTradeNo } = rowOf(await tap('pages/orders/orders', 'load'))
    await shop.pay(await shop.logIn(phone.openid), outTradeNo)
    messages.length = 0
    let launching: unknown
    vi.stubGlobal('App', ({ onLaunch }: { onLaunch(): Promise<void> }) => (launching = onLaunch()))
    await import(pathToFileURL(join(root, 'app.ts')).href)
    await launching
    expect(messages).toEqual(['支付成功 拿铁 ¥28.00'])
  })
})
