/** The merchant's console: lists, CSV files and the catalogue. */
import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOUR_MS } from '../support/complaints.ts'
import { openShop, type Shop } from '../support/shop.ts'
import { expectAccessible, hasChromium, PHONE, startBrowser, takePicture } from './browser.ts'
import { openConsole } from './open-console.ts'

/** Texts that would be markup, a script or a formula if they were not shown as text. */
const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)</script>',
  '=HYPERLINK("http://x","y")',
  '+1+1',
  '-2+3',
  '@SUM(A1)',
] as const

/** More than the CSV file reads in one call. */
const MANY = 105

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

  const placePriced = async (body: string, outTradeNo: string) => {
    const { status, text } = await shop.call('POST', '/api/orders', {
      token: shop.merchantKey,
      body: {
        openid: 'oHostile_Payer_00000000000001',
        totalFee: 100,
        body,
        attach: body,
        outTradeNo,
      },
    })
    expect(status, text).toBe(201)
  }
  const save = async (page: Page): Promise<string> => {
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as CSV' }).click(),
    ])
    return readFileSync(await file.path(), 'utf8')
  }

  test('hostile texts of an order are text on every page, and start no formula in the CSV file', async () => {
    for (const [at, text] of HOSTILE.entries()) await placePriced(text, `hostile-${at}`)
    const { page, context, errors } = await openConsole(shop, browser)
    const opened: string[] = []
    page.on('dialog', (dialog) => {
      opened.push(dialog.message())
      void dialog.dismiss()
    })
    await page.getByRole('link', { name: 'Orders', exact: true }).click()
    for (const text of HOSTILE) await page.getByRole('cell', { name: text, exact: true }).waitFor()
    const csv = await save(page)
    const cells = [...csv.matchAll(/"((?:[^"]|"")*)"/g)].map(([, cell]) => cell ?? '')
    expect(csv.startsWith('\uFEFF"Order","State","Amount"')).toBe(true)
    expect(csv.trimEnd().split('\r\n')).toHaveLength(1 + HOSTILE.length)
    expect(cells.filter((cell) => /^[=+\-@\t\r]/.test(cell))).toEqual([])
    expect(cells).toEqual(
      expect.arrayContaining(['\'=HYPERLINK(""http://x"",""y"")', "'+1+1", "'-2+3", "'@SUM(A1)"]),
    )

    await page.getByRole('link', { name: 'hostile-0', exact: true }).click()
    await page.getByRole('definition').filter({ hasText: HOSTILE[0] }).first().waitFor()
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(opened).toEqual([])
    expect(errors).toEqual([])
    await context.close()
  })

  test('a long list is shown page by page, filtered by state and day, and saved as a whole', async () => {
    for (let at = 0; at < MANY; at++) await placePriced('n', `many-${String(at).padStart(4, '0')}`)
    const day = new Date(Date.now() + 8 * HOUR_MS).toISOString().slice(0, 10)
    const { page, context, errors } = await openConsole(shop, browser)
    await page.getByRole('link', { name: 'Orders', exact: true }).click()
    await page.getByLabel('State').selectOption('NOTPAY')
    await page.getByLabel('From').fill(day)
    await page.getByLabel('to', { exact: true }).fill(day)
    await page.getByRole('link', { name: 'many-0104' }).waitFor()
    expect(await page.locator('tbody tr').count()).toBe(50)
    await page.getByRole('button', { name: 'Next page' }).click()
    await page.getByRole('link', { name: 'many-0054' }).waitFor()
    expect(await page.locator('tbody tr').count()).toBe(50)
    await page.getByRole('button', { name: 'Previous page' }).click()
    await page.getByRole('link', { name: 'many-0104' }).waitFor()
    await takePicture(page, 'orders-en-desktop-light')
    const csv = await save(page)
    await page.getByText(`${MANY + HOSTILE.length} rows saved.`).waitFor()
    expect(csv.trimEnd().split('\r\n')).toHaveLength(1 + MANY + HOSTILE.length)
    expect(errors).toEqual([])
    await context.close()
  })

  test('a product is added, changed and taken off sale, in Chinese on a narrow screen', async () => {
    const { page, context, errors } = await openConsole(shop, browser, {
      language: 'zh-CN',
      viewport: PHONE,
    })
    await page.getByRole('link', { name: '商品', exact: true }).click()
    await page.getByRole('switch').check()
    await page.getByLabel('商品编号（sku）').fill('mocha')
    await page.getByLabel('名称').fill('摩卡')
    await page.getByLabel('价格（元）').fill('30.5')
    await expectAccessible(page)
    await takePicture(page, 'catalogue-zh-phone-light')
    await page.getByRole('button', { name: '保存' }).click()
    const row = page.getByRole('row').filter({ hasText: 'mocha' })
    await row.getByRole('button', { name: '下架' }).click()
    await row.getByText('已下架').waitFor()
    const { json } = await shop.call('GET', '/api/products', { token: shop.merchantKey })
    expect(json['products']).toContainEqual({
      sku: 'mocha',
      name: '摩卡',
      price: 3_050,
      active: false,
    })
    expect(errors).toEqual([])
    await context.close()
  })
})
