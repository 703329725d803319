/** The client under the frameworks that Mini Programs are written with. */
import { setImmediate } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Platform } from '../../miniprogram/pay.ts'
import type { Shop } from '../support/shop.ts'
import {
  cancelsAndReports,
  createPhone,
  openShopWithoutNotifications,
  type Phone,
} from './phone.ts'

/** uni-app: callbacks as in `wx`, no return value, and header names in lower case. */
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

/** Taro: callbacks and a promise, which rejects in addition to `fail`. */
const asTaro = (wx: Platform): Platform => ({
  ...wx,
  request: (options) =>
    withPromise(options, (callbacks) => wx.request({ ...options, ...callbacks })),
  login: (options) => withPromise(options, (callbacks) => wx.login({ ...options, ...callbacks })),
  requestPayment: (options) =>
    withPromise(options, (callbacks) => wx.requestPayment({ ...options, ...callbacks })),
})

interface Callbacks<T> {
  success(value: T): void
  fail(failure: { readonly errMsg: string }): void
}

const withPromise = <T>(
  { success, fail }: Callbacks<T>,
  call: (callbacks: Callbacks<T>) => unknown,
): Promise<T> =>
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
const unhandled: unknown[] = []
const recordRejection = (reason: unknown) => void unhandled.push(reason)
beforeAll(async () => {
  process.on('unhandledRejection', recordRejection)
  shop = await openShopWithoutNotifications()
})
beforeEach(() => {
  shop.world.faults.database.up()
  phone = createPhone(shop)
})
afterEach(async () => {
  // Node reports an unhandled rejection only after all pending microtasks.
  await setImmediate()
  expect(unhandled.splice(0)).toEqual([])
})
afterAll(async () => {
  process.off('unhandledRejection', recordRejection)
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

  test('a cancelled purchase is reported, and no rejection is unhandled', async () => {
    phone.cashier = cancelsAndReports
    expect(await phone.start(as).buy([{ sku: 'latte', quantity: 1 }])).toMatchObject({
      state: 'cancelled',
    })
  })

  test('a network failure is reported, and no rejection is unhandled', async () => {
    phone.fate = () => 'offline'
    expect(await phone.start(as).products()).toMatchObject({
      ok: false,
      error: { code: 'network' },
    })
  })

  test('the client waits as long as the server asks', async () => {
    shop.world.faults.database.down()
    phone.whileWaiting = () => shop.world.faults.database.up()
    expect(await phone.start(as).products()).toMatchObject({ ok: true })
    expect(phone.waits).toEqual([2_000])
  })
})
