/** How many hops a caller waits for: requests to the database, Redis or WeChat, of which those side by side count once. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { budgets, paymentSteps } from '../../dev/bench/payment-steps.ts'
import { openShop, type Shop } from '../support/shop.ts'
import { buildGate, type Gate } from './hop-gate.ts'

let shop: Shop
let gate: Gate
const counted = new Map<string, number>()
const asked = () =>
  shop.world.faults.database.count() +
  shop.world.faults.redis.count() +
  shop.wechat.messageLog.length
let askedBefore: number

beforeAll(async () => {
  shop = await openShop()
  // Nothing may move but what a step moves.
  await shop.wechat.stop()
  await shop.world.settled()
  askedBefore = asked()
  const wayOut = ['/stand-ins/', '/wechat/']
  gate = buildGate(({ pathname }) => wayOut.some((path) => pathname.startsWith(path)))
  const steps = paymentSteps(shop.world)
  for (let next = await steps.next(); next.done !== true;) {
    const { name, request } = next.value
    await shop.world.settled()
    const { answer, hops } = await gate.countHops(() => fetch(request))
    counted.set(name, hops)
    next = await steps.next(answer)
  }
  await shop.world.settled()
})
afterAll(async () => {
  gate.remove()
  await shop.close()
})

test.each(budgets)('%s: the caller waits for exactly %i', (step, hops) => {
  expect(counted.get(step)).toBe(hops)
})

test('no request found another way out than the one that was watched', () => {
  expect(asked() - askedBefore).toBe(gate.passed())
})
