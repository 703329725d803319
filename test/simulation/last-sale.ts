/**
 * After a history, one more sale without faults. Each request must get the expected answer at its
 * first attempt, because code that always refuses would break no other promise.
 */
import * as v from 'valibot'
import { paymentArguments } from '../support/payment-arguments.ts'
import type { Answer } from './check-answer.ts'
import type { Client } from './client.ts'
import type { History } from './history.ts'
import type { Observer } from './observer.ts'
import { payOutRefund } from './payouts.ts'
import type { Random } from './random.ts'
import { tickAfter } from './tick.ts'
import { USERS } from './users.ts'
import { CODE_LIFE_MS } from './wechat-times.ts'
import type { World } from './world.ts'

/** Each change is reported by WeChat, and its event is delivered, within this time. */
const SOON_MS = 10_000

const PRICE = 900
const PART = 400
const PART_IN_CHANGE = 300

const placed = v.object({ outTradeNo: v.string() })
const overview = v.object({ refunds: v.object({ count: v.number() }) })

/** Returns a description of each difference. */
export async function sellOnceMore(
  world: World,
  { autoShips, receiver, recovery }: History,
  client: Client,
  observer: Observer,
  random: Random,
): Promise<readonly string[]> {
  const { simulator, merchant, time } = world
  const problems: string[] = []
  const report = (problem: string) => void problems.push(`the last sale: ${problem}`)
  const user = random.pick([0, 1])

  const ask = async (
    expected: string,
    name: string,
    path: string,
    request: Parameters<Client['request']>[3] = {},
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<Answer> => {
    const method = request.body === undefined ? 'GET' : 'POST'
    const answer = await client.request(name, method, path, request, random.next())
    const given = `${answer.status} ${answer.code}`.trim()
    if (given !== expected) report(`${name} answered ${given}, not ${expected}`)
    else
      for (const [field, value] of Object.entries(fields))
        if (answer.json[field] !== value)
          report(`${name} answered ${field} ${String(answer.json[field])}, not ${String(value)}`)
    return answer
  }

  const place = async (prepay: boolean): Promise<string> => {
    const headers = { 'idempotency-key': random.bytes(8).toString('hex') }
    const body = { items: [{ sku: 'cookie', quantity: 1 }], prepay }
    const { json } = await ask('201', 'orders', '/api/orders', { user, body, headers })
    const order = v.safeParse(placed, json['order'] ?? json)
    if (!order.success) return ''
    if (prepay && !v.is(paymentArguments, json['payment']))
      report('an order lacks its payment arguments')
    return order.output.outTradeNo
  }

  /** The requests to WeChat about this order. */
  const callsAbout = (outTradeNo: string) =>
    simulator.messageLog.filter(
      ({ direction, url, request }) =>
        direction === 'in' && `${url}${request}`.includes(outTradeNo),
    ).length

  const loginBody = { code: simulator.issueCode(USERS[user]) }
  await observer.readSession(
    await ask('200', 'login', '/api/login', { key: '', body: loginBody }),
    USERS[user] ?? '',
  )

  const oldCode = { code: simulator.issueCode(USERS[user]) }
  await time.sleep(CODE_LIFE_MS)
  await ask('401 login_code_invalid', 'login', '/api/login', { key: '', body: oldCode })

  const outTradeNo = await place(random.chance(0.5))
  if (outTradeNo === '') return problems
  const prepay = { user, body: { outTradeNo } }
  const first = await ask('200', 'prepay', '/api/prepay', prepay)
  const second = await ask('200', 'prepay', '/api/prepay', prepay)
  if (first.json['package'] !== second.json['package']) report('prepay gave two prepay_ids')
  if (callsAbout(outTradeNo) !== 1) report('a prepay_id was not used again')
  if (second.status !== 200) return problems
  const query = `/api/query?outTradeNo=${outTradeNo}`
  await ask('200', 'query', query, { user }, { tradeState: 'NOTPAY' })
  simulator.pay(observer.readPaymentArguments(second.json, outTradeNo))
  await tickAfter(world, random.next(), 1_000)
  const calls = callsAbout(outTradeNo)
  await ask('200', 'query', query, { user }, { tradeState: 'SUCCESS', totalFee: PRICE })
  if (recovery !== 'only cron' && callsAbout(outTradeNo) !== calls)
    report('WeChat was asked about a payment of which it had notified')
  await ask('409 order_paid', 'prepay', '/api/prepay', prepay)
  const { json: list } = await ask('200', 'orders', '/api/orders', { user })
  const [newest] = Array.isArray(list['orders']) ? list['orders'] : []
  if (!v.is(v.looseObject({ outTradeNo: v.literal(outTradeNo) }), newest))
    report('the newest order is not the first in the list')

  const virtual = { outTradeNo, logisticsType: 'virtual', items: [{ itemDesc: '曲奇' }] }
  if (!autoShips) await ask('200', 'shipping', '/api/shipping', { body: virtual })

  const outRefundNo = `${outTradeNo}-last`
  const body = { outTradeNo, outRefundNo, refundFee: PART }
  for (const _ of ['first', 'repeated'])
    await ask('202', 'refund', '/api/refund', { body }, { refundStatus: 'PROCESSING' })
  const tooMuch = { outTradeNo, outRefundNo: `${outRefundNo}-2`, refundFee: PRICE - PART + 1 }
  await ask('409 refund_too_much', 'refund', '/api/refund', { body: tooMuch })
  await tickAfter(world, random.next(), SOON_MS)
  const refund = `/api/refund?outRefundNo=${outRefundNo}`
  await ask('200', 'refund', refund, {}, { refundStatus: 'SUCCESS', refundFee: PART })

  const abnormal = { outTradeNo, fee: PART_IN_CHANGE }
  const paidOut = await payOutRefund(world, client, observer, abnormal, random.next())
  for (const problem of paidOut) report(problem)
  const inNeed = simulator
    .refunds()
    .filter((one) => one.outTradeNo === outTradeNo && one.refundStatus === 'CHANGE').length
  const shown = v.safeParse(overview, (await ask('200', 'console', '/api/console/overview')).json)
  if (!shown.success || shown.output.refunds.count < inNeed)
    report('the console does not show the refund that needs a person')

  const closed = await place(false)
  if (closed === '') return problems
  await ask('200', 'prepay', '/api/prepay', { user, body: { outTradeNo: closed } })
  const close = { user, body: { outTradeNo: closed } }
  await ask('200', 'close', '/api/close', close, { tradeState: 'CLOSED' })
  await ask('409 order_closed', 'prepay', '/api/prepay', { user, body: { outTradeNo: closed } })

  await time.sleep(SOON_MS)
  const notifications = simulator.notifications().filter((one) => one.outTradeNo === outTradeNo)
  if (recovery !== 'only cron' && !notifications.every(({ acknowledged }) => acknowledged))
    report('a notification was not acknowledged')
  if (receiver !== 'accepts') return problems
  const wanted = [
    [outTradeNo, 'order.paid'],
    [outTradeNo, 'refund.succeeded'],
    [closed, 'order.closed'],
  ] as const
  for (const [no, type] of wanted)
    if (!merchant.deliveries.some((one) => one.outTradeNo === no && one.type === type))
      report(`${type} was not delivered without cron`)
  return problems
}
