/** Retries of a refund end: a refund that WeChat does not accept or does not finish is parked. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { listenToLog } from './log-lines.ts'
import { requestRefund, paidOrder, summariseRefunds } from '../support/refunds.ts'
import { openShop, type Shop } from '../support/shop.ts'

const DAY_MS = 86_400_000

let shop: Shop
let lines: string[]
beforeAll(async () => {
  shop = await openShop()
  // So that orders that are not shipped send no events.
  shop.wechat.changeSettings({ tradeManaged: false })
})
afterAll(() => shop.close())

/** A paid order of 2800 fen, and the number of a refund of 1000. */
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
const sendRequest = () => requestRefund(shop, order, number, 1000)
const ledger = () => summariseRefunds(shop, order)
const timesSent = () => shop.calls('refund', number).length
const timesQueried = () => shop.calls('query refund', number).length
/** Cron once a day, and twice on each of the last two days. */
async function runCronFor(days: number): Promise<void> {
  for (let left = 2 * days; left > 0;) {
    const halfDays = left > 4 ? 2 : 1
    shop.advance((halfDays * DAY_MS) / 2)
    await shop.cron()
    left -= halfDays
  }
}

describe('a refund that WeChat does not accept', () => {
  test('for a week is parked: it keeps its claim, sends one event, and is not sent again', async () => {
    shop.wechat.misbehave({
      on: 'refund',
      do: 'err-code',
      errCode: 'AN_UNKNOWN_CODE',
      errCodeDes: '业务错误',
    })
    await sendRequest()
    await runCronFor(7)
    expect(await ledger()).toBe('SUCCESS 1000/0: PROCESSING')
    await runCronFor(1)
    expect(await ledger()).toBe('SUCCESS 1000/0: PROCESSING → refund.needs_attention')
    const events = shop.world.events.filter(
      ({ body }) => body.includes('"refund.needs_attention"') && body.includes(`"${number}"`),
    )
    expect(
      events.map(({ body }) => /"errCode":"AN_UNKNOWN_CODE","errText":"业务错误"/.test(body)),
    ).toEqual([true])
    expect(
      lines.filter((line) => line.includes('"refund_parked"') && line.includes(number)),
    ).toHaveLength(1)
    const before = timesSent()
    await runCronFor(10)
    expect([timesSent() - before, await ledger()]).toEqual([
      0,
      'SUCCESS 1000/0: PROCESSING → refund.needs_attention',
    ])
  })

  test('and that is parked is retried after the merchant sends the same request again', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode: 'AN_UNKNOWN_CODE' })
    await sendRequest()
    await runCronFor(8)
    const before = timesSent()
    expect(await sendRequest()).toEqual([202, 'PROCESSING'])
    expect(timesSent() - before).toBe(1)
    shop.wechat.clearFaults()
    await runCronFor(1)
    expect(await ledger()).toBe(
      'REFUND 1000/1000: SUCCESS → refund.needs_attention → refund.succeeded',
    )
  })

  test('because WeChat does not answer at all is parked too', async () => {
    shop.wechat.misbehave({ on: 'refundquery', do: 'http-500' })
    shop.wechat.misbehave({ on: 'refund', do: 'http-500' })
    expect(await sendRequest()).toEqual([503, 'wechat_unknown'])
    await runCronFor(8)
    expect(await ledger()).toBe('SUCCESS 1000/0: PROCESSING → refund.needs_attention')
  })
})

describe('a parked refund beside a refund in the merchant console', () => {
  const park = async (numbers: readonly string[], fee: number) => {
    shop.wechat.setBalance(0)
    for (const one of numbers)
      expect(await requestRefund(shop, order, one, fee)).toEqual([202, 'PROCESSING'])
    await runCronFor(8)
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

  test('is not sent, even if the balance now suffices', async () => {
    await park([`${number}-1`, `${number}-2`], 1400)
    const before = shop.calls('refund').length
    await consoleRefund(1300)
    await runCronFor(2)
    expect(shop.calls('refund')).toHaveLength(before)
    const made = shop.wechat.refunds().filter((one) => one.outTradeNo === order)
    expect(made.map(({ refundFee }) => refundFee)).toEqual([1300])
  })

  test('is closed without being sent if the other leaves too little, and releases its claim', async () => {
    await park([number], 2800)
    const before = timesSent()
    await consoleRefund(2800)
    expect(timesSent()).toBe(before)
    expect(await ledger()).toMatch(
      /^REFUND 2800\/2800: .*REFUNDCLOSE.* → refund.failed → refund.succeeded$/,
    )
  })
})

describe('a refund that WeChat has accepted and does not finish', () => {
  test('is parked after 15 days, and queried again when the merchant sends the same request again', async () => {
    shop.wechat.changeSettings({ refundMs: 40 * DAY_MS })
    expect(await sendRequest()).toEqual([202, 'PROCESSING'])
    await runCronFor(15)
    expect(await ledger()).toBe('REFUND 1000/0: PROCESSING')
    await runCronFor(1)
    expect(await ledger()).toBe('REFUND 1000/0: PROCESSING → refund.needs_attention')
    const before = timesQueried()
    await runCronFor(1)
    expect(timesQueried() - before).toBe(0)
    shop.advance(25 * DAY_MS)
    expect(await sendRequest()).toEqual([202, 'SUCCESS'])
    expect(await ledger()).toBe(
      'REFUND 1000/1000: SUCCESS → refund.needs_attention → refund.succeeded',
    )
  })

  test('and that is parked still ends when WeChat reports it', async () => {
    shop.wechat.changeSettings({ refundMs: 20 * DAY_MS })
    await sendRequest()
    await runCronFor(16)
    shop.advance(5 * DAY_MS)
    await shop.deliverNotifications()
    expect(await ledger()).toBe(
      'REFUND 1000/1000: SUCCESS → refund.needs_attention → refund.succeeded',
    )
  })

  test('because the payer’s card refuses it is queried for 15 days, and sends an event at the end of each wait', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'end-as', status: 'CHANGE', times: 1 })
    shop.wechat.misbehave({ on: 'notify', do: 'drop' })
    await sendRequest()
    for (let day = 0; day < 16; day += 1) await runCronFor(1)
    const before = timesQueried()
    await runCronFor(1)
    expect([timesQueried() - before, await ledger()]).toEqual([
      0,
      'REFUND 1000/0: CHANGE → refund.needs_attention → refund.needs_attention',
    ])
    // The merchant's next request resumes the queries, so their end sends another event.
    expect(await sendRequest()).toEqual([202, 'CHANGE'])
    await runCronFor(17)
    expect(await ledger()).toBe(`REFUND 1000/0: CHANGE${' → refund.needs_attention'.repeat(3)}`)
  })
})

test('an order whose refunds WeChat does not list after one was closed becomes an incident after 15 days', async () => {
  shop.wechat.misbehave({ on: 'refund', do: 'end-as', status: 'REFUNDCLOSE', times: 1 })
  await sendRequest()
  shop.advance(3_000)
  await shop.deliverNotifications()
  expect(await ledger()).toBe('REFUND 0/0: REFUNDCLOSE → refund.failed')
  shop.wechat.misbehave({ on: 'refundquery', do: 'err-code', errCode: 'AN_UNKNOWN_CODE' })
  await runCronFor(15)
  expect(await ledger()).toBe('REFUND 0/0: REFUNDCLOSE → refund.failed')
  await runCronFor(1)
  expect(await ledger()).toBe('REFUND 0/0: REFUNDCLOSE → refund.failed → payment.incident')
  expect(
    await shop.sql('select next_attempt_at from refunds where out_refund_no = $1', [number]),
  ).toEqual([{ next_attempt_at: null }])
})
