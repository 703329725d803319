/**
 * The merchant's console in both languages, on a wide and on a narrow screen, light and dark:
 * every view with something in it, and the actions that a merchant takes most often.
 */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { complain, HOUR_MS, openComplainedShop } from '../support/complaints.ts'
import { paymentFacts, paymentMessage } from '../support/messages/messages.ts'
import type { Shop } from '../support/shop.ts'
import { accepts, answerWith, openReceiver, type Receiver } from '../webhook/receiver.ts'
import { expectAccessible, hasChromium, PHONE, startBrowser, takePicture } from './browser.ts'
import { openConsole } from './open-console.ts'

const english = {
  overview: 'Overview',
  orders: 'Orders',
  shipments: 'Shipments',
  complaints: 'Complaints',
  incidents: 'Incidents',
  events: 'Events',
  bills: 'Bills',
  catalogue: 'Catalogue',
  table: 'Show as a table',
  find: 'Find',
  order: 'Order',
  refund: 'Refund',
  amount: 'Amount in yuan',
  again: 'The same amount again',
  refunded: 'The refund is requested.',
  differs: 'Differs',
  state: 'State',
  parked: 'Given up',
  send: 'Send again',
  handle: 'Mark as handled',
  note: 'What was done',
  replyText: 'Reply to the payer',
  reply: 'Reply',
  accepted: 'WeChat has accepted it.',
} as const

const chinese: Readonly<Record<keyof typeof english, string>> = {
  overview: '总览',
  orders: '订单',
  shipments: '发货',
  complaints: '投诉',
  incidents: '异常',
  events: '事件',
  bills: '对账',
  catalogue: '商品',
  table: '以表格查看',
  find: '查找',
  order: '订单',
  refund: '退款',
  amount: '退款金额（元）',
  again: '再次输入金额',
  refunded: '已申请退款。',
  differs: '有差异',
  state: '状态',
  parked: '已放弃',
  send: '重新发送',
  handle: '标记为已处理',
  note: '处理说明',
  replyText: '回复付款人',
  reply: '回复',
  accepted: '微信已受理。',
}

const DESKTOP = { width: 1280, height: 800 }
const LOOKS = [
  ['en', 'desktop', 'dark'],
  ['zh', 'desktop', 'light'],
  ['en', 'phone', 'light'],
  ['zh', 'phone', 'dark'],
] as const

describe.skipIf(!hasChromium)('the console', () => {
  let shop: Shop
  let receiver: Receiver
  let browser: Browser
  let day = ''
  /** An order and a complaint for each look. */
  const orders: string[] = []
  const complaints: string[] = []

  beforeAll(async () => {
    receiver = await openReceiver()
    shop = await openComplainedShop({
      ORDER_WEBHOOK_URL: receiver.url,
      ORDER_WEBHOOK_SECRET: receiver.secret,
    })
    browser = await startBrowser()
    shop.wechat.tamperBill({ addOrder: { outTradeNo: 'stranger-1', totalFee: 500 } })
    day = new Date(Date.now() + 8 * HOUR_MS).toISOString().slice(0, 10)
    for (let sale = 0; sale < 3; sale += 1) await shop.sell()
    shop.advance(72 * HOUR_MS)
    await shop.call('GET', `/api/cron?bill=${day}`, { token: shop.cronSecret })
    await shop.cron()
    receiver.answer = answerWith(410)
    for (const [index] of LOOKS.entries()) {
      orders.push((await shop.sell()).outTradeNo)
      const { complaintId } = await complain(shop, {
        problemType: 'REFUND',
        detail: `没有收到 ${index}`,
      })
      complaints.push(complaintId)
      const unpaid = await shop.placeOrder(await shop.logIn())
      await shop.notify(paymentMessage(shop, unpaid, paymentFacts(shop, unpaid, { totalFee: 1 })))
    }
    await shop.deliverNotifications()
    await shop.world.settled()
    receiver.answer = accepts
  })
  afterAll(async () => {
    await browser.close()
    await shop.close()
    await receiver.close()
  })

  test.each(LOOKS.map((look, index) => [...look, index] as const))(
    'is complete in %s on a %s, %s',
    async (language, device, colorScheme, index) => {
      const [order = '', complaint = ''] = [orders[index], complaints[index]]
      const words = language === 'en' ? english : chinese
      const { page, context, errors } = await openConsole(shop, browser, {
        language: language === 'en' ? 'en-US' : 'zh-CN',
        viewport: device === 'phone' ? PHONE : DESKTOP,
        colorScheme,
      })
      /** Looks at a view: nothing is wider than the screen, and axe finds nothing. */
      const look = async (name: string) => {
        await expectAccessible(page)
        expect(await widthBeyondScreen(page), name).toBeLessThanOrEqual(0)
        await takePicture(page, `${name}-${language}-${device}-${colorScheme}`)
      }
      const open = async (view: keyof typeof english) => {
        await page.getByRole('link', { name: words[view], exact: true }).click()
        await page.getByRole('heading', { level: 1, name: words[view] }).waitFor()
        await expect.poll(() => page.locator('.loading').count()).toBe(0)
      }

      await page.locator('.plot canvas').waitFor()
      await look('overview')
      await open('orders')
      await page.getByRole('link', { name: order, exact: true }).waitFor()
      await look('orders')
      await open('shipments')
      await page.locator('tbody tr').first().waitFor()
      await look('shipments')
      await open('bills')
      await page.getByText(words.differs, { exact: true }).first().waitFor()
      await look('bills')
      await page.getByRole('link', { name: day }).click()
      await page.getByRole('row').filter({ hasText: 'stranger-1' }).waitFor()
      await look('differences')
      await page.getByRole('switch').check()
      await open('catalogue')
      await look('catalogue')

      await page.getByRole('searchbox').fill(order)
      await page.getByRole('button', { name: words.find }).click()
      await page.getByRole('link', { name: order }).click()
      await page.getByRole('heading', { level: 1, name: words.order }).waitFor()
      await page.locator('summary', { hasText: words.refund }).click()
      await page.getByLabel(words.amount).fill('1.5')
      await page.getByLabel(words.again).fill('1.50')
      await look('order')
      await page.getByRole('button', { name: `${words.refund} ¥1.50` }).click()
      await page.getByText(words.refunded).waitFor()

      await open('incidents')
      await page.getByLabel(words.state).selectOption('open')
      const incident = page
        .getByRole('row')
        .filter({ has: page.locator('.act') })
        .first()
      await incident.locator('summary', { hasText: words.handle }).click()
      const note = `seen ${language} ${device}`
      await incident.getByLabel(words.note).fill(note)
      await look('incidents')
      await incident.getByRole('button', { name: words.handle }).click()
      await page.locator('.act[open]').waitFor({ state: 'detached' })
      await page.getByLabel(words.state).selectOption('handled')
      await page.getByText(note).waitFor()

      await open('events')
      await page.getByLabel(words.state).selectOption('parked')
      const event = page.getByRole('row').filter({ hasText: order })
      await event.waitFor()
      await look('events')
      await event.getByRole('button', { name: words.send }).click()
      await event.waitFor({ state: 'detached' })

      await open('complaints')
      await page.getByRole('link', { name: complaint }).waitFor()
      await look('complaints')
      await page.getByRole('link', { name: complaint }).click()
      await page.getByLabel(words.replyText).fill('您好，已为您补发')
      await look('complaint')
      await page.getByRole('button', { name: words.reply, exact: true }).click()
      await page.getByText(words.accepted).waitFor()

      await open('overview')
      await page.locator('summary', { hasText: words.table }).click()
      await look('takings')
      expect(errors).toEqual([])
      expect(
        await shop.sql('select refund_fee from refunds where out_trade_no = $1', [order]),
      ).toEqual([{ refund_fee: 150 }])
      await context.close()
    },
  )
})

/** By how many pixels the page is wider than the screen. */
const widthBeyondScreen = (page: Page) =>
  page.evaluate('document.documentElement.scrollWidth - innerWidth')
