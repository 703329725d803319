/**
 * How many round trips to database, Redis or WeChat a caller waits for. Concurrent requests count
 * once.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { budgets, paymentSteps } from '../../dev/bench/payment-steps.ts'
import { openShop, type Shop } from '../support/shop.ts'
import { buildGate, type Gate } from './round-trip-gate.ts'

let shop: Shop
let gate: Gate
const counted = new Map<string, number>()
const requests = () =>
  shop.world.faults.database.count() +
  shop.world.faults.redis.count() +
  shop.wechat.messageLog.length
let requestsBefore: number

beforeAll(async () => {
  shop = await openShop()
  // The simulator sends no notification by itself, so that all requests come from the steps.
  await shop.wechat.stop()
  await shop.world.settled()
  requestsBefore = requests()
  const wayOut = ['/stand-ins/', '/wechat/']
  gate = buildGate(({ pathname }) => wayOut.some((path) => pathname.startsWith(path)))
  const steps = paymentSteps(shop.world)
  for (let next = await steps.next(); next.done !== true;) {
    const { name, request } = next.value
    await shop.world.settled()
    const { answer, roundTrips } = await gate.countRoundTrips(() => fetch(request))
    counted.set(name, roundTrips)
    next = await steps.next(answer)
  }
  await shop.world.settled()
})
afterAll(async () => {
  gate.remove()
  await shop.close()
})

test.each(budgets)('%s: the caller waits for exactly %i round trips', (step, roundTrips) => {
  expect(counted.get(step)).toBe(roundTrips)
})

test('every request passed the gate that counts', () => {
  expect(requests() - requestsBefore).toBe(gate.passed())
})
