/**
 * All work that reads or writes the ledger, as clients and cron ask for it: payments and what
 * follows them, lists, a bill.
 */
import { randomBytes } from 'node:crypto'
import type { Pool } from 'pg'
import * as v from 'valibot'
import { createInstance } from '../../lib/composition.ts'
import { plusDays, startOf, type Day } from '../../lib/core/day.ts'
import { ok } from '../../lib/core/result.ts'
import { catchUp } from '../../lib/steps/catch-up.ts'
import { reconcileAgain } from '../../lib/steps/reconcile-bill.ts'
import { fen } from '../../lib/stores/rows.ts'
import { paymentArgumentsSchema } from '../wechat/request-payment.ts'
import type { World } from '../world/world.ts'
import { basket, call, orderAnswer, paidAnswer, PRICE, tokenAnswer, Unavailable } from './client.ts'
import { paymentSteps } from './payment-steps.ts'

/** Runs one step and records its cost. Returns null if the step was not answered in time. */
export type Measure = <T>(step: string, work: () => Promise<T>) => Promise<T | null>

const anything = v.unknown()
const listAnswer = v.object({ orders: v.array(anything) })
const sweepAnswer = v.object({ settled: v.number(), closed: v.number() })

/** @param openid a payer with a history */
export function createSteps(world: World, openid: string) {
  const { simulator: wechat, url } = world
  if (wechat === undefined) throw new Error('the world has no WeChat')
  const { MERCHANT_API_KEY: merchant, CRON_SECRET: cron } = world.env

  const logIn = async (who?: string) => {
    const body = { code: wechat.issueCode(who) }
    return (await call(tokenAnswer, `${url}/api/login`, { body })).token
  }
  const placeOrder = async (token: string) =>
    (await call(orderAnswer, `${url}/api/orders`, { token, body: basket })).outTradeNo
  /** WeChat does not notify the payment. */
  const payUnnotified = async (token: string) => {
    const outTradeNo = await placeOrder(token)
    const prepay = { token, body: { outTradeNo } }
    const { errMsg } = wechat.pay(await call(paymentArgumentsSchema, `${url}/api/prepay`, prepay))
    if (errMsg !== 'requestPayment:ok') throw new Error(errMsg)
    return outTradeNo
  }

  /** The steps of a payment that have a budget of hops. */
  async function pay(measure: Measure): Promise<void> {
    const steps = paymentSteps(world)
    for (let next = await steps.next(); next.done !== true;) {
      const { name, request } = next.value
      const answer = await measure(name, async () => {
        const response = await fetch(request)
        const body = await response.bytes()
        if (response.status >= 500) throw new Unavailable(`${name}: ${response.status}`)
        return new Response(body, response)
      })
      if (answer === null) return
      next = await steps.next(answer)
    }
  }

  async function afterPayment(measure: Measure): Promise<void> {
    const code = { code: wechat?.issueCode() }
    const logInAgain = () => call(tokenAnswer, `${url}/api/login`, { body: code })
    const { token } = await logInAgain()
    await measure('login, repeated', logInAgain)
    const unpaid = { token, body: { outTradeNo: await placeOrder(token) } }
    await measure('close', () => call(anything, `${url}/api/close`, unpaid))
    const outTradeNo = await payUnnotified(token)
    const query = (by: string) => call(paidAnswer, `${url}/api/query?${by}`, { token })
    const { transactionId } = await query(`outTradeNo=${outTradeNo}`)
    await measure('query, by payment number', () => query(`transactionId=${transactionId}`))
    const asMerchant = (path: string, body: object) =>
      call(anything, `${url}/api/${path}`, { token: merchant, body: { outTradeNo, ...body } })
    await measure('shipping', () =>
      asMerchant('shipping', { logisticsType: 'self_pickup', items: [{ itemDesc: '拿铁' }] }),
    )
    const outRefundNo = `R${outTradeNo}`
    await measure('refund', () => asMerchant('refund', { outRefundNo, refundFee: PRICE }))
    await measure('refund, asked about', () =>
      call(anything, `${url}/api/refund?outRefundNo=${outRefundNo}`, { token }),
    )
  }

  let payerToken: Promise<string> | undefined

  /** @param half the number of an order in the middle of the ledger */
  async function list(measure: Measure, half: string): Promise<void> {
    // Once for all rounds, because logins are limited.
    const payer = await (payerToken ??= logIn(openid))
    for (const [name, token, query] of [
      ['list of a payer', payer, ''],
      ['list of a payer, refunded', payer, '?tradeState=REFUND'],
      ['list of the shop', merchant, ''],
      [
        'list of the shop, from middle',
        merchant,
        `?cursor=${Buffer.from(half).toString('base64url')}`,
      ],
      ['list of the shop, refunded', merchant, '?tradeState=REFUND'],
      ['list of the shop, unpaid', merchant, '?tradeState=NOTPAY'],
    ] as const)
      await measure(name, () => call(listAnswer, `${url}/api/orders${query}`, { token }))
  }

  async function sweep(measure: Measure, pool: Pool): Promise<void> {
    const runCron = () => call(sweepAnswer, `${url}/api/cron`, { token: cron })
    await finishAll(pool)
    // The first run removes dead rows from the indexes.
    await runCron()
    await world.settled()
    const nothing = await measure('cron, nothing due', runCron)
    if (nothing !== null && nothing.settled + nothing.closed > 0)
      throw new Error('something was due')
    const token = await logIn()
    for (let one = 0; one < due.paid; one += 1) await payUnnotified(token)
    await makeDue(pool)
    await world.settled()
    const orders = due.paid + due.expired + due.open
    const done = await measure(`cron, ${orders} orders, ${due.events} events`, runCron)
    await world.settled()
    const left = await pool.query('select from events where delivered_at is null')
    const isAllDone =
      done?.settled === due.paid && done.closed === due.expired && left.rowCount === 0
    if (done !== null && !isAllDone) throw new Error('cron did not do all that was due')
    await finishAll(pool)
  }

  return { pay, afterPayment, list, sweep }
}

/** Orders that are paid and not notified, unpaid and expired, and unpaid; and events. */
const due = { paid: 20, expired: 40, open: 40, events: 100 }

/** Unpaid orders of this age. */
const insertOrders = (pool: Pool, count: number, age: string) =>
  pool.query(
    `insert into orders (out_trade_no, openid, total_fee, body, client_ip, notify_url, created_at, time_expire, request_hash)
     select $1 || n, 'oGrowthOpen', $2, '拿铁', '203.0.113.7', 'https://shop.example/api/notify', at, at + interval '2 hours', 'open'
     from generate_series(1, $3::integer) n, date_trunc('second', now() - $4::interval) at`,
    [`open-${randomBytes(8).toString('hex')}-`, PRICE, count, age],
  )

async function makeDue(pool: Pool): Promise<void> {
  await insertOrders(pool, due.expired, '3 hours')
  await insertOrders(pool, due.open, '1 minute')
  await pool.query(
    `insert into events (type, out_trade_no, data, created_at, next_attempt_at)
     select 'order.closed', $1 || n, json_build_object('outTradeNo', $1 || n), now(), now() from generate_series(1, $2::integer) n`,
    [`event-${randomBytes(8).toString('hex')}-`, due.events],
  )
}

/** Brings everything to a final state, so that nothing is due. */
async function finishAll(pool: Pool): Promise<void> {
  for (const statement of [
    `update orders set trade_state = 'CLOSED', closed_at = coalesce(closed_at, now()), closed_at_wechat = true
     where trade_state = 'NOTPAY' or (trade_state = 'CLOSED' and not closed_at_wechat)`,
    `update refunds set refund_status = 'SUCCESS', refund_id = coalesce(refund_id, out_refund_no) where refund_status in ('PROCESSING', 'CHANGE')`,
    `update shipments set shipping_state = 'UPLOADED', next_attempt_at = null where shipping_state = 'PENDING'`,
    'update events set delivered_at = now(), next_attempt_at = null where delivered_at is null',
  ])
    await pool.query(statement)
}

/** Placed in the last minutes, so that none is due. */
const ORDERS_OPEN = 1_200

/** The work of a function after its answer, while nothing is due. */
export async function catchUpIdle(measure: Measure, pool: Pool, env: World['env']): Promise<void> {
  await finishAll(pool)
  await insertOrders(pool, ORDERS_OPEN, '0')
  // The first call of a new instance catches up. Later calls do so only from time to time.
  await measure(`catch-up, ${ORDERS_OPEN.toLocaleString('en')} orders open`, () =>
    catchUp(createInstance(env).deps),
  )
}

const fee = v.pipe(v.string(), v.transform(Number), fen)
const row = { outTradeNo: v.string(), transactionId: v.string() }
const paymentRows = v.array(
  v.object({ kind: v.literal('payment'), ...row, totalFee: fee, feeType: v.string() }),
)
const refundRows = v.array(
  v.object({
    kind: v.literal('refund'),
    ...row,
    outRefundNo: v.string(),
    refundId: v.string(),
    refundFee: fee,
    refundStatus: v.string(),
  }),
)

/** As many rows as a batch of WeChat's bill has. */
const BATCH = 500

/**
 * Compares a bill with exactly the rows of the ledger, without a download. Returns the number of
 * its rows.
 */
export async function compareBill(
  measure: Measure,
  pool: Pool,
  env: World['env'],
  day: Day,
): Promise<number> {
  const span = [startOf(day), startOf(plusDays(day, 1))]
  const payments = await pool.query(
    `select 'payment' as kind, out_trade_no as "outTradeNo", transaction_id as "transactionId", total_fee as "totalFee", 'CNY' as "feeType"
     from payments where paid_at >= $1 and paid_at < $2`,
    span,
  )
  const refunds = await pool.query(
    `select 'refund' as kind, out_trade_no as "outTradeNo", '' as "transactionId", out_refund_no as "outRefundNo", refund_id as "refundId",
       refund_fee as "refundFee", 'SUCCESS' as "refundStatus"
     from refunds where accepted_at >= $1 and accepted_at < $2`,
    span,
  )
  const rows = [...v.parse(paymentRows, payments.rows), ...v.parse(refundRows, refunds.rows)]
  const { deps } = createInstance(env)
  async function* readBill() {
    for (let from = 0; from < rows.length; from += BATCH) yield ok(rows.slice(from, from + BATCH))
  }
  const compared = await measure('the bill of a day', () =>
    reconcileAgain(
      { ...deps, gateway: (account) => ({ ...deps.gateway(account), readBill }) },
      day,
    ),
  )
  if (compared !== null && !(compared.ok && compared.value.differences === 0))
    throw new Error(`the bill differs from the ledger: ${JSON.stringify(compared)}`)
  return rows.length
}
