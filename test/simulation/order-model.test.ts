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
/** Reads an answer of the step to the caller. */
const read = (
  model: OrderModel,
  json: Answer['json'],
  {
    status = 200,
    caller = payer,
    step = 'orders',
    before = model.known(),
  }: {
    readonly status?: number
    readonly caller?: string | null
    readonly step?: string
    readonly before?: ReturnType<OrderModel['known']>
  } = {},
) =>
  model.read(answer(json, status), before, {
    step,
    openid: caller,
    outTradeNo: 'outTradeNo' in json ? null : outTradeNo(),
  })

test('nothing is wrong with the true order, in each place where answers have orders', () => {
  const model = new OrderModel(world)
  for (const json of [order, { order }, { orders: [order] }]) expect(read(model, json)).toEqual([])
  expect(read(model, { ...order, openid: payer }, { caller: null })).toEqual([])
})

describe('an order is not shown', () => {
  const problemsOf = (changed: object, caller: string | null = payer) => {
    const model = new OrderModel(world)
    read(model, order)
    return read(model, { ...order, ...changed }, { caller })
  }

  test.each([
    ['in an earlier state', { tradeState: 'SUCCESS' }, 'as SUCCESS after a later state'],
    ['with less refunded', { refundedFee: 999 }, 'with less refunded than before'],
    ['with more refunded', { refundedFee: 1_001 }, 'with more refunded than at WeChat'],
    ['with other terms', { body: '曲奇' }, 'with other terms than before'],
    [
      'with another payment',
      { transactionId: '1' },
      'as paid by a payment that WeChat does not have',
    ],
  ])('%s', (_, changed, problem) => {
    expect(problemsOf(changed)).toEqual([`${outTradeNo()} was shown ${problem}`])
  })

  test('with the fields of the merchant, or to the merchant with another payer', () => {
    const shown = `${outTradeNo()} was shown with`
    expect(problemsOf({ openid: payer })).toEqual([`${shown} the fields of another kind of caller`])
    expect(problemsOf({ openid: 'oOther' }, null)).toEqual([`${shown} another payer`])
  })

  test('to another user', () => {
    expect(problemsOf({}, 'oOther')).toEqual([`${outTradeNo()} was shown to another user`])
  })

  test('as unpaid by a step that asks WeChat, if it was paid before the request', () => {
    const unpaid = { ...order, tradeState: 'NOTPAY', refundedFee: 0, transactionId: undefined }
    const old = (step: string) => read(new OrderModel(world), unpaid, { step })
    expect(old('query')).toEqual([`2: ${outTradeNo()} was shown as NOTPAY after it was paid`])
    expect(old('orders')).toEqual([])
  })
})

test('an answer that began before another one may show less', () => {
  const model = new OrderModel(world)
  const before = model.known()
  read(model, order, { before })
  const earlier = { ...order, tradeState: 'SUCCESS', refundedFee: 0 }
  expect(read(model, earlier, { before })).toEqual([])
})

test('an order that was seen is found', () => {
  const model = new OrderModel(world)
  read(model, order)
  expect(read(model, { code: 'order_not_found' }, { status: 404 })).toHaveLength(1)
})

test('an order that WeChat does not have belongs to the payer that the merchant sees', () => {
  const model = new OrderModel(world)
  const unknown = { ...order, outTradeNo: 'merchant-a', tradeState: 'NOTPAY', refundedFee: 0 }
  read(model, { ...unknown, transactionId: undefined, openid: payer }, { caller: null })
  const notFound = (openid: string) =>
    model.read(answer({ code: 'order_not_found' }, 404), model.known(), {
      step: 'query',
      openid,
      outTradeNo: 'merchant-a',
    })
  expect(notFound('oOther')).toEqual([])
  expect(notFound(payer)).toHaveLength(1)
})

test('an order is prepaid by its payer only, and not once it is paid or closed', () => {
  const model = new OrderModel(world)
  expect(read(model, { paySign: 'x' })).toEqual([])
  expect(read(model, { paySign: 'x' }, { caller: 'oOther' })).toHaveLength(1)
  read(model, order)
  expect(read(model, { paySign: 'x' })).toHaveLength(1)
})
