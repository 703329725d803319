/**
 * The merchant's actions on an order, for a person at the page: `POST /world/ship` and `POST
 * /world/refund`. They call the functions with the merchant key.
 *
 * They are refused beside a real service, because a page of another site could call them, too.
 */
import { randomUUID } from 'node:crypto'
import * as v from 'valibot'
import { Conflict, taking, type Route } from '../wechat/control-route.ts'
import type { CompleteEnvironment, StandIns } from './environment.ts'

interface Merchant {
  readonly url: string
  readonly env: CompleteEnvironment
  readonly standIns: StandIns
}

const outTradeNo = v.string('must be the number of an order')
const shipSchema = v.strictObject({ outTradeNo })
const refundSchema = v.strictObject({ outTradeNo, refundFee: v.number('must be an amount in fen') })
const answerSchema = v.record(v.string(), v.unknown())
const problemSchema = v.object({ detail: v.string() })

export function createMerchantActions({ url, env, standIns }: Merchant): readonly Route[] {
  const call = async (path: string, body: object): Promise<object> => {
    if (!standIns.payApi || !standIns.miniProgramApi || !standIns.database)
      throw new Conflict('a service is real, so use the console with the merchant key')
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${env.MERCHANT_API_KEY}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    })
    const answer = v.parse(answerSchema, await response.json())
    if (response.ok) return answer
    const problem = v.safeParse(problemSchema, answer)
    throw new Conflict(problem.success ? problem.output.detail : `status ${response.status}`)
  }
  return [
    taking(
      'POST',
      '/ship',
      'reports that an order was handed over to its payer, as the merchant’s own system does',
      { schema: shipSchema, example: { outTradeNo: 'order-1' } },
      (order) =>
        call('/api/shipping', {
          ...order,
          logisticsType: 'self_pickup',
          items: [{ itemDesc: order.outTradeNo }],
        }),
    ),
    taking(
      'POST',
      '/refund',
      'refunds an amount of an order, as the merchant’s own system does',
      { schema: refundSchema, example: { outTradeNo: 'order-1', refundFee: 100 } },
      (refund) =>
        call('/api/refund', {
          ...refund,
          outRefundNo: `refund-${randomUUID()}`,
        }),
    ),
  ]
}
