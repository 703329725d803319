/** Queries and closes orders. */
import * as v from 'valibot'
import { err, ok, type Result } from '../result.ts'
import type { Incoming } from '../exchange.ts'
import { findOrder, tradeStateOf } from '../order.ts'
import type { Simulation } from '../simulation.ts'
import { readBody, text } from './body.ts'
import type { V3Operation } from './call.ts'
import { badParameter, refuse, type V3Refusal } from './refusal.ts'
import { describeTransaction } from './transaction.ts'

export const queryByOrderNumber: V3Operation = ({ simulation, incoming }) => {
  const refused = findBadMerchant(simulation, incoming)
  if (refused !== null) return err(refused)
  const order = findOrder(simulation.state, incoming.params['out_trade_no'] ?? '')
  return order === undefined
    ? err(refuse('ORDER_NOT_EXIST'))
    : ok(describeTransaction(order, simulation.account, simulation.now()))
}

/** Finds paid orders only. */
export const queryByTransaction: V3Operation = ({ simulation, incoming }) => {
  const refused = findBadMerchant(simulation, incoming)
  if (refused !== null) return err(refused)
  const transactionId = incoming.params['transaction_id'] ?? ''
  const order = simulation.state.orders.find(
    ({ payment }) => payment?.transactionId === transactionId,
  )
  return order === undefined
    ? err(refuse('ORDER_NOT_EXIST'))
    : ok(describeTransaction(order, simulation.account, simulation.now()))
}

const findBadMerchant = ({ account }: Simulation, { url }: Incoming): V3Refusal | null =>
  checkQuery(url, { mchid: (mchid) => mchid === account.mchId }, {})

/** Every required parameter, and no unknown one. */
export function checkQuery(
  url: URL,
  required: Readonly<Record<string, (value: string) => boolean>>,
  optional: Readonly<Record<string, (value: string) => boolean>>,
): V3Refusal | null {
  const missing = Object.keys(required).find((name) => !url.searchParams.has(name))
  if (missing !== undefined) return badParameter(missing, '缺少必填参数', 'query')
  const rules = new Map(Object.entries({ ...required, ...optional }))
  for (const [name, value] of url.searchParams) {
    const accepts = rules.get(name)
    if (accepts === undefined) return badParameter(name, '存在未定义的参数', 'query')
    if (!accepts(value)) return badParameter(name, '参数格式错误', 'query')
  }
  return null
}

const closeSchema = v.strictObject({ mchid: text(32) })

/** Closes an unpaid order at any age. Closing it again succeeds. */
export const close: V3Operation = ({ simulation, v3, incoming }): Result<null, V3Refusal> => {
  const read = readBody(closeSchema, incoming)
  if (!read.ok) return read
  if (read.value.mchid !== simulation.account.mchId)
    return err(badParameter('/mchid', '商户号与签名的商户号不一致'))
  const order = findOrder(simulation.state, incoming.params['out_trade_no'] ?? '')
  if (order === undefined) return err(refuse('ORDER_NOT_EXIST'))
  // WeChat's pages name both codes.
  if (order.payment !== null)
    return err(
      v3.takeTurn() === 'first'
        ? refuse('ORDER_PAID')
        : refuse('TRADE_ERROR', { message: '该订单已支付', number: 268449538 }),
    )
  const now = simulation.now()
  if (tradeStateOf(order, now) !== 'CLOSED') order.closedAt = now
  return ok(null)
}
