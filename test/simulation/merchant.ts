/** The merchant's own system: takes every event, and judges it with the published library. */
import { Webhook } from 'standardwebhooks'
import * as v from 'valibot'

const message = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    type: v.string(),
    data: v.object({
      outTradeNo: v.optional(v.nullable(v.string())),
      outRefundNo: v.optional(v.string()),
    }),
  }),
)

export interface Delivery {
  readonly id: string
  readonly type: string
  readonly outTradeNo: string
  readonly isRightlySigned: boolean
}

export interface Merchant {
  readonly deliveries: Delivery[]
  readonly answer: (request: Request) => Promise<Response>
}

export function createMerchant(secret: string): Merchant {
  const webhook = new Webhook(secret)
  const deliveries: Delivery[] = []
  return {
    deliveries,
    async answer(request) {
      const body = await request.text()
      const { type, data } = v.parse(message, body)
      const isRightlySigned = attempt(() =>
        webhook.verify(body, Object.fromEntries(request.headers)),
      )
      deliveries.push({
        id: request.headers.get('webhook-id') ?? '',
        type,
        outTradeNo: data.outTradeNo ?? '',
        isRightlySigned,
      })
      return new Response(null, { status: 204 })
    },
  }
}

function attempt(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}
