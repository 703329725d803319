/** The merchant's console: complaints, bills, and lists without a row. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { complain, HOUR_MS, openComplainedShop } from '../support/complaints.ts'
import type { Shop } from '../support/shop.ts'
import { expectAccessible, hasChromium, startBrowser, takePicture } from './browser.ts'
import { openConsole } from './open-console.ts'

describe.skipIf(!hasChromium)('the console', () => {
  let shop: Shop
  let browser: Browser
  beforeAll(async () => {
    shop = await openComplainedShop()
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await shop.close()
  })

  test('a complaint is answered, its refund decided, and finished', async () => {
    const { complaintId } = await complain(shop, {
      problemType: 'REFUND',
      detail: '<b>没有收到</b>',
    })
    await shop.deliverNotifications()
    const { page, context, errors } = await openConsole(shop, browser)
    await page.getByRole('link', { name: '1 Complaint waiting for a reply' }).click()
    await page.getByText('<b>没有收到</b>').waitFor()
    await page.getByRole('link', { name: complaintId }).click()
    await page.getByRole('heading', { name: `Complaint ${complaintId}` }).waitFor()
    await page.getByRole('switch').check()
    await page.getByLabel('Reply to the payer').fill('您好，已为您补发')
    await expectAccessible(page)
    await takePicture(page, 'complaint-en-desktop-light')
    await page.getByRole('button', { name: 'Reply' }).click()
    await page.getByText('WeChat has accepted it.').waitFor()
    await page.getByText('Answered').waitFor()
    await page.getByText('您好，已为您补发', { exact: true }).waitFor()
    await page.locator('summary', { hasText: 'Approve the refund' }).click()
    await page.getByLabel('Working days until the refund begins').fill('1')
    await page.getByRole('button', { name: 'Approve the refund' }).click()
    await page.getByText('MERCHANT_APPROVE_REFUND', { exact: true }).waitFor()
    await page.locator('summary', { hasText: 'Finish' }).click()
    await page.getByRole('button', { name: 'Finish' }).click()
    await page.getByText('Finished').waitFor()
    const stored = shop.wechat.complaints().find((one) => one.complaintId === complaintId)
    expect(stored).toMatchObject({ decision: 'APPROVE' })
    expect(stored?.history.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['MERCHANT_RESPONSE', 'MERCHANT_CONFIRM_COMPLETE']),
    )
    expect(errors).toEqual([])
    await context.close()
  })

  test('a refund is rejected, and the phone number of the payer is shown on request', async () => {
    const { complaintId } = await complain(shop, { problemType: 'REFUND', phone: '13800001234' })
    await shop.deliverNotifications()
    const { page, context, errors } = await openConsole(shop, browser)
    await page.getByRole('link', { name: 'Complaints', exact: true }).click()
    await page.getByRole('link', { name: complaintId }).click()
    await page.getByRole('heading', { name: `Complaint ${complaintId}` }).waitFor()
    const urls: string[] = []
    page.on('request', (request) => urls.push(request.url()))
    expect(await page.getByText('13800001234').count()).toBe(0)
    await page.getByRole('button', { name: 'Show the phone number' }).click()
    await page.getByText('13800001234', { exact: true }).waitFor()
    expect(urls.join(' ')).not.toContain('13800001234')

    expect(await page.locator('summary', { hasText: 'Reject the refund' }).count()).toBe(0)
    await page.getByRole('switch').check()
    await page.locator('summary', { hasText: 'Reject the refund' }).click()
    const reject = page.getByRole('button', { name: 'Reject the refund' })
    expect(await reject.isDisabled()).toBe(true)
    await page.getByLabel('Reason, shown to the payer').fill('商品已签收')
    await expectAccessible(page)
    await takePicture(page, 'complaint-rejected-en-desktop-light')
    await reject.click()
    await page.getByText('WeChat has accepted it.').waitFor()
    await page.getByText('商品已签收', { exact: true }).waitFor()
    const stored = shop.wechat.complaints().find((one) => one.complaintId === complaintId)
    expect(stored).toMatchObject({ decision: 'REJECT' })
    expect(errors).toEqual([])
    await context.close()
  })

  test('bills, shipments and a search without a result have a state of their own', async () => {
    const { page, context, errors } = await openConsole(shop, browser)
    await page.getByRole('link', { name: 'Bills', exact: true }).click()
    await page.getByText('There is no bill yet.').waitFor()
    await page.getByRole('link', { name: 'Shipments', exact: true }).click()
    await page.getByText('No shipment failed, and none is overdue.').waitFor()
    await expectAccessible(page)
    await page.getByRole('searchbox').fill('13800000000')
    await page.keyboard.press('Enter')
    await page.getByText('Nothing was found.').waitFor()
    expect(page.url()).not.toContain('13800000000')
    expect(errors).toEqual([])
    await context.close()
  })

  test('a bill that differs is listed with its day and its differences', async () => {
    await shop.sell()
    const day = new Date(Date.now() + 8 * HOUR_MS).toISOString().slice(0, 10)
    shop.wechat.tamperBill({ addOrder: { outTradeNo: 'stranger-1', totalFee: 500 } })
    shop.advance(36 * HOUR_MS)
    await shop.call('GET', `/api/cron?bill=${day}`, { token: shop.cronSecret })
    await shop.world.settled()
    const { page, context, errors } = await openConsole(shop, browser)
    await page.getByRole('link', { name: 'Bills', exact: true }).click()
    await page.getByRole('row').filter({ hasText: day }).getByText('Differs').waitFor()
    await expectAccessible(page)
    await takePicture(page, 'bills-en-desktop-light')
    await page.getByRole('link', { name: day }).click()
    await page.getByRole('row').filter({ hasText: 'stranger-1' }).waitFor()
    expect(errors).toEqual([])
    await context.close()
  })

  test('the takings of several days are drawn beside the work that waits', async () => {
    shop.wechat.tamperBill({})
    for (let day = 0; day < 16; day++) {
      shop.advance(24 * HOUR_MS)
      await shop.cron()
      for (let sale = 0; sale <= (day * 7) % 4; sale++) await shop.sell()
    }
    await complain(shop)
    await shop.deliverNotifications()
    const now = Date.now()
    const { page, context, errors } = await openConsole(shop, browser, { now })
    await page.getByRole('link', { name: '1 Complaint waiting for a reply' }).waitFor()
    await page.locator('.plot canvas').waitFor()
    expect(await page.locator('.plain tbody tr', { hasText: '¥112.00' }).count()).toBe(4)
    await expectAccessible(page)
    expect(errors).toEqual([])
    await context.close()
  })

  test('deadlines follow the clock of the server, whatever the computer of the merchant says', async () => {
    await complain(shop)
    await shop.deliverNotifications()
    const wrong = Date.now() - 400 * 24 * HOUR_MS
    const { page, context } = await openConsole(shop, browser, { now: wrong })
    expect(await page.evaluate('Date.now()')).toBeLessThan(wrong + HOUR_MS)
    await page.getByText('first deadline in 23 hours').waitFor()
    await page.getByRole('link', { name: 'Complaints', exact: true }).click()
    await page.getByText('in 23 hours').first().waitFor()
    await context.close()
  })

  test('hundreds of open complaints are shown page by page', async () => {
    const { complaintId } = await complain(shop)
    await shop.deliverNotifications()
    await shop.sql(
      `insert into complaints select (jsonb_populate_record(c, jsonb_build_object('complaint_id', '9' || n))).*
       from complaints c, generate_series(1000, 1119) n where complaint_id = $1`,
      [complaintId],
    )
    const { page, context, errors } = await openConsole(shop, browser)
    await page.getByRole('link', { name: 'Complaints', exact: true }).click()
    const seen = new Set<string>()
    const rows = page.locator('tbody tr')
    for (const count of [50, 50]) {
      await page.getByText(`Page ${seen.size / 50 + 1}`, { exact: true }).waitFor()
      expect(await rows.count()).toBe(count)
      for (const text of await rows.locator('a[href*=complaint]').allTextContents()) seen.add(text)
      await page.getByRole('button', { name: 'Next page' }).click()
    }
    await page.getByText('Page 3', { exact: true }).waitFor()
    expect(await rows.count()).toBeGreaterThan(19)
    expect(await page.getByRole('button', { name: 'Next page' }).isDisabled()).toBe(true)
    expect(seen.size).toBe(100)
    expect(errors).toEqual([])
    await context.close()
  })
})
