/** Doctor compares the pages that WeChat opens for an order. It sets them only if told to. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { v3Variables } from '../support/v3-variables.ts'
import { expectFound } from './doctor-faults/expect-found.ts'
import { orderPage, registering } from './doctor-faults/order-page.ts'
import { openDoctorSetup, type DoctorSetup } from './doctor-setup.ts'

let setup: DoctorSetup
beforeAll(async () => {
  const { WECHAT_PAY_PUBLIC_KEY: _, WECHAT_PAY_PUBLIC_KEY_ID: __, ...certificates } = v3Variables()
  setup = await openDoctorSetup(certificates)
})
afterEach(async () => {
  await setup.recover()
  setup.shop.wechat.changeSettings({ orderCentreAgreed: true })
  setup.shop.wechat.registerComplaintUrl(null)
})
afterAll(() => setup.close())

describe('doctor finds', () => {
  test.each(orderPage)('%s (%s.%s)', (...row) => expectFound(setup, row, 'examine'))
})

describe('doctor --register finds', () => {
  test.each(registering)('%s (%s.%s)', (...row) => expectFound(setup, row, 'register'))
})

test('doctor sets nothing by itself', async () => {
  const before = setup.shop.wechat.messageLog.length
  await setup.examine('order-page')
  const calls = setup.shop.wechat.messageLog
    .slice(before)
    .map(({ method, url }) => `${method} ${url}`)
  expect(calls.filter((call) => /update_order|set_msg_jump|POST .*complaint/.test(call))).toEqual(
    [],
  )
})

test('after --register WeChat opens the page with the number of the order, and with its own numbers', async () => {
  await setup.register('order-page')
  const { outTradeNo, transactionId } = await setup.shop.sell()
  expect(setup.shop.wechat.pagesOf(outTradeNo)).toEqual({
    ofOrders: `pages/order/order?outTradeNo=${outTradeNo}`,
    ofShipping: `pages/order/order?transaction_id=${transactionId}&merchant_id=${setup.env['WECHAT_MCH_ID']}&merchant_trade_no=${outTradeNo}`,
  })
})
