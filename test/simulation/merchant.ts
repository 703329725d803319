/** The merchant's own system: it accepts every event and verifies it with the published library. */
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
  readonly isSignatureValid: boolean
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
      const isSignatureValid = succeeds(() =>
        webhook.verify(body, Object.fromEntries(request.headers)),
      )
      deliveries.push({
        id: request.headers.get('webhook-id') ?? '',
        type,
        outTradeNo: data.outTradeNo ?? '',
        isSignatureValid,
      })
      return new Response(null, { status: 204 })
    },
  }
}

function succeeds(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}
