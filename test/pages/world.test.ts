/** The page of the local world: a payment by hand, and every message that it causes. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  expectAccessible,
  hasChromium,
  PHONE,
  takePicture,
  takePictureForReadme,
} from './browser.ts'
import { openWorld, type WorldInBrowser } from './world-page.ts'

describe.skipIf(!hasChromium)('the page of the local world', () => {
  let local: WorldInBrowser
  beforeAll(async () => {
    local = await openWorld()
  })
  afterAll(() => local.close())

  test('two clicks pay, and the shop reports success after the server does', async () => {
    const { page, phone, wire, arrow, errors, close } = await local.open()
    await phone.getByRole('button', { name: 'Buy 拿铁 Latte' }).click()
    const cashier = page.getByRole('dialog', { name: 'WeChat Pay' })
    await cashier.getByText('Pay Corner café').waitFor()
    expect(await cashier.locator('.sheet-amount').textContent()).toBe('¥28.00')
    await takePicture(page, 'world-cashier')
    await cashier.getByRole('button', { name: 'Pay' }).click()
    await phone.getByText('Payment successful').waitFor()
    await arrow('order.paid').waitFor()
    await page.getByText('All invariants hold').waitFor({ state: 'attached' })
    await takePictureForReadme(page, 'local-world')
    await arrow('GET /api/query').click()
    const message = page.getByRole('region', { name: 'Message' })
    await message.getByText('"tradeState":"SUCCESS"').waitFor()
    await takePicture(page, 'world-paid')
    expect(await wire.getByRole('listbox').getAttribute('aria-label')).toBe('The wire')
    expect(errors).toEqual([])
    await close()
  })

  test('a cancelled payment keeps the order, which is paid later', async () => {
    const { page, phone, close } = await local.open()
    await phone.getByRole('button', { name: 'Buy 曲奇 Cookie' }).click()
    const cashier = page.getByRole('dialog', { name: 'WeChat Pay' })
    await cashier.getByRole('button', { name: 'Cancel' }).last().click()
    await phone.getByText('Payment cancelled. The order is kept').waitFor()
    await phone.getByRole('button', { name: 'Orders' }).click()
    await phone.getByRole('button', { name: /曲奇 Cookie.*To pay/ }).click()
    await phone.getByRole('button', { name: 'Pay', exact: true }).click()
    await cashier.getByRole('button', { name: 'Pay' }).click()
    await phone.getByText('Payment successful').waitFor()
    await phone.getByRole('button', { name: 'Show the order' }).click()
    await phone.getByText('Paid · To be shipped').waitFor()
    await close()
  })

  test('an arrow shows the signed string, the verdict, and a command that sends it again', async () => {
    const { page, phone, wire, arrow, close } = await local.open()
    // The notifications of earlier payments must not be opened.
    await wire.getByRole('button', { name: 'Hide earlier' }).click()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await phone.getByRole('button', { name: 'Buy 拿铁 Latte' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Pay' }).click()
    await arrow('notification of a payment').click()
    const message = page.getByRole('region', { name: 'Message' })
    await message.getByText('The signature holds · HMAC-SHA256').waitFor()
    await message.getByText(/^appid=.*&total_fee=2800&.*&key=\*\*\*$/).waitFor()
    await message.getByRole('button', { name: 'Copy as TypeScript' }).click()
    await message.getByText('Copied').waitFor()
    const code = String(await page.evaluate('navigator.clipboard.readText()'))
    expect(code).toMatch(
      /^const response = await fetch\("http:.*\/api\/notify", \{\n {2}method: "POST"/,
    )
    await message.getByRole('button', { name: 'Copy as curl' }).click()
    await message.getByText('Copied').last().waitFor()
    const command = String(await page.evaluate('navigator.clipboard.readText()'))
    const { stdout } = await promisify(execFile)('sh', ['-c', command])
    expect(stdout).toBe(
      '<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>',
    )
    await close()
  })

  test('the stores are shown on request, in words, and an opened message has its raw text', async () => {
    const { page, wire, arrow, arrows, close } = await local.open()
    await arrow('GET /api/products').locator('.arrow.good').waitFor()
    expect(await page.getByText('Database', { exact: true }).count()).toBe(1) // the switch
    expect(await arrow('reads products').count()).toBe(0)
    await wire.getByLabel('Show Redis and database').check()
    await arrow('reads products').click()
    const message = page.getByRole('region', { name: 'Message' })
    await message.getByRole('heading', { name: 'reads products' }).waitFor()
    await message
      .getByText('select sku, name, price from products where active order by sku', { exact: true })
      .waitFor()
    expect(await arrows.filter({ hasText: /select|insert|update|EVAL/ }).count()).toBe(0)
    await takePicture(page, 'world-stores')
    await close()
  })

  test('nothing wraps, and the page fits every common screen', async () => {
    const { page, phone, close } = await local.open({ viewport: PHONE })
    await phone.getByRole('button', { name: 'Buy 拿铁 Latte' }).waitFor()
    const sizes = [
      [320, 568],
      [375, 667],
      [390, 844],
      [430, 932],
      [768, 1024],
      [1024, 768],
      [1280, 720],
      [1366, 768],
    ] as const
    for (const [width, height] of sizes) {
      await page.setViewportSize({ width, height })
      const shown = await page.evaluate(
        '[document.documentElement.scrollWidth, document.documentElement.scrollHeight]',
      )
      expect(shown).toEqual([width, height])
      const box = await phone.boundingBox()
      expect((box?.y ?? height) + (box?.height ?? 0)).toBeLessThanOrEqual(height)
      for (const item of await page.locator('nav button, nav a').all())
        expect((await item.boundingBox())?.height ?? 0).toBeLessThan(50)
    }
    await close()
  })

  test('the invariants are one line, and a click opens them in words', async () => {
    const { page, wire, close } = await local.open()
    await wire.waitFor()
    const before = await wire.boundingBox()
    await page.getByRole('button', { name: 'All 7 invariants hold' }).click()
    const dialog = page.getByRole('dialog', { name: 'Invariants' })
    await dialog.getByText('Refunds within payment').waitFor()
    expect(await dialog.getByRole('listitem').count()).toBe(7)
    expect(await wire.boundingBox()).toEqual(before)
    await expectAccessible(page)
    await takePicture(page, 'world-invariants')
    await close()
  })

  test('reload loses no message, and the keyboard reaches each of them', async () => {
    const { page, wire, arrows, close } = await local.open()
    await arrows.first().waitFor()
    const count = async () =>
      Number.parseInt((await wire.getByText(/^\d+ of \d+ messages$/).textContent()) ?? '', 10)
    const before = await count()
    await page.reload()
    await arrows.first().waitFor()
    await expect.poll(count).toBeGreaterThanOrEqual(before)

    const list = page.getByRole('listbox')
    await list.focus()
    await list.press('Home')
    await list.press('Enter')
    const message = page.getByRole('region', { name: 'Message' })
    await message.getByRole('heading', { name: /^(?:GET \/api\/products|wx\.login)$/ }).waitFor()
    await page.keyboard.press('Escape')
    expect(await page.locator(':focus').getAttribute('role')).toBe('listbox')
    await close()
  })

  test('of a thousand messages the document holds the visible ones', async () => {
    const { page, wire, arrow, arrows, close } = await local.open()
    const { UPSTASH_REDIS_REST_URL: url = '', UPSTASH_REDIS_REST_TOKEN: token } = local.world.env
    for (let sent = 0; sent < 1_000; sent += 1)
      await fetch(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify(['PING', `message-${sent}`]),
      }).then((answer) => answer.text())
    await wire.getByLabel('Show Redis and database').check()
    await arrow('PING message-999').waitFor()
    expect(await arrows.count()).toBeLessThan(60)
    await wire.getByRole('searchbox').fill('message-500')
    await arrow('PING message-500').click()
    await page
      .getByRole('region', { name: 'Message' })
      .getByText('["PING","message-500"]')
      .waitFor()
    await close()
  })

  test('it speaks Chinese on a dark and narrow screen, and axe finds nothing serious', async () => {
    const { page, phone, arrows, errors, close } = await local.open({
      language: 'zh-CN',
      viewport: PHONE,
      colorScheme: 'dark',
    })
    await phone.getByRole('button', { name: '购买拿铁 Latte' }).click()
    await page.getByRole('dialog', { name: '微信支付' }).waitFor()
    await expectAccessible(page)
    await takePicture(page, 'world-cashier-zh')
    await page.getByRole('dialog').getByRole('button', { name: '支付' }).click()
    await phone.getByText('支付成功').waitFor()
    await page.getByRole('button', { name: '消息', exact: true }).click()
    await arrows.last().click()
    await expectAccessible(page)
    await takePicture(page, 'world-wire-zh')
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('heading', { name: 'Local world' }).waitFor()
    expect(errors).toEqual([])
    await close()
  })
})
