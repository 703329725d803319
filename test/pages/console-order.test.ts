/** The merchant's console: one order, and what a merchant does with it. */
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { paymentFacts, paymentMessage } from '../support/messages/messages.ts'
import { openShop, type Shop } from '../support/shop.ts'
import { answerWith, openReceiver, accepts, type Receiver } from '../webhook/receiver.ts'
import { expectAccessible, hasChromium, PHONE, startBrowser, takePicture } from './browser.ts'
import { openConsole } from './open-console.ts'

describe.skipIf(!hasChromium)('the console', () => {
  let shop: Shop
  let receiver: Receiver
  let browser: Browser
  beforeAll(async () => {
    receiver = await openReceiver()
    shop = await openShop({
      ORDER_WEBHOOK_URL: receiver.url,
      ORDER_WEBHOOK_SECRET: receiver.secret,
    })
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await shop.close()
    await receiver.close()
  })

  const find = async (page: Page, text: string) => {
    await page.getByRole('searchbox').fill(text)
    await page.getByRole('button', { name: /Find|查找/ }).click()
  }
  const allow = (page: Page) => page.getByRole('switch').check()
  const refundsOf = async (outTradeNo: string) =>
    shop.sql('select refund_fee, refund_desc from refunds where out_trade_no = $1', [outTradeNo])

  test('an order is found by its payment number, and refunded with the amount typed twice', async () => {
    const { outTradeNo, transactionId } = await shop.sell()
    const { page, context, errors } = await openConsole(shop, browser)
    await find(page, transactionId)
    await page.getByRole('link', { name: outTradeNo }).click()
    await page.getByRole('heading', { name: `Order ${outTradeNo}` }).waitFor()
    await page.getByText('To act, switch on “Allow actions” at the top.').waitFor()
    expect(await page.getByText('Reason, shown to the payer').count()).toBe(0)
    await expectAccessible(page)

    await allow(page)
    await page.locator('summary', { hasText: 'Refund' }).click()
    await page.getByLabel('Amount in yuan').fill('7.5')
    await page.getByLabel('The same amount again').fill('7')
    await page.getByText('The two amounts differ.').waitFor()
    expect(await page.getByRole('button', { name: 'Refund ¥7.50' }).isDisabled()).toBe(true)
    await page.getByLabel('The same amount again').fill('7.50')
    await page.getByLabel('Reason, shown to the payer').fill('少一杯')
    await expectAccessible(page)
    await takePicture(page, 'order-en-desktop-light')
    await page.getByRole('button', { name: 'Refund ¥7.50' }).click()
    await page.getByText('The refund is requested.').waitFor()
    await page.getByText('Refund accepted by WeChat').waitFor()
    expect(await refundsOf(outTradeNo)).toEqual([{ refund_fee: 750, refund_desc: '少一杯' }])
    expect(errors).toEqual([])
    await context.close()
  })

  test('a refund whose answer is lost can only be sent again as it was, and is paid once', async () => {
    const { outTradeNo } = await shop.sell()
    const { page, context } = await openConsole(shop, browser)
    await find(page, outTradeNo)
    await page.getByRole('link', { name: outTradeNo }).click()
    await allow(page)
    await page.locator('summary', { hasText: 'Refund' }).click()
    await page.getByLabel('Amount in yuan').fill('1')
    await page.getByLabel('The same amount again').fill('1')
    await page.route('**/api/refund', async (route) => {
      await route.fetch()
      await route.abort()
    })
    await page.getByRole('button', { name: 'Refund ¥1.00' }).click()
    await page.getByText('It is not known whether this took effect.').waitFor()
    expect(await page.getByLabel('Amount in yuan').isDisabled()).toBe(true)
    await page.unroute('**/api/refund')
    await page.getByRole('button', { name: 'Refund ¥1.00' }).click()
    await page.getByText('The refund is requested.').waitFor()
    expect(await refundsOf(outTradeNo)).toMatchObject([{ refund_fee: 100 }])
    await context.close()
  })

  test('an order is shipped and closed, and WeChat is asked about one, in Chinese on a narrow screen', async () => {
    const { outTradeNo } = await shop.sell()
    const unpaid = await shop.placeOrder(await shop.logIn())
    const { page, context, errors } = await openConsole(shop, browser, {
      language: 'zh-CN',
      viewport: PHONE,
      colorScheme: 'dark',
    })
    await page.getByRole('link', { name: '订单', exact: true }).click()
    await page.getByRole('link', { name: outTradeNo }).waitFor()
    await expectAccessible(page)
    await takePicture(page, 'orders-zh-phone-dark')
    await page.getByRole('link', { name: outTradeNo }).click()
    await allow(page)
    await page.locator('summary', { hasText: '发货' }).click()
    await page.getByLabel('配送方式').selectOption('express')
    await page.getByLabel('快递单号').fill('SF1234567890')
    await page.getByLabel('快递公司编码').fill('SF')
    await page.getByLabel('收件人手机号').fill('189****1234')
    await expectAccessible(page)
    await takePicture(page, 'order-zh-phone-dark')
    await page.getByRole('button', { name: '发货', exact: true }).click()
    await page.getByText('发货信息已保存并上报微信。').waitFor()
    await page.getByText('已向微信上报发货').waitFor()
    await page.getByRole('button', { name: '向微信查询' }).click()
    await page.getByText('已向微信查询。').waitFor()

    await find(page, unpaid)
    await page.getByRole('link', { name: unpaid }).click()
    await page.locator('summary', { hasText: '关闭订单' }).click()
    await page.getByRole('button', { name: '关闭订单' }).click()
    await page.getByText('订单已关闭。').waitFor()
    expect(
      await shop.sql('select trade_state from orders where out_trade_no = $1', [unpaid]),
    ).toEqual([{ trade_state: 'CLOSED' }])
    expect(errors).toEqual([])
    await context.close()
  })

  test('parcels are sent together and in several requests, until one is the last', async () => {
    const { outTradeNo } = await shop.sell()
    const { page, context, errors } = await openConsole(shop, browser, { viewport: PHONE })
    await find(page, outTradeNo)
    await page.getByRole('link', { name: outTradeNo }).click()
    await allow(page)
    await page.locator('summary', { hasText: 'Ship' }).click()
    const pack = async (index: number, trackingNo: string) => {
      await page.getByLabel('Tracking number').nth(index).fill(trackingNo)
      await page.getByLabel('WeChat’s code for the carrier').nth(index).fill('ZTO')
    }
    const ship = page.getByRole('button', { name: 'Ship', exact: true })
    const atWechat = () =>
      shop.wechat.shipments().find((shipment) => shipment.outTradeNo === outTradeNo)
    const parcels = () => atWechat()?.parcels.map(({ trackingNo }) => trackingNo)

    await pack(0, 'A 1001')
    await page.getByRole('button', { name: 'Add a parcel' }).click()
    expect(await ship.isDisabled()).toBe(true)
    await pack(1, 'A1002')
    await page.getByRole('button', { name: 'Add a parcel' }).click()
    await page
      .getByRole('group', { name: 'Parcel 3' })
      .getByRole('button', { name: 'Remove' })
      .click()
    await page.getByLabel('No further parcels follow').uncheck()
    await expectAccessible(page)
    await takePicture(page, 'parcels-en-phone-light')
    await ship.click()
    await page.getByText('The shipment is stored and reported to WeChat.').waitFor()
    await page.getByText('WeChat has some parcels of this order.').waitFor()
    expect(parcels()).toEqual(['A1001', 'A1002'])
    expect(atWechat()).toMatchObject({ finished: false })

    await pack(0, 'A1003')
    await page.getByLabel('No further parcels follow').check()
    await ship.click()
    await page.getByText('WeChat has the complete shipment of this order.').waitFor()
    expect(parcels()).toEqual(['A1001', 'A1002', 'A1003'])
    expect(atWechat()).toMatchObject({ finished: true, changed: false })
    expect(errors).toEqual([])
    await context.close()
  })

  test('a timeline of a thousand entries is shown page by page', async () => {
    const { outTradeNo } = await shop.sell()
    await shop.sql(
      `update events set history = (
         select jsonb_agg(jsonb_build_object('at', now() + n * interval '1 second', 'code', 'try-' || n))
         from generate_series(1, 1000) n)
       where out_trade_no = $1`,
      [outTradeNo],
    )
    const { page, context, errors } = await openConsole(shop, browser)
    await find(page, outTradeNo)
    await page.getByRole('link', { name: outTradeNo }).click()
    const entries = page.locator('.timeline > li')
    await entries.first().waitFor()
    expect(await entries.count()).toBe(50)
    const range = page.getByText(/^\d+ to \d+ of \d+$/)
    const total = Number(/\d+$/.exec(await range.innerText())?.[0])
    expect(total).toBeGreaterThan(1_000)

    await page.getByRole('button', { name: 'Later', exact: true }).click()
    await page.getByText(`51 to 100 of ${total}`).waitFor()
    expect(await entries.count()).toBe(50)
    const heading = page.getByRole('heading', { name: 'Timeline' })
    await expect.poll(() => isOnScreen(heading)).toBe(true)
    expect(await isOnScreen(range)).toBe(false)
    await page.mouse.wheel(0, 100_000)
    await expect.poll(() => isOnScreen(range)).toBe(true)

    await page.getByRole('button', { name: 'Latest' }).click()
    await page.getByText('try-1000', { exact: true }).waitFor()
    expect(await entries.count()).toBeLessThanOrEqual(50)
    await expectAccessible(page)
    expect(await page.locator('*').count()).toBeLessThan(2_000)
    expect(errors).toEqual([])
    await context.close()
  })

  test('an incident is marked as handled, with a note', async () => {
    const outTradeNo = await shop.placeOrder(await shop.logIn())
    await shop.notify(
      paymentMessage(shop, outTradeNo, paymentFacts(shop, outTradeNo, { totalFee: 1 })),
    )
    await shop.world.settled()
    const { page, context, errors } = await openConsole(shop, browser)
    await page.getByRole('link', { name: '1 Incident' }).click()
    await page.getByRole('cell', { name: 'Amount ¥28.00' }).waitFor()
    await allow(page)
    await page.locator('summary', { hasText: 'Mark as handled' }).click()
    await page.getByLabel('What was done').fill('checked with WeChat')
    await expectAccessible(page)
    await takePicture(page, 'incidents-en-desktop-light')
    await page.getByRole('button', { name: 'Mark as handled' }).click()
    await page.getByText('No incident matches the filter.').waitFor()
    await page.getByLabel('State').selectOption('handled')
    await page.getByText('checked with WeChat').waitFor()
    expect(await shop.sql('select note from incidents')).toEqual([{ note: 'checked with WeChat' }])
    expect(errors).toEqual([])
    await context.close()
  })

  test('an event that was given up is sent again', async () => {
    receiver.answer = answerWith(410)
    const { outTradeNo } = await shop.sell()
    await shop.world.settled()
    const { page, context, errors } = await openConsole(shop, browser)
    await page.getByRole('link', { name: 'Events', exact: true }).click()
    await page.getByLabel('State').selectOption('parked')
    await page.getByRole('row').filter({ hasText: outTradeNo }).waitFor()
    await allow(page)
    receiver.answer = accepts
    receiver.deliveries.length = 0
    await expectAccessible(page)
    await takePicture(page, 'events-en-desktop-light')
    const row = page.getByRole('row').filter({ hasText: outTradeNo })
    await row.getByRole('button', { name: 'Send again' }).click()
    await row.waitFor({ state: 'detached' })
    await shop.world.settled()
    expect(receiver.deliveries).toHaveLength(1)
    expect(errors).toEqual([])
    await context.close()
  })
})

const isOnScreen = (element: Locator) =>
  element.evaluate((shown: { getBoundingClientRect(): { top: number; bottom: number } }) => {
    const { top, bottom } = shown.getBoundingClientRect()
    return bottom > 0 && top < Number(Reflect.get(globalThis, 'innerHeight'))
  })
