/**
 * How many round trips to database, Redis or WeChat a caller waits for. Concurrent requests count
 * once. The budget is the same in both protocols.
 */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { budgets, paymentSteps } from '../../dev/bench/payment-steps.ts'
import { demoV3Values } from '../../dev/world/demo-values.ts'
import { openShop, type Shop } from '../support/shop.ts'
import { buildGate, type Gate } from './round-trip-gate.ts'

const { WECHAT_PAY_V3_KEY } = demoV3Values
const modes: readonly (readonly [string, Record<string, string>])[] = [
  ['APIv2', { WECHAT_PAY_API: 'v2' }],
  ['APIv3 with the public key', { WECHAT_PAY_API: 'v3' }],
  ['APIv3 with platform certificates', { WECHAT_PAY_API: 'v3', WECHAT_PAY_V3_KEY }],
]

let shop: Shop
let gate: Gate | undefined
afterEach(async () => {
  gate?.remove()
  await shop.close()
})

const requests = () =>
  shop.world.faults.database.count() +
  shop.world.faults.redis.count() +
  shop.wechat.messageLog.length

/** Takes a payment through all steps. */
async function countSteps(steps: ReturnType<typeof paymentSteps>, { countRoundTrips }: Gate) {
  const counted: [string, number][] = []
  for (let next = await steps.next(); next.done !== true;) {
    const { name, request } = next.value
    await shop.world.settled()
    const { answer, roundTrips } = await countRoundTrips(() => fetch(request))
    counted.push([name, roundTrips])
    next = await steps.next(answer)
  }
  await shop.world.settled()
  return counted
}

describe.each(modes)('%s', (_, env) => {
  test('each step waits for exactly its budget of round trips, all of them counted', async () => {
    // The functions keep their settings in modules, so each shop loads them again.
    vi.resetModules()
    shop = await openShop(env)
    // An instance downloads the platform certificates once, before the first prepay of the shop.
    const token = await shop.logIn()
    await shop.prepay(token, await shop.placeOrder(token))
    await shop.world.settled()
    const before = requests()
    gate = buildGate(({ pathname }) =>
      ['/stand-ins/', '/wechat/'].some((path) => pathname.startsWith(path)),
    )
    expect(new Map(await countSteps(paymentSteps(shop.world), gate))).toEqual(new Map(budgets))
    expect(requests() - before).toBe(gate.passed())
  })
})
