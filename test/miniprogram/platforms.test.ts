/** The same file under the frameworks people write Mini Programs with. */
import { setImmediate } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Platform } from '../../miniprogram/pay.ts'
import type { Shop } from '../support/shop.ts'
import { cancelsHonestly, createPhone, openQuietShop, type Phone } from './phone.ts'

/** uni-app: callbacks as in `wx`, nothing returned, and headers in lower case. */
const asUni = (wx: Platform): Platform => ({
  ...wx,
  request: ({ success, ...options }) => {
    wx.request({
      ...options,
      success: (answer) => success({ ...answer, header: lowerCase(answer.header ?? {}) }),
    })
  },
  requestPayment: (options) => {
    wx.requestPayment(options)
  },
})

/** Taro: a promise beside the callbacks, which rejects even where `fail` has been heard. */
const asTaro = (wx: Platform): Platform => ({
  ...wx,
  request: (options) => besides(options, (heard) => wx.request({ ...options, ...heard })),
  login: (options) => besides(options, (heard) => wx.login({ ...options, ...heard })),
  requestPayment: (options) =>
    besides(options, (heard) => wx.requestPayment({ ...options, ...heard })),
})

interface Heard<T> {
  success(value: T): void
  fail(failure: { readonly errMsg: string }): void
}

const besides = <T>({ success, fail }: Heard<T>, call: (heard: Heard<T>) => unknown): Promise<T> =>
  new Promise((resolve, reject) => {
    call({
      success: (value) => {
        success(value)
        resolve(value)
      },
      fail: (failure) => {
        fail(failure)
        reject(new Error(failure.errMsg))
      },
    })
  })

const lowerCase = (header: object): object =>
  Object.fromEntries(
    Object.entries(header).map(([name, value]: [string, unknown]) => [name.toLowerCase(), value]),
  )

let shop: Shop
let phone: Phone
const unheard: unknown[] = []
const hear = (reason: unknown) => void unheard.push(reason)
beforeAll(async () => {
  process.on('unhandledRejection', hear)
  shop = await openQuietShop()
})
beforeEach(() => {
  shop.world.faults.database.up()
  phone = createPhone(shop)
})
afterEach(async () => {
  // Node reports one only after everything that waited has had its turn.
  await setImmediate()
  expect(unheard.splice(0)).toEqual([])
})
afterAll(async () => {
  process.off('unhandledRejection', hear)
  await shop.close()
})

describe.each([
  ['uni-app', asUni],
  ['Taro', asTaro],
] as const)('under %s', (_name, as) => {
  test('a purchase is paid', async () => {
    expect(await phone.start(as).buy([{ sku: 'latte', quantity: 1 }])).toMatchObject({
      state: 'paid',
    })
  })

  test('a cancelled one is told, and nothing rejects unheard', async () => {
    phone.cashier = cancelsHonestly
    expect(await phone.start(as).buy([{ sku: 'latte', quantity: 1 }])).toMatchObject({
      state: 'cancelled',
    })
  })

  test('a network that is gone is told, and nothing rejects unheard', async () => {
    phone.fate = () => 'offline'
    expect(await phone.start(as).products()).toMatchObject({
      ok: false,
      error: { code: 'network' },
    })
  })

  test('the server is given the time it wants', async () => {
    shop.world.faults.database.down()
    phone.whileWaiting = () => shop.world.faults.database.up()
    expect(await phone.start(as).products()).toMatchObject({ ok: true })
    expect(phone.waits).toEqual([2_000])
  })
})
