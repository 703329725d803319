/** The model of answers objects to each answer that a caller must not get. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Answer } from './check-answer.ts'
import { CALM } from './history.ts'
import { OrderModel } from './order-model.ts'
import { runHistory } from './run-history.ts'
import { World } from './world.ts'

let world: World
/** A refunded order of WeChat's book, as its payer sees it. */
let order: Readonly<Record<string, unknown>>
let payer: string
beforeAll(async () => {
  world = await World.open()
  await runHistory(world, CALM)
  const [refund] = world.simulator.refunds()
  const known = world.simulator.orders().find((one) => one.outTradeNo === refund?.outTradeNo)
  if (known === undefined) throw new Error('no order was refunded')
  payer = known.openid
  order = {
    outTradeNo: known.outTradeNo,
    tradeState: 'REFUND',
    totalFee: known.totalFee,
    body: '拿铁',
    createdAt: '2026-01-01T08:00:00+08:00',
    timeExpire: '2026-01-01T10:00:00+08:00',
    transactionId: known.payment?.transactionId,
    refundedFee: 1_000,
  }
})
afterAll(() => world.close())

const answer = (json: Answer['json'], status = 200): Answer => ({
  status,
  json,
  text: '',
  code: typeof json['code'] === 'string' ? json['code'] : '',
})
const outTradeNo = () => String(order['outTradeNo'])

test('nothing is wrong with the true order, in each place where answers have orders', () => {
  const model = new OrderModel(world)
  for (const json of [order, { order }, { orders: [order] }])
    expect(model.read(answer(json), model.seen(), payer, null)).toEqual([])
  const openid = { ...order, openid: payer }
  expect(model.read(answer(openid), model.seen(), null, null)).toEqual([])
})

describe('an order is not shown', () => {
  const problemsOf = (changed: object, caller: string | null = payer) => {
    const model = new OrderModel(world)
    model.read(answer(order), model.seen(), payer, null)
    return model.read(answer({ ...order, ...changed }), model.seen(), caller, null)
  }

  test.each([
    ['in an earlier state', { tradeState: 'SUCCESS' }, 'as SUCCESS after a later state'],
    ['with less refunded', { refundedFee: 999 }, 'with less refunded than before'],
    ['with more refunded', { refundedFee: 1_001 }, 'with more refunded than at WeChat'],
    ['with other terms', { body: '曲奇' }, 'with other terms than before'],
    [
      'with the fields of the merchant',
      { openid: 'o1' },
      'with the fields of another kind of caller',
    ],
    [
      'with another payment',
      { transactionId: '1' },
      'as paid by a payment that WeChat does not have',
    ],
  ])('%s', (_, changed, problem) => {
    expect(problemsOf(changed)).toEqual([`${outTradeNo()} was shown ${problem}`])
  })

  test('to another user', () => {
    expect(problemsOf({}, 'oOther')).toEqual([`${outTradeNo()} was shown to another user`])
  })
})

test('an answer that began before another one may show less', () => {
  const model = new OrderModel(world)
  const before = model.seen()
  model.read(answer(order), before, payer, null)
  const earlier = { ...order, tradeState: 'SUCCESS', refundedFee: 0 }
  expect(model.read(answer(earlier), before, payer, null)).toEqual([])
})

test('an order that was seen is found, and is not prepaid once it is paid', () => {
  const model = new OrderModel(world)
  model.read(answer(order), model.seen(), payer, null)
  const read = (json: Answer['json'], status: number) =>
    model.read(answer(json, status), model.seen(), payer, outTradeNo())
  expect(read({ code: 'order_not_found' }, 404)).toHaveLength(1)
  expect(read({ paySign: 'x' }, 200)).toHaveLength(1)
})
