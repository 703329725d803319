/** The merchant's console in a real browser, on the functions of a shop. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openShop, type Shop } from '../support/shop.ts'
import {
  DESKTOP,
  expectAccessible,
  hasChromium,
  openPage,
  PHONE,
  startBrowser,
  takePicture,
} from './browser.ts'

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

  test('opens under the Content-Security-Policy of vercel.json, in the language of the browser', async () => {
    const english = await openPage(browser, `${shop.world.url}/console`, { viewport: DESKTOP })
    await english.page.getByRole('heading', { name: 'Console' }).waitFor()
    await english.page.getByRole('button', { name: '中文' }).click()
    await english.page.getByRole('heading', { name: '商户控制台' }).waitFor()
    expect(await english.page.locator('html').getAttribute('lang')).toBe('zh-CN')
    await expectAccessible(english.page)
    await takePicture(english.page, 'console-en')
    expect(english.errors).toEqual([])
    await english.context.close()

    const chinese = await openPage(browser, `${shop.world.url}/console`, {
      language: 'zh-CN',
      viewport: PHONE,
      colorScheme: 'dark',
    })
    await chinese.page.getByRole('heading', { name: '商户控制台' }).waitFor()
    await expectAccessible(chinese.page)
    await takePicture(chinese.page, 'console-zh')
    expect(chinese.errors).toEqual([])
    await chinese.context.close()
  })
})
