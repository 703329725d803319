/**
 * An app that is killed: each test kills it at every place there is, one after the other, and starts it again.
 *
 * A place is wherever something reaches the phone or leaves it: a request, its answer, a login, the cashier, what it says, a
 * thing being stored.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Pay } from '../../miniprogram/pay.ts'
import type { Shop } from '../support/shop.ts'
import { cancelsHonestly, createPhone, openQuietShop, type Phone } from './phone.ts'

/** Fifteen phones, each with two lives. */
const SLOW = { timeout: 60_000 }
const LATTE = [{ sku: 'latte', quantity: 1 }]

let shop: Shop
beforeAll(async () => {
  shop = await openQuietShop()
})
afterAll(() => shop.close())

/** A phone for each place at which `use` can be killed, killed there. */
async function killEverywhere(
  use: (client: Pay, phone: Phone) => Promise<unknown>,
): Promise<readonly Phone[]> {
  let places = 0
  const model = createPhone(shop)
  await use(model.startMortal(() => (places += 1) > 0).client, model)
  return Promise.all(
    Array.from({ length: places }, async (_, place) => {
      const phone = createPhone(shop)
      let left = place
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
/** Payments WeChat took from this user. */
const payments = ({ openid }: Phone): number =>
  shop.wechat.orders().filter((order) => order.openid === openid && order.payment !== null).length

test('whoever buys the same again pays once, for one order', SLOW, async () => {
  const phones = await killEverywhere((client) => client.buy(LATTE))
  // Six things are stored or opened, four requests are sent and answered, and one login has its code.
  expect(phones).toHaveLength(15)
  await each(phones, async (phone) => {
    const next = phone.start()
    expect(await next.buy(LATTE)).toMatchObject({ state: 'paid' })
    expect(await states(next)).toEqual(['SUCCESS'])
    expect(payments(phone)).toBe(1)
  })
})

test(
  'the next start finds what was paid and what was not, pays nothing, and the rest is paid as the same order',
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
    // Of those that had learned their order's number, four had been at the cashier and three had not.
    expect(found.toSorted()).toEqual(['paid', 'paid', 'paid', 'paid', 'unpaid', 'unpaid', 'unpaid'])
  },
)

test('a payment from the list of orders is found too', SLOW, async () => {
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

test('a cancelled purchase is still there to be paid, until it has expired', async () => {
  const phone = createPhone(shop)
  phone.cashier = cancelsHonestly
  await phone.start().buy(LATTE)
  expect(await phone.start().resume()).toMatchObject([
    { state: 'unpaid', order: { tradeState: 'NOTPAY' } },
  ])
  shop.advance(2 * 3_600_000 + 60_000)
  await shop.cron()
  expect(await phone.start().resume()).toMatchObject([{ state: 'closed' }])
  expect(await phone.start().resume()).toEqual([])
})

test('what stands in storage and is no payment of ours is left aside', async () => {
  const phone = createPhone(shop)
  await phone.start().buy(LATTE)
  for (const key of phone.storage.keys()) phone.storage.set(key, '[{"outTradeNo":7},"x"')
  const next = phone.start()
  expect(await next.resume()).toEqual([])
  expect(await next.buy(LATTE)).toMatchObject({ state: 'paid' })
})
