/** The merchant's console: the key, and the first screen. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { paymentFacts, paymentMessage } from '../support/messages/messages.ts'
import { openShop, type Shop } from '../support/shop.ts'
import {
  expectAccessible,
  hasChromium,
  openPage,
  PHONE,
  startBrowser,
  takePicture,
  takePictureForReadme,
} from './browser.ts'
import { openConsole } from './open-console.ts'

describe.skipIf(!hasChromium)('the console', () => {
  let shop: Shop
  let browser: Browser
  beforeAll(async () => {
    shop = await openShop()
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await shop.close()
  })

  test('shows nothing without the merchant key, and says in both languages that a key is wrong', async () => {
    const { page, context, errors } = await openPage(browser, `${shop.world.url}/console#orders`)
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.getByLabel('Merchant key').waitFor()
    await expectAccessible(page)
    expect(asked.filter((url) => url.includes('/api/'))).toEqual([])
    await page.getByLabel('Merchant key').fill('a-wrong-key-of-the-same-length-000000000')
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByText('This is not the merchant key.').waitFor()
    await takePicture(page, 'key-en-desktop-light')
    await page.getByRole('button', { name: '中文' }).click()
    await page.getByText('商户密钥不正确。').waitFor()
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
    expect(await page.getByRole('navigation').count()).toBe(0)
    expect(errors).toEqual([])
    await context.close()
  })

  test('forgets the key on reload, and when the page is left', async () => {
    const { page, context, errors } = await openConsole(shop, browser)
    await page.reload()
    await page.getByLabel('Merchant key').waitFor()
    expect(await page.getByLabel('Merchant key').inputValue()).toBe('')

    await page.getByLabel('Merchant key').fill(shop.merchantKey)
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByRole('navigation').waitFor()
    await page.goto('about:blank')
    await page.goBack()
    await page.getByLabel('Merchant key').waitFor()
    expect(errors).toEqual([])
    await context.close()
  })

  test('first shows what waits for a person, and the takings', async () => {
    const nothing = await openConsole(shop, browser)
    await nothing.page.getByText('Nothing waits for a person.').waitFor()
    await nothing.context.close()

    await shop.sell()
    const outTradeNo = await shop.placeOrder(await shop.logIn())
    await shop.notify(
      paymentMessage(shop, outTradeNo, paymentFacts(shop, outTradeNo, { totalFee: 1 })),
    )
    const desktop = await openConsole(shop, browser)
    await desktop.page.getByRole('link', { name: '1 Incident' }).waitFor()
    await desktop.page.getByRole('definition').filter({ hasText: '¥28.00' }).first().waitFor()
    await desktop.page.locator('.plot canvas').waitFor()
    await desktop.page.getByText('Show as a table').click()
    expect(await desktop.page.locator('.plain tbody tr').count()).toBe(30)
    expect(await desktop.page.locator('.plain tbody tr').first().innerText()).toContain('¥28.00\t1')
    await desktop.page.getByText('Show as a table').click()
    await expectAccessible(desktop.page)
    await takePicture(desktop.page, 'overview-en-desktop-light')
    await takePictureForReadme(desktop.page, 'console')
    expect(desktop.errors).toEqual([])
    await desktop.context.close()

    const phone = await openConsole(shop, browser, {
      language: 'zh-CN',
      viewport: PHONE,
      colorScheme: 'dark',
    })
    await phone.page.getByRole('link', { name: '1 未处理的异常' }).waitFor()
    await phone.page.locator('.plot canvas').waitFor()
    await expectAccessible(phone.page)
    await takePicture(phone.page, 'overview-zh-phone-dark')
    expect(phone.errors).toEqual([])
    await phone.context.close()
  })

  test('says that the functions cannot be reached, and tries again', async () => {
    const { page, context } = await openConsole(shop, browser)
    await page.route('**/api/console/overview', (route) => route.abort())
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.getByText('The functions cannot be reached.').waitFor()
    await context.setOffline(true)
    await page.getByText('This browser is offline.').waitFor()
    await context.setOffline(false)
    await page.unroute('**/api/console/overview')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('link', { name: '1 Incident' }).waitFor()
    await context.close()
  })

  test('says that it is loading, and shows a problem of the functions with its text', async () => {
    const { page, context } = await openConsole(shop, browser)
    const answer = Promise.withResolvers<undefined>()
    await page.route('**/api/orders**', async (route) => {
      await answer.promise
      await route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        body: JSON.stringify({ status: 503, code: 'unavailable', detail: 'no answer in 3 s' }),
      })
    })
    await page.getByRole('link', { name: 'Orders', exact: true }).click()
    await page.getByRole('status').filter({ hasText: 'Loading …' }).waitFor()
    await expectAccessible(page)
    answer.resolve(undefined)
    const problem = page.getByRole('alert')
    await problem.getByText('The database does not answer right now.').waitFor()
    await problem.getByText('no answer in 3 s').waitFor()
    await expectAccessible(page)
    await takePicture(page, 'problem-en-desktop-light')
    await page.unroute('**/api/orders**')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.locator('tbody tr').first().waitFor()
    expect(await problem.count()).toBe(0)
    await context.close()
  })

  test('says that a number is unknown, a setting is missing, an answer is no answer, or the browser is offline', async () => {
    const { page, context } = await openConsole(shop, browser, {
      language: 'zh-CN',
      viewport: PHONE,
    })
    await page.evaluate("void (location.hash = 'order/unknown-order')")
    await page.getByText('没有这个订单。').waitFor()
    await page.evaluate("void (location.hash = 'complaint/200000')")
    await page.getByText('部署缺少一项配置。').waitFor()
    await page.route('**/api/orders**', (route) =>
      route.fulfill({ status: 200, contentType: 'text/html', body: '<p>login</p>' }),
    )
    await page.getByRole('link', { name: '订单', exact: true }).click()
    await page.getByText('无法读取返回的内容。').waitFor()
    await context.setOffline(true)
    await page.getByText('浏览器当前处于离线状态。').waitFor()
    await page.getByRole('link', { name: '事件', exact: true }).click()
    await page.getByText('无法连接到服务。').waitFor()
    await expectAccessible(page)
    await takePicture(page, 'offline-zh-phone-light')
    await context.close()
  })
})
