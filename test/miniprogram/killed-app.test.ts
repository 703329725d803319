/**
 * An app that is killed: each test kills it at every possible point, one run each, and starts it
 * again.
 *
 * A point is everything that reaches or leaves the app: a request, its answer, a login, the
 * cashier, its report, and a write to storage.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Pay } from '../../miniprogram/pay.ts'
import type { Shop } from '../support/shop.ts'
import {
  cancelsAndReports,
  createPhone,
  openShopWithoutNotifications,
  type Phone,
} from './phone.ts'

/** Fifteen devices, each of which starts the app twice. */
const SLOW = { timeout: 60_000 }
const LATTE = [{ sku: 'latte', quantity: 1 }]

let shop: Shop
beforeAll(async () => {
  shop = await openShopWithoutNotifications()
})
afterAll(() => shop.close())

/** Returns one device for each point at which `use` can be killed, and kills it there. */
async function killEverywhere(
  use: (client: Pay, phone: Phone) => Promise<unknown>,
): Promise<readonly Phone[]> {
  let points = 0
  const uninterrupted = createPhone(shop)
  await use(uninterrupted.startMortal(() => (points += 1) > 0).client, uninterrupted)
  return Promise.all(
    Array.from({ length: points }, async (_, point) => {
      const phone = createPhone(shop)
      let left = point
      const { client, dead } = phone.startMortal(() => (left -= 1) >= 0)
      await Promise.race([dead, use(client, phone)])
      return phone
    }),
  )
}
const each = (phones: readonly Phone[], check: (phone: Phone) => Promise<void>) =>
  Promise.all(phones.map(check))

async function states(client: Pay): Promise<readonly string[]> {
  const page = await client.orders()
  return page.ok ? page.value.orders.map(({ tradeState }) => tradeState) : [page.error.code]
}
/** The number of payments that WeChat accepted from this user. */
const payments = ({ openid }: Phone): number =>
  shop.wechat.orders().filter((order) => order.openid === openid && order.payment !== null).length

test('a user who buys the same basket again pays once, for one order', SLOW, async () => {
  const phones = await killEverywhere((client) => client.buy(LATTE))
  // Six writes and openings, three requests with their answers, and one login code.
  expect(phones).toHaveLength(13)
  await each(phones, async (phone) => {
    const next = phone.start()
    expect(await next.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(await states(next)).toEqual(['SUCCESS'])
    expect(payments(phone)).toBe(1)
  })
})

test(
  'the next start finds paid and unpaid orders and pays nothing, and an unpaid order can then be paid',
  SLOW,
  async () => {
    const phones = await killEverywhere((client) => client.buy(LATTE))
    const found: string[] = []
    await each(phones, async (phone) => {
      const before = [payments(phone), phone.cashiers]
      const next = phone.start()
      const outcomes = await next.resume()
      expect([payments(phone), phone.cashiers]).toEqual(before)
      for (const outcome of outcomes) {
        found.push(outcome.state)
        expect(outcome.state).toBe(payments(phone) === 1 ? 'paid' : 'unpaid')
        if (outcome.state === 'unpaid')
          expect(await next.pay(outcome.order.outTradeNo)).toMatchObject({ state: 'paid' })
      }
      expect(await next.resume()).toEqual([])
      expect(payments(phone)).toBe(outcomes.length)
    })
    // Five apps knew their order number. Four of them had opened the cashier.
    expect(found.toSorted()).toEqual(['paid', 'paid', 'paid', 'paid', 'unpaid'])
  },
)

test('a payment that was started from the list of orders is found too', SLOW, async () => {
  const phones = await killEverywhere(async (client, phone) => {
    const outTradeNo = await shop.placeOrder(await shop.logIn(phone.openid))
    return client.pay(outTradeNo)
  })
  const paid = phones.filter((phone) => payments(phone) === 1)
  expect(paid.length).toBeGreaterThan(3)
  await each(paid, async (phone) =>
    expect(await phone.start().resume()).toMatchObject([{ state: 'paid' }]),
  )
})

test('a cancelled purchase can be paid until it expires', async () => {
  const phone = createPhone(shop)
  phone.cashier = cancelsAndReports
  await phone.start().buy(LATTE)
  expect(await phone.start().resume()).toMatchObject([
    { state: 'unpaid', order: { tradeState: 'NOTPAY' } },
  ])
  shop.advance(2 * 3_600_000 + 60_000)
  await shop.cron()
  expect(await phone.start().resume()).toMatchObject([{ state: 'closed' }])
  expect(await phone.start().resume()).toEqual([])
})

test('invalid entries in storage are ignored', async () => {
  const phone = createPhone(shop)
  await phone.start().buy(LATTE)
  for (const key of phone.storage.keys()) phone.storage.set(key, '[{"outTradeNo":7},"x"')
  const next = phone.start()
  expect(await next.resume()).toEqual([])
  expect(await next.buy(LATTE)).toMatchObject({ state: 'paid' })
})
