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

  test('keeps the key in no URL, storage, history or page, and forgets it on reload', async () => {
    const { page, context, errors } = await openConsole(shop, browser)
    const urls: string[] = []
    page.on('request', (request) => urls.push(request.url()))
    for (const name of ['Orders', 'Incidents', 'Overview']) {
      await page.getByRole('link', { name, exact: true }).click()
      await page.getByRole('heading', { level: 1 }).waitFor()
    }
    const places = [
      'document.documentElement.outerHTML',
      'location.href',
      'JSON.stringify(history.state)',
      'document.cookie',
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }])',
      'indexedDB.databases().then(JSON.stringify)',
      'caches.keys().then(JSON.stringify)',
      "JSON.stringify(performance.getEntriesByType('resource'))",
      'JSON.stringify(Object.values(window).filter((value) => typeof value === "string"))',
    ]
    const kept = await Promise.all(places.map((place) => page.evaluate(place)))
    expect([...kept, ...urls].join('\n')).not.toContain(shop.merchantKey)
    expect(await context.storageState()).toEqual({ cookies: [], origins: [] })
    expect(urls.length).toBeGreaterThan(0)

    await page.reload()
    await page.getByLabel('Merchant key').waitFor()
    expect(await page.getByLabel('Merchant key').inputValue()).toBe('')

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
})
