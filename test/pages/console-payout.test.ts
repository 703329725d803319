/** The merchant's console: a refund that the payer's card does not accept is paid elsewhere. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openComplainedShop } from '../support/complaints.ts'
import { requestRefund } from '../support/refunds.ts'
import { learnSecret } from '../support/secrets.ts'
import type { Shop } from '../support/shop.ts'
import { expectAccessible, hasChromium, PHONE, startBrowser, takePicture } from './browser.ts'
import { openConsole } from './open-console.ts'

const CARD = '6225 8801 3770 6868'
const CARD_NUMBER = '6225880137706868'
const HOLDER = '阿卜杜拉·买买提江'

describe.skipIf(!hasChromium)('the console', () => {
  let shop: Shop
  let browser: Browser
  beforeAll(async () => {
    shop = await openComplainedShop({ WECHAT_PAY_API: 'v3' })
    browser = await startBrowser()
  })
  afterAll(async () => {
    // From now on they are found in every answer and log line of this file.
    learnSecret('a bank account', CARD_NUMBER)
    learnSecret('the name of a payer', HOLDER)
    await browser.close()
    await shop.close()
  })

  const sellAndChange = async (outRefundNo: string) => {
    const { outTradeNo } = await shop.sell()
    shop.wechat.misbehave({ on: 'refund', do: 'end-as', status: 'CHANGE', times: 1 })
    await requestRefund(shop, outTradeNo, outRefundNo, 1000)
    shop.advance(3_000)
    await shop.deliverNotifications()
    return outTradeNo
  }
  const refundAtWechat = (outRefundNo: string) =>
    shop.wechat.refunds().find((refund) => refund.outRefundNo === outRefundNo)

  test('a refund in CHANGE is paid to a card, after its amount is typed', async () => {
    const outTradeNo = await sellAndChange('R-CONSOLE-1')
    const { page, context, errors } = await openConsole(shop, browser)
    await page.getByRole('link', { name: '1 Refund that needs help' }).waitFor()
    await page.getByRole('link', { name: outTradeNo }).click()
    await page.getByText('To act, switch on “Allow actions” at the top.').waitFor()
    const summary = page.locator('summary', { hasText: 'Pay ¥10.00 to another account' })
    expect(await summary.count()).toBe(0)

    await page.getByRole('switch').check()
    await summary.click()
    const pay = page.getByRole('button', { name: 'Pay out ¥10.00' })
    await page.getByLabel('WeChat’s code for the bank').fill('cmb_debit')
    await page.getByLabel('Card number').fill(CARD)
    await page.getByLabel('Name of the card’s holder').fill(HOLDER)
    await page.getByLabel('Type ¥10.00 to confirm').fill('1')
    await page.getByText('The refund is ¥10.00.').waitFor()
    expect(await pay.isDisabled()).toBe(true)
    await page.getByLabel('Type ¥10.00 to confirm').fill('10')
    await expectAccessible(page)
    await takePicture(page, 'payout-en-desktop-light')
    // The first answer is lost. Sent again, it is paid once.
    await page.route('**/api/refund', async (route) => {
      await route.fetch()
      await route.abort()
    })
    await pay.click()
    await page.getByText('It is not known whether this took effect.').waitFor()
    expect(await page.getByLabel('Card number').isDisabled()).toBe(true)
    await page.unroute('**/api/refund')
    await pay.click()
    await page.getByText('WeChat pays the refund to that account.').waitFor()
    await summary.waitFor({ state: 'detached' })
    expect(refundAtWechat('R-CONSOLE-1')?.paidTo).toBe(`CMB_DEBIT ${CARD_NUMBER} ${HOLDER}`)
    expect(shop.countCalls('apply-abnormal-refund')).toBe(1)
    expect(errors).toEqual([])
    await context.close()
  })

  test('a refund in CHANGE is paid to the merchant, in Chinese on a narrow screen', async () => {
    const outTradeNo = await sellAndChange('R-CONSOLE-2')
    const { page, context, errors } = await openConsole(shop, browser, {
      language: 'zh-CN',
      viewport: PHONE,
    })
    await page.getByRole('link', { name: outTradeNo }).click()
    await page.getByRole('switch').check()
    await page.locator('summary', { hasText: '把 ¥10.00 退到其他账户' }).click()
    await page.getByLabel('退到').selectOption('merchant_bank_card')
    await page.getByLabel('输入 ¥10.00 以确认').fill('10.00')
    await expectAccessible(page)
    await takePicture(page, 'payout-zh-phone-light')
    await page.getByRole('button', { name: '退到该账户 ¥10.00' }).click()
    await page.getByText('微信正在退到该账户').waitFor()
    expect(refundAtWechat('R-CONSOLE-2')?.paidTo).toBe('商户结算账户')
    expect(errors).toEqual([])
    await context.close()
  })
})
