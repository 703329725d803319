/**
 * Attacks on the merchant's console: reading it without the key, finding the key afterwards, and
 * texts that would be markup or a formula. `test/api/key-guesses.test.ts` guesses keys.
 */
import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { listenToLog, secretsIn } from '../steps/log-lines.ts'
import { complain, openComplainedShop } from '../support/complaints.ts'
import type { Sale, Shop } from '../support/shop.ts'
import { hasChromium, openPage, startBrowser } from './browser.ts'
import { openConsole } from './open-console.ts'

const MARKUP = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
const FORMULA = '=HYPERLINK("http://x","y")'

const navigation = v.object({ entries: v.array(v.object({ url: v.string() })) })

describe.skipIf(!hasChromium)('the console', () => {
  let shop: Shop
  let browser: Browser
  let sale: Sale
  let complaintId = ''
  beforeAll(async () => {
    shop = await openComplainedShop()
    browser = await startBrowser()
    sale = await shop.sell()
    complaintId = (await complain(shop, { detail: MARKUP })).complaintId
    await complain(shop, { detail: FORMULA })
    await shop.deliverNotifications()
    const { outTradeNo } = sale
    await shop.sql(
      `insert into incidents (fingerprint, kind, out_trade_no, expected, received, source, occurred_at, handled_at, note)
       values ('open', $2, $1, '{}', jsonb_build_object('bankType', $2::text), 'query', now(), null, null),
         ('handled', $3, $1, '{}', jsonb_build_object($2::text, $3::text), 'query', now(), now(), $2)`,
      [outTradeNo, MARKUP, FORMULA],
    )
    await shop.sql(
      `insert into refunds (out_refund_no, out_trade_no, refund_fee, refund_desc, created_at, err_code, err_text, parked_at)
       values ('hostile-refund', $1, 100, $2, now(), $3, $2, now())`,
      [outTradeNo, MARKUP, FORMULA],
    )
    await shop.sql(
      `update events set data = json_build_object('outTradeNo', $1::text, 'attach', $2::text), delivered_at = null,
         next_attempt_at = null, history = jsonb_build_array(jsonb_build_object('at', now(), 'code', $3::text))
       where out_trade_no = $1`,
      [outTradeNo, MARKUP, FORMULA],
    )
    const products = [MARKUP, FORMULA].map((name, at) => ({
      sku: `hostile-${at}`,
      name,
      price: 100,
    }))
    await shop.call('PUT', '/api/products', { token: shop.merchantKey, body: { products } })
  })
  afterAll(async () => {
    await browser.close()
    await shop.close()
  })

  const views = (): readonly string[] => [
    'overview',
    'orders',
    'shipments',
    'complaints',
    'incidents',
    'events',
    'bills',
    'catalogue',
    'search',
    `order/${sale.outTradeNo}`,
    `complaint/${complaintId}`,
  ]
  const goTo = async (page: Page, view: string) => {
    await page.evaluate(`void (location.hash = ${JSON.stringify(view)})`)
    await page.locator('main').waitFor()
    await expect.poll(() => page.locator('.loading').count()).toBe(0)
  }

  test('no view asks for anything or shows anything without the key', async () => {
    const { page, context } = await openPage(browser, `${shop.world.url}/console`)
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    for (const view of views()) {
      await goTo(page, view)
      await page.reload()
      await page.getByLabel('Merchant key').waitFor()
      expect(await page.locator('body').innerText(), view).not.toContain(sale.outTradeNo)
      expect(await page.getByRole('navigation').count(), view).toBe(0)
    }
    expect(asked.filter((url) => url.includes('/api/'))).toEqual([])

    await context.close()
    const opened = await openConsole(shop, browser)
    await goTo(opened.page, `order/${sale.outTradeNo}`)
    await opened.page.getByText(sale.transactionId).first().waitFor()
    await opened.page.getByRole('button', { name: 'Lock' }).click()
    await opened.page.getByLabel('Merchant key').waitFor()
    expect(await opened.page.content()).not.toContain(sale.transactionId)
    await opened.context.close()
  })

  test('a walk through every view leaves the key, and what was searched for, nowhere', async () => {
    const log = listenToLog()
    const { page, context, errors } = await openConsole(shop, browser)
    const seen: string[] = []
    page.on('request', (request) => {
      seen.push(request.url(), request.postData() ?? '')
      for (const [name, value] of Object.entries(request.headers()))
        if (name !== 'authorization') seen.push(value)
    })
    page.on('console', (message) => seen.push(message.text()))
    for (const view of views()) await goTo(page, view)
    await page.getByRole('searchbox').fill('13800000000')
    await page.keyboard.press('Enter')
    await page.getByText('Nothing was found.').waitFor()

    const devtools = await context.newCDPSession(page)
    const { entries } = v.parse(navigation, await devtools.send('Page.getNavigationHistory'))
    expect(entries.length).toBeGreaterThan(views().length)
    const places = await Promise.all(
      [
        'document.documentElement.outerHTML',
        '[...document.querySelectorAll("input, textarea")].map((field) => field.value).join()',
        'document.title + document.cookie + document.referrer + name + JSON.stringify(history.state)',
        'JSON.stringify([{ ...localStorage }, { ...sessionStorage }])',
        'indexedDB.databases().then(JSON.stringify)',
        'caches.keys().then(JSON.stringify)',
        'navigator.serviceWorker.getRegistrations().then((all) => all.length)',
        'JSON.stringify(performance.getEntriesByType("resource"))',
      ].map((place) => page.evaluate(place)),
    )
    const kept = [...places.map(String), ...seen, ...entries.map(({ url }) => url)].join('\n')
    expect(kept).not.toContain(shop.merchantKey)
    expect(entries.map(({ url }) => url).join()).not.toContain('13800000000')
    expect(await context.storageState()).toEqual({ cookies: [], origins: [] })
    await shop.world.settled()
    expect(log.length).toBeGreaterThan(views().length)
    expect(secretsIn(shop, log.join('\n'))).toEqual([])
    expect(log.join('\n')).not.toContain('13800000000')
    expect(errors).toEqual([])
    await context.close()
    vi.restoreAllMocks()
  })

  test('hostile texts are text in every view', async () => {
    const { page, context, errors } = await openConsole(shop, browser)
    const dialogs: string[] = []
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message())
      void dialog.dismiss()
    })
    await page.getByRole('switch').check()
    for (const [view, shown] of [
      ['overview', MARKUP],
      ['complaints', MARKUP],
      [`complaint/${complaintId}`, MARKUP],
      ['incidents', MARKUP],
      ['incidents', FORMULA],
      ['events', FORMULA],
      ['catalogue', MARKUP],
      ['catalogue', FORMULA],
      [`order/${sale.outTradeNo}`, MARKUP],
    ] as const) {
      await goTo(page, view)
      await page.getByText(shown, { exact: true }).first().waitFor()
      for (const raw of await page.locator('.raw > summary').all()) await raw.click()
      expect(
        await page.locator('main :is(img, script, iframe, object, form[action])').count(),
      ).toBe(0)
    }
    expect(dialogs).toEqual([])
    expect(errors).toEqual([])
    await context.close()
  })

  test.each(['incidents', 'events', 'complaints', 'catalogue'])(
    'no cell of the CSV file of %s starts a formula',
    async (view) => {
      const { page, context } = await openConsole(shop, browser)
      await goTo(page, view)
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Save as CSV' }).click(),
      ])
      const csv = readFileSync(await file.path(), 'utf8')
      const cells = [...csv.matchAll(/"((?:[^"]|"")*)"/g)].map(([, cell]) => cell ?? '')
      expect(cells).toContainEqual(expect.stringMatching(/^'=HYPERLINK/))
      expect(cells.filter((cell) => /^[=+\-@\t\r]/.test(cell))).toEqual([])
      await context.close()
    },
  )

  test('a key that was guessed too often is told from a wrong one', async () => {
    const { page, context } = await openPage(browser, `${shop.world.url}/console`)
    await page.route('**/api/**', (route) =>
      route.fulfill({
        status: 429,
        contentType: 'application/problem+json',
        body: JSON.stringify({ status: 429, code: 'too_many_requests', detail: 'wait' }),
      }),
    )
    await page.getByLabel('Merchant key').fill(shop.merchantKey)
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByText('Too many attempts. Wait a minute, then try again.').waitFor()
    expect(await page.getByRole('navigation').count()).toBe(0)
    await context.close()
  })
})
