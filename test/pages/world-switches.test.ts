/** The switches of the page of the local world, and the row of invariants. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connect } from '../../lib/stores/neon.ts'
import { expectAccessible, hasChromium, PHONE, takePicture } from './browser.ts'
import { openWorld, type WorldInBrowser, type WorldPage } from './world-page.ts'

describe.skipIf(!hasChromium)('the switches of the local world', () => {
  let local: WorldInBrowser
  let shown: WorldPage
  beforeAll(async () => {
    local = await openWorld()
  })
  afterAll(() => local.close())
  beforeEach(async () => {
    shown = await local.open()
  })
  afterEach(async () => {
    expect(shown.errors).toEqual([])
    await shown.close()
  })

  const press = (name: string) => shown.page.getByRole('button', { name, exact: true }).click()
  /** Presses a switch, and waits until the world has it. */
  const turn = async (name: string, to: 'on' | 'off') => {
    await press(name)
    const isPressed = to === 'on'
    await shown.page.getByRole('button', { name, exact: true, pressed: isPressed }).waitFor()
  }
  const notify = async (how: string) => {
    await shown.page.getByLabel('Notifications').selectOption(how)
    await shown.page.locator(`#notifications[data-in-force="${how}"]`).waitFor()
  }
  const buy = async () => {
    await shown.phone.getByRole('button', { name: 'Shop', exact: true }).click()
    await shown.phone.getByRole('button', { name: 'Buy 拿铁 Latte' }).click()
    await shown.page.getByRole('dialog').getByRole('button', { name: 'Pay' }).click()
    await shown.phone.getByText('Payment successful').waitFor()
  }
  const allHold = () => shown.page.getByText('All invariants hold').waitFor({ state: 'attached' })
  const showStores = () => shown.wire.getByLabel('Show Redis and database').check()
  /** Hides what is there, and again if a late message of the test before arrives meanwhile. */
  const onlyLatest = async () => {
    const none = shown.page.getByText(/^0 of \d+ messages$/)
    let isHidden = false
    while (!isHidden) {
      await shown.wire.getByRole('button', { name: 'Hide earlier' }).click()
      isHidden = await none.waitFor({ timeout: 2_000 }).then(
        () => true,
        () => false,
      )
      if (!isHidden) await shown.wire.getByRole('button', { name: 'Show all' }).click()
    }
  }

  test('a lost notification does not lose the payment: a query finds it', async () => {
    await notify('lost')
    await onlyLatest()
    await buy()
    await shown.arrow('orderquery').waitFor()
    await shown.arrow('order.paid').waitFor()
    expect(await shown.arrow('notification of a payment').count()).toBe(0)
    await allHold()
    await notify('as-usual')
  })

  test('a forged amount is refused, and its arrow says why', async () => {
    await notify('forged-amount')
    await onlyLatest()
    await buy()
    await shown.arrow('notification of a payment').click()
    const message = shown.page.getByRole('region', { name: 'Message' })
    await message.getByText('The signature does not hold · HMAC-SHA256').waitFor()
    await message.getByText('<return_code><![CDATA[FAIL]]>').waitFor()
    await message.getByText('Switched on: notifications=forged-amount').waitFor()
    await allHold()
    await takePicture(shown.page, 'world-forged')
    await notify('as-usual')
  })

  test('a wrong signature is refused, and a query finds the payment', async () => {
    await notify('wrong-signature')
    await onlyLatest()
    await buy()
    await shown.arrow('orderquery').waitFor()
    await shown.arrow('notification of a payment').click()
    const message = shown.page.getByRole('region', { name: 'Message' })
    await message.getByText('The signature does not hold · HMAC-SHA256').waitFor()
    await message.getByText('Switched on: notifications=wrong-signature').waitFor()
    await allHold()
    await notify('as-usual')
  })

  test('fifteen notifications of one payment are one order.paid', async () => {
    await notify('fifteen-times')
    await onlyLatest()
    await buy()
    const filter = shown.wire.getByRole('searchbox')
    await filter.fill('notification of a payment')
    await shown.page.getByText(/^15 of \d+ messages$/).waitFor()
    await filter.fill('order.paid')
    await shown.page.getByText(/^1 of \d+ messages$/).waitFor()
    await filter.fill('')
    await allHold()
    await notify('as-usual')
  })

  test('without WeChat the shop names the switch, and a payment works after it', async () => {
    await onlyLatest()
    await turn('WeChat', 'on')
    await shown.phone.getByRole('button', { name: 'Buy 拿铁 Latte' }).click()
    await shown.phone.getByText('The cause is a switch that is on: wechat=down').waitFor()
    await shown.page.locator('.message .arrow.bad').first().waitFor()
    await takePicture(shown.page, 'world-wechat-off')
    await turn('WeChat', 'off')
    await buy()
    await allHold()
  })

  test('an event waits while the receiver hangs, and arrives after it', async () => {
    await turn('Receiver hangs', 'on')
    await onlyLatest()
    await buy()
    await shown.arrow('order.paid').locator('.arrow.open').waitFor()
    await shown.arrow('order.paid').click()
    await shown.page.getByText('Switched on: receiver=hangs').waitFor()
    await turn('Receiver hangs', 'off')
    await press('☀ Tomorrow morning')
    // Cron delivers it, or another run that began when the clock moved.
    await shown.page
      .getByRole('dialog')
      .getByText(/\d+ events? delivered/)
      .waitFor()
    await shown.page.keyboard.press('Escape')
    await shown.arrow('order.paid').locator('.arrow.good').waitFor()
    await allHold()
  })

  test('without Redis a payment takes its way over the database', async () => {
    await turn('Redis', 'on')
    await onlyLatest()
    await showStores()
    await buy()
    await shown.arrow('the lock of a notification').locator('.arrow.bad').waitFor()
    await shown.arrow('writes orders').locator('.arrow.good').waitFor()
    await allHold()
    await takePicture(shown.page, 'world-redis-off')
    await turn('Redis', 'off')
  })

  test('new orders use APIv3 after a switch, and the signatures hold', async () => {
    await turn('APIv3', 'on')
    await onlyLatest()
    await buy()
    await shown.arrow('notification TRANSACTION.SUCCESS').click()
    await shown.page.getByText('The signature holds · SHA256 with RSA').first().waitFor()
    await turn('APIv2', 'on')
  })

  test('the order in the shop is shipped, received and refunded', async () => {
    await buy()
    await press('Show the order')
    await press('Ship')
    await press('Confirm receipt')
    await press('Received')
    await shown.phone.getByText('Paid · Received').waitFor()
    await press('Refund ¥1')
    await shown.phone.getByText('Returned').waitFor()
    await takePicture(shown.page, 'world-refunded')
  })

  test('a notification is sent again, changed and unchanged, and changes nothing', async () => {
    await buy()
    await shown.arrow('notification of a payment').waitFor()
    await press('↻ Send again')
    const dialog = shown.page.getByRole('dialog', { name: 'Send again' })
    await dialog.getByLabel('Change', { exact: true }).selectOption('total_fee')
    await dialog.getByLabel('New value', { exact: true }).fill('1')
    await dialog.getByLabel('Signature', { exact: true }).selectOption('kept')
    await dialog.getByRole('button', { name: 'Send' }).click()
    await dialog.getByText(/refused it, because the signature does not hold/).waitFor()
    await dialog.getByText(/^Answer: 200 .*FAIL/).waitFor()
    await expectAccessible(shown.page)
    await dialog.getByLabel('Signature', { exact: true }).selectOption('right')
    await dialog.getByRole('button', { name: 'Send' }).click()
    await dialog.getByText(/refused it, because it does not agree with the order/).waitFor()
    await dialog.getByLabel('Change', { exact: true }).selectOption('')
    await dialog.getByRole('button', { name: 'Send' }).click()
    await dialog.getByText('The functions acknowledged it.').waitFor()
    await dialog.getByLabel('Signature', { exact: true }).selectOption('wrong')
    await dialog.getByRole('button', { name: 'Send' }).click()
    await dialog.getByText(/refused it, because the signature does not hold/).waitFor()
    await shown.page.keyboard.press('Escape')
    await allHold()
  })

  test('without a database the shop says so, and offers to try again', async () => {
    await turn('Database', 'on')
    await shown.page.reload()
    await shown.phone.getByRole('alert').getByText('database=down').waitFor()
    await takePicture(shown.page, 'world-database-off')
    await turn('Database', 'off')
    await shown.phone.getByRole('button', { name: 'Try again' }).click()
    await shown.phone.getByRole('button', { name: 'Buy 拿铁 Latte' }).waitFor()
  })

  test('tomorrow morning shows the bill, compared, and the next payment works', async () => {
    await buy()
    await press('☀ Tomorrow morning')
    const dialog = shown.page.getByRole('dialog', { name: 'The next morning' })
    await dialog.getByText(/^Compared with the ledger\. .* differences: 0\.$/).waitFor()
    await dialog.getByRole('cell', { name: '拿铁 Latte' }).first().waitFor()
    await expectAccessible(shown.page)
    await takePicture(shown.page, 'world-bill')
    await shown.page.keyboard.press('Escape')
    await buy()
    await allHold()
  })

  test('a narrow screen has them in a view of their own, in Chinese', async () => {
    const narrow = await local.open({ viewport: PHONE, language: 'zh-CN' })
    await narrow.page.getByRole('button', { name: '开关', exact: true }).click()
    await narrow.page.getByLabel('支付通知').waitFor()
    await expectAccessible(narrow.page)
    await takePicture(narrow.page, 'world-switches-zh')
    expect(narrow.errors).toEqual([])
    await narrow.close()
  })

  test('a broken invariant turns red and says what is wrong', async () => {
    await turn('Receiver hangs', 'on')
    await onlyLatest()
    await buy()
    await shown.arrow('order.paid').waitFor()
    const { DATABASE_URL = '', NEON_HTTP_ENDPOINT } = local.world.env
    const sql = connect(DATABASE_URL, NEON_HTTP_ENDPOINT)
    await sql.query('update events set delivered_at = now(), next_attempt_at = null')
    await shown.page.getByRole('button', { name: /1 invariant is broken: Events arrive/ }).click()
    await shown.page.getByText('is marked as delivered, but was not received').waitFor()
    await expectAccessible(shown.page)
    await takePicture(shown.page, 'world-broken')
    await shown.page.keyboard.press('Escape')
    await turn('Receiver hangs', 'off')
  })
})

describe.skipIf(!hasChromium)('a world with a real receiver and nothing on sale', () => {
  let local: WorldInBrowser
  let shown: WorldPage
  beforeAll(async () => {
    local = await openWorld({ ORDER_WEBHOOK_URL: 'http://127.0.0.1:9' }, { isStocked: false })
    shown = await local.open()
  })
  afterAll(() => local.close())

  test('refuses a switch, and the page shows the reason', async () => {
    const { page } = shown
    await page.getByText('Receiver hangs: ORDER_WEBHOOK_URL names a real service').waitFor()
    expect(await page.getByRole('button', { name: 'Receiver hangs' }).isDisabled()).toBe(true)
  })

  test('says that nothing is on sale', async () => {
    await shown.phone.getByText('Nothing is on sale yet.').waitFor()
    await expectAccessible(shown.page)
    await takePicture(shown.page, 'world-empty')
  })

  test('says that it does not answer when it has stopped', async () => {
    await local.world.stop()
    await shown.wire.getByRole('alert').getByText('The local world does not answer.').waitFor()
    await takePicture(shown.page, 'world-stopped')
  })
})
