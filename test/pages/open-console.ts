/** Opens the merchant's console of a shop with its key. */
import type { Browser } from 'playwright-core'
import type { Shop } from '../support/shop.ts'
import { openPage, type Look } from './browser.ts'

export async function openConsole(shop: Shop, browser: Browser, look: Look = {}) {
  const opened = await openPage(browser, `${shop.world.url}/console`, look)
  const isChinese = look.language === 'zh-CN'
  const { page } = opened
  await page.getByLabel(isChinese ? '商户密钥' : 'Merchant key').fill(shop.merchantKey)
  await page.getByRole('button', { name: isChinese ? '打开' : 'Open' }).click()
  await page.getByRole('navigation').waitFor()
  return opened
}
