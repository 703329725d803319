/** Nothing is retried for ever: what WeChat does not accept, or does not finish, is left to a person after a while. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { listenToLog } from './log-lines.ts'
import { askForRefund, paidOrder, refundBooks } from '../support/refund-desk.ts'
import { openShop, type Shop } from '../support/shop.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let shop: Shop
let lines: string[]
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())

/** A paid latte, 2800 fen, and a refund of 1000 of it. */
let order = ''
let number = ''
let count = 0
beforeEach(async () => {
  lines = listenToLog()
  order = await paidOrder(shop)
  number = `R-PARKED-${(count += 1)}`
})
afterEach(() => {
  shop.wechat.clearFaults()
  shop.wechat.changeSettings({ refundMs: 3_000 })
  shop.wechat.setBalance(null)
  vi.restoreAllMocks()
})
const ask = () => askForRefund(shop, order, number, 1000)
const books = () => refundBooks(shop, order)
const sent = () =>
  shop.wechat.messageLog.filter(
    ({ url, request }) => url.includes('/secapi/') && request.includes(`[${number}]`),
  ).length
const askedAbout = () =>
  shop.wechat.messageLog.filter(
    ({ url, request }) => url.includes('/pay/refundquery') && request.includes(`[${number}]`),
  ).length
async function cronFor(days: number): Promise<void> {
  for (let hours = 0; hours < days * 24; hours += 12) {
    shop.advance(12 * HOUR_MS)
    await shop.cron()
  }
}

describe('a refund that WeChat does not accept', () => {
  test('for a week is left to a person: its claim stays, the merchant hears of it once, and it is not sent again', async () => {
    shop.wechat.misbehave({
      on: 'refund',
      do: 'err-code',
      errCode: 'A_CODE_NOBODY_KNOWS',
      errCodeDes: '业务错误',
    })
    await ask()
    await cronFor(7)
    expect(await books()).toBe('SUCCESS 1000/0: PROCESSING')
    await cronFor(1)
    expect(await books()).toBe('SUCCESS 1000/0: PROCESSING; refund.needs_attention')
    const told = shop.world.events.filter(
      ({ body }) => body.includes('"refund.needs_attention"') && body.includes(`"${number}"`),
    )
    expect(
      told.map(({ body }) => /"errCode":"A_CODE_NOBODY_KNOWS","errText":"业务错误"/.test(body)),
    ).toEqual([true])
    expect(
      lines.filter((line) => line.includes('"refund_parked"') && line.includes(number)),
    ).toHaveLength(1)
    const before = sent()
    await cronFor(10)
    expect([sent() - before, await books()]).toEqual([
      0,
      'SUCCESS 1000/0: PROCESSING; refund.needs_attention',
    ])
  })

  test('and was left to a person is tried again when the merchant sends the same request again, and by itself from then on', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode: 'A_CODE_NOBODY_KNOWS' })
    await ask()
    await cronFor(8)
    const before = sent()
    expect(await ask()).toEqual([202, 'PROCESSING'])
    expect(sent() - before).toBe(1)
    shop.wechat.clearFaults()
    await cronFor(1)
    expect(await books()).toBe(
      'REFUND 1000/1000: SUCCESS; refund.needs_attention; refund.succeeded',
    )
  })

  test('because WeChat does not answer at all, is left to a person, too', async () => {
    shop.wechat.misbehave({ on: 'refundquery', do: 'http-500' })
    shop.wechat.misbehave({ on: 'refund', do: 'http-500' })
    expect(await ask()).toEqual([503, 'wechat_unknown'])
    await cronFor(8)
    expect(await books()).toBe('SUCCESS 1000/0: PROCESSING; refund.needs_attention')
  })
})

describe('a parked refund beside one made in the merchant console', () => {
  const park = async (numbers: readonly string[], fee: number) => {
    shop.wechat.setBalance(0)
    for (const one of numbers)
      expect(await askForRefund(shop, order, one, fee)).toEqual([202, 'PROCESSING'])
    await cronFor(8)
    expect(
      await shop.sql('select from refunds where parked_at is not null and out_trade_no = $1', [
        order,
      ]),
    ).toHaveLength(numbers.length)
    shop.wechat.setBalance(null)
  }
  const consoleRefund = async (fee: number) => {
    shop.wechat.refundInConsole(order, fee, 'reported')
    for (const ms of [15_000, 60_000]) {
      shop.advance(ms)
      await shop.deliverNotifications()
    }
  }

  test('is not sent, although there is money for it now', async () => {
    await park([`${number}-1`, `${number}-2`], 1400)
    const before = shop.wechat.messageLog.filter(({ url }) => url.includes('/secapi/')).length
    await consoleRefund(1300)
    await cronFor(2)
    expect(shop.wechat.messageLog.filter(({ url }) => url.includes('/secapi/'))).toHaveLength(
      before,
    )
    const made = shop.wechat.refunds().filter((one) => one.outTradeNo === order)
    expect(made.map(({ refundFee }) => refundFee)).toEqual([1300])
  })

  test('is closed without being sent once that one leaves too little, and its claim is free', async () => {
    await park([number], 2800)
    const before = sent()
    await consoleRefund(2800)
    expect(sent()).toBe(before)
    expect(await books()).toMatch(
      /^REFUND 2800\/2800: .*REFUNDCLOSE.*; refund.failed; refund.succeeded$/,
    )
  })
})

describe('a refund that WeChat has taken and does not end', () => {
  test('is left to a person after 15 days, and asked about again when the merchant sends the same request again', async () => {
    shop.wechat.changeSettings({ refundMs: 40 * DAY_MS })
    expect(await ask()).toEqual([202, 'PROCESSING'])
    await cronFor(15)
    expect(await books()).toBe('REFUND 1000/0: PROCESSING')
    await cronFor(1)
    expect(await books()).toBe('REFUND 1000/0: PROCESSING; refund.needs_attention')
    const before = askedAbout()
    await cronFor(1)
    expect(askedAbout() - before).toBe(0)
    shop.advance(25 * DAY_MS)
    expect(await ask()).toEqual([202, 'SUCCESS'])
    expect(await books()).toBe(
      'REFUND 1000/1000: SUCCESS; refund.needs_attention; refund.succeeded',
    )
  })

  test('ends all the same when WeChat reports it', async () => {
    shop.wechat.changeSettings({ refundMs: 20 * DAY_MS })
    await ask()
    await cronFor(16)
    shop.advance(5 * DAY_MS)
    await shop.deliverNotifications()
    expect(await books()).toBe(
      'REFUND 1000/1000: SUCCESS; refund.needs_attention; refund.succeeded',
    )
  })

  test('because the payer’s card refuses the money is asked about for 15 days, and sends an event at the end of each wait', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'end-as', status: 'CHANGE', times: 1 })
    shop.wechat.misbehave({ on: 'notify', do: 'drop' })
    await ask()
    await cronFor(16)
    const before = askedAbout()
    await cronFor(1)
    expect([askedAbout() - before, await books()]).toEqual([
      0,
      'REFUND 1000/0: CHANGE; refund.needs_attention; refund.needs_attention',
    ])
    // The merchant's next request resumes the retries, so the merchant has to hear of their end as well.
    expect(await ask()).toEqual([202, 'CHANGE'])
    await cronFor(17)
    expect(await books()).toBe(`REFUND 1000/0: CHANGE${'; refund.needs_attention'.repeat(3)}`)
  })
})

test('an order whose refunds WeChat does not list, after one of them was closed, is for a person after 15 days', async () => {
  shop.wechat.misbehave({ on: 'refund', do: 'end-as', status: 'REFUNDCLOSE', times: 1 })
  await ask()
  shop.advance(3_000)
  await shop.deliverNotifications()
  expect(await books()).toBe('REFUND 0/0: REFUNDCLOSE; refund.failed')
  shop.wechat.misbehave({ on: 'refundquery', do: 'err-code', errCode: 'A_CODE_NOBODY_KNOWS' })
  await cronFor(15)
  expect(await books()).toBe('REFUND 0/0: REFUNDCLOSE; refund.failed')
  await cronFor(1)
  expect(await books()).toBe('REFUND 0/0: REFUNDCLOSE; refund.failed; payment.incident')
  expect(
    await shop.sql('select next_attempt_at from refunds where out_refund_no = $1', [number]),
  ).toEqual([{ next_attempt_at: null }])
})
