/** Whatever reads or writes the ledger, asked as its callers ask it: a payment's steps and what comes after it, lists, cron, a bill. */
import { randomBytes } from 'node:crypto'
import type { Pool } from 'pg'
import * as v from 'valibot'
import { plusDays, startOf, type Day } from '../../lib/core/day.ts'
import { catchUp } from '../../lib/steps/catch-up.ts'
import { createBills } from '../../lib/stores/bills.ts'
import { connect } from '../../lib/stores/neon.ts'
import { fen } from '../../lib/stores/rows.ts'
import { createInstance } from '../../lib/composition.ts'
import { demoDatabase } from '../world/demo-values.ts'
import { paymentArgumentsSchema } from '../wechat/request-payment.ts'
import type { Simulator } from '../wechat/simulator.ts'
import type { World } from '../world/world.ts'
import { paymentSteps } from './payment-steps.ts'

/** Does one step and notes what it costs, null when it was not answered in time; what is not measured is done past it. */
export type Measure = <T>(step: string, work: () => Promise<T>) => Promise<T | null>

/** A statement that takes longer than the functions wait for is answered so. */
export class NotAnswered extends Error {}

const paidAnswer = v.object({
  outTradeNo: v.string(),
  transactionId: v.string(),
  tradeState: v.literal('SUCCESS'),
})
const tokenAnswer = v.object({ token: v.string() })
const orderAnswer = v.object({ outTradeNo: v.string() })
const listAnswer = v.object({ orders: v.array(v.unknown()) })
const countRows = v.tuple([v.object({ count: v.pipe(v.string(), v.transform(Number)) })])

/** @param openid a payer with a history. */
export function createSteps(world: World, openid: string) {
  const wechat = wechatOf(world)
  const { MERCHANT_API_KEY: merchant, CRON_SECRET: cron } = world.env

  async function ask<S extends v.GenericSchema>(
    schema: S,
    method: string,
    path: string,
    token: string,
    body?: object,
  ): Promise<v.InferOutput<S>> {
    const response = await fetch(world.url + path, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const said = await response.text()
    if (response.status >= 500)
      throw new NotAnswered(`${method} ${path} was answered with ${response.status} ${said}`)
    if (!response.ok)
      throw new Error(`${method} ${path} was answered with ${response.status} ${said}`)
    return v.parse(schema, JSON.parse(said))
  }
  const logIn = async (who?: string) =>
    (await ask(tokenAnswer, 'POST', '/api/login', '', { code: wechat.issueCode(who) })).token
  const placeOrder = async (token: string) =>
    (
      await ask(orderAnswer, 'POST', '/api/orders', token, {
        items: [{ sku: 'latte', quantity: 1 }],
      })
    ).outTradeNo
  /** WeChat has the money, and nobody has told the ledger. */
  const payUnheard = async (token: string) => {
    const outTradeNo = await placeOrder(token)
    const { errMsg } = wechat.pay(
      await ask(paymentArgumentsSchema, 'POST', '/api/prepay', token, { outTradeNo }),
    )
    if (errMsg !== 'requestPayment:ok') throw new Error(errMsg)
    return outTradeNo
  }

  let faithful: Promise<string> | undefined

  /** The steps of a payment that have a budget of waits. */
  async function pay(measure: Measure): Promise<void> {
    const steps = paymentSteps(world)
    for (let next = await steps.next(); next.done !== true;) {
      const { name, request } = next.value
      const answer = await measure(name, async () => {
        const response = await fetch(request)
        const body = await response.bytes()
        if (response.status >= 500)
          throw new NotAnswered(`${name} was answered with ${response.status}`)
        return new Response(body, response)
      })
      if (answer === null) return
      next = await steps.next(answer)
    }
  }

  /** What may follow a payment, or be asked about it. */
  async function goOn(measure: Measure): Promise<void> {
    const code = { code: wechat.issueCode() }
    const { token } = await ask(tokenAnswer, 'POST', '/api/login', '', code)
    await measure('login, repeated', () => ask(tokenAnswer, 'POST', '/api/login', '', code))
    const unpaid = await placeOrder(token)
    await measure('close', () =>
      ask(v.object({ tradeState: v.literal('CLOSED') }), 'POST', '/api/close', token, {
        outTradeNo: unpaid,
      }),
    )
    const outTradeNo = await payUnheard(token)
    const { transactionId } = await ask(
      paidAnswer,
      'GET',
      `/api/query?outTradeNo=${outTradeNo}`,
      token,
    )
    await measure('query, by payment number', () =>
      ask(paidAnswer, 'GET', `/api/query?transactionId=${transactionId}`, token),
    )
    const shipping = { outTradeNo, logisticsType: 'self_pickup', items: [{ itemDesc: '拿铁' }] }
    await measure('shipping', () => ask(v.unknown(), 'POST', '/api/shipping', merchant, shipping))
    const outRefundNo = `R${outTradeNo}`
    await measure('refund', () =>
      ask(v.unknown(), 'POST', '/api/refund', merchant, {
        outTradeNo,
        outRefundNo,
        refundFee: 2800,
      }),
    )
    await measure('refund, asked about', () =>
      ask(v.unknown(), 'GET', `/api/refund?outRefundNo=${outRefundNo}`, token),
    )
    await measure('health', () => ask(v.unknown(), 'GET', '/api/health', ''))
  }

  /** @param half the number of an order that lies in the middle of the ledger. */
  async function list(measure: Measure, half: string): Promise<void> {
    // Once for all rounds: nobody may log in so often.
    const token = await (faithful ??= logIn(openid))
    const lists = [
      { name: 'list of a payer', query: '', token },
      { name: 'list of a payer, refunded', query: '?tradeState=REFUND', token },
      { name: 'list of the shop', query: '', token: merchant },
      {
        name: 'list of the shop, from the middle',
        query: `?cursor=${Buffer.from(half).toString('base64url')}`,
        token: merchant,
      },
      { name: 'list of the shop, refunded', query: '?tradeState=REFUND', token: merchant },
      { name: 'list of the shop, unpaid', query: '?tradeState=NOTPAY', token: merchant },
    ]
    for (const { name, query, token: who } of lists)
      await measure(name, () => ask(listAnswer, 'GET', `/api/orders${query}`, who))
  }

  const swept = v.object({ settled: v.number(), closed: v.number() })

  async function sweep(measure: Measure, pool: Pool): Promise<void> {
    await leaveNothing(pool)
    // The first to come by puts away what that has left in the indexes.
    await ask(swept, 'GET', '/api/cron', cron)
    await world.settled()
    const nothing = await measure('cron, nothing due', () => ask(swept, 'GET', '/api/cron', cron))
    if (nothing !== null && nothing.settled + nothing.closed > 0)
      throw new Error('something was due')
    const token = await logIn()
    for (let one = 0; one < due.paid; one += 1) await payUnheard(token)
    await makeDue(pool)
    await world.settled()
    const done = await measure(`cron, ${ORDERS_DUE} orders and ${due.events} events due`, () =>
      ask(swept, 'GET', '/api/cron', cron),
    )
    await world.settled()
    const [{ count }] = v.parse(
      countRows,
      (await pool.query('select count(*) from events where delivered_at is null')).rows,
    )
    if (done !== null && (done.settled !== due.paid || done.closed !== due.expired || count !== 0))
      throw new Error('cron did not do what was due')
    await leaveNothing(pool)
  }

  return { pay, goOn, list, sweep }
}

function wechatOf({ simulator }: World): Simulator {
  if (simulator === undefined) throw new Error('the world has no WeChat')
  return simulator
}

/** Paid, and nobody has said so; never paid, and out of time; not paid yet. */
const due = { paid: 20, expired: 40, open: 40, events: 100 }
const ORDERS_DUE = due.paid + due.expired + due.open

async function makeDue(pool: Pool): Promise<void> {
  await pool.query(
    `insert into orders (out_trade_no, openid, total_fee, body, client_ip, notify_url, created_at, time_expire, request_hash)
     select $1 || n, 'oGrowthDue', 2800, '拿铁', '203.0.113.7', 'https://shop.example/api/notify', at, at + interval '2 hours', 'due'
     from generate_series(1, $2::integer + $3::integer) n, lateral (
       select date_trunc('second', now()) - case when n <= $2::integer then interval '3 hours' else interval '1 minute' end as at
     ) placed`,
    [`due-${randomBytes(8).toString('hex')}-`, due.expired, due.open],
  )
  await pool.query(
    `insert into events (type, out_trade_no, data, created_at, next_attempt_at)
     select 'order.closed', $1 || n, json_build_object('outTradeNo', $1 || n), now(), now() from generate_series(1, $2::integer) n`,
    [`told-${randomBytes(8).toString('hex')}-`, due.events],
  )
}

async function leaveNothing(pool: Pool): Promise<void> {
  for (const statement of [
    `update orders set trade_state = 'CLOSED', closed_at = coalesce(closed_at, now()), closed_at_wechat = true
     where trade_state = 'NOTPAY' or (trade_state = 'CLOSED' and not closed_at_wechat)`,
    `update refunds set refund_status = 'SUCCESS', refund_id = coalesce(refund_id, out_refund_no) where refund_status in ('PROCESSING', 'CHANGE')`,
    `update shipments set shipping_state = 'UPLOADED', next_attempt_at = null where shipping_state = 'PENDING'`,
    'update events set delivered_at = now(), next_attempt_at = null where delivered_at is null',
  ])
    await pool.query(statement)
}

/** Of the last minutes: whoever placed them is still at it, and nothing is due. */
const ORDERS_OPEN = 1_200

/** The little that is done after ordinary requests, while nothing is due. */
export async function catchUpInVain(
  measure: Measure,
  pool: Pool,
  env: World['env'],
): Promise<void> {
  await leaveNothing(pool)
  await pool.query(
    `insert into orders (out_trade_no, openid, total_fee, body, client_ip, notify_url, created_at, time_expire, request_hash)
     select $1 || n, 'oGrowthOpen', 2800, '拿铁', '203.0.113.7', 'https://shop.example/api/notify', now(), now() + interval '2 hours', 'open'
     from generate_series(1, $2::integer) n`,
    [`open-${randomBytes(8).toString('hex')}-`, ORDERS_OPEN],
  )
  // An instance catches up at once, and then not for a while.
  await measure(`catching up, ${ORDERS_OPEN.toLocaleString('en')} orders open`, () =>
    catchUp(createInstance(env).deps),
  )
}

const number = v.pipe(v.string(), v.transform(Number), fen)
const paymentRows = v.array(
  v.object({ outTradeNo: v.string(), transactionId: v.string(), totalFee: number }),
)
const refundRows = v.array(
  v.object({
    outTradeNo: v.string(),
    outRefundNo: v.string(),
    refundId: v.string(),
    refundFee: number,
  }),
)

/** As many rows as a comparison sends at once. */
const BATCH = 500
const MARGIN_MS = 5 * 60_000
const LEASE_MS = 330_000
const MOST_DIFFERENCES = 501

/** A bill that has just what the ledger has, compared past its download; returns how many rows it has. */
export async function compareBill(
  measure: Measure,
  pool: Pool,
  endpoint: string,
  day: Day,
): Promise<number> {
  const span = [startOf(day), startOf(plusDays(day, 1))]
  const payments = v
    .parse(
      paymentRows,
      (
        await pool.query(
          `select out_trade_no as "outTradeNo", transaction_id as "transactionId", total_fee as "totalFee" from payments where paid_at >= $1 and paid_at < $2`,
          span,
        )
      ).rows,
    )
    .map((row) => ({ ...row, kind: 'payment' as const, feeType: 'CNY' }))
  const refunds = v
    .parse(
      refundRows,
      (
        await pool.query(
          `select out_trade_no as "outTradeNo", out_refund_no as "outRefundNo", refund_id as "refundId", refund_fee as "refundFee" from refunds
         where accepted_at >= $1 and accepted_at < $2`,
          span,
        )
      ).rows,
    )
    .map((row) => ({ ...row, kind: 'refund' as const, transactionId: '', refundStatus: 'SUCCESS' }))
  const bills = createBills(connect(demoDatabase, endpoint))

  const differing = await measure('the bill of a day', async () => {
    const now = new Date()
    await bills.due(plusDays(day, -7), day, day)
    const claim = await bills.claim(day, 'again', now, new Date(now.getTime() + LEASE_MS))
    if (claim === null) throw new Error('the bill is not to be had')
    const differences: unknown[] = []
    for (let from = 0; from < payments.length; from += BATCH)
      differences.push(...(await bills.matchPayments(claim, payments.slice(from, from + BATCH))))
    for (let from = 0; from < refunds.length; from += BATCH)
      differences.push(...(await bills.matchRefunds(claim, refunds.slice(from, from + BATCH))))
    differences.push(...(await bills.unbilledPayments(claim, MARGIN_MS, MOST_DIFFERENCES)))
    differences.push(...(await bills.unbilledRefunds(claim, MARGIN_MS, MOST_DIFFERENCES)))
    const result = {
      payments: payments.length,
      refunds: refunds.length,
      settled: 0,
      differences: differences.length,
    }
    await bills.finish(claim, { outcome: 'compared', ...result }, now)
    return differences.length
  })
  if (differing !== null && differing > 0)
    throw new Error(`the bill differs from the ledger in ${differing} rows`)
  return payments.length + refunds.length
}
