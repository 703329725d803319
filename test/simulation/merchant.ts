/** The merchant's own system: it verifies each event with the published library. */
import { Webhook } from 'standardwebhooks'
import * as v from 'valibot'
import { never } from './instance.ts'

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
  /** In milliseconds since 1970. */
  readonly at: number
}

export interface Merchant {
  readonly deliveries: Delivery[]
  readonly answer: (request: Request) => Promise<Response>
}

export const RECEIVERS = ['accepts', 'redirects first', 'fails first', 'hangs first'] as const
/**
 * The answer to the first delivery of each event; `hangs` means none. Later ones are accepted.
 */
export type Receiver = (typeof RECEIVERS)[number]

export function createMerchant(
  secret: string,
  now: () => number,
  receiver: Receiver = 'accepts',
): Merchant {
  const webhook = new Webhook(secret)
  const seen = new Set<string>()
  const deliveries: Delivery[] = []
  return {
    deliveries,
    async answer(request) {
      const id = request.headers.get('webhook-id') ?? ''
      const isFirst = !seen.has(id)
      seen.add(id)
      if (isFirst && receiver === 'redirects first')
        return new Response(null, { status: 302, headers: { location: '/merchant/elsewhere' } })
      if (isFirst && receiver === 'fails first') return new Response(null, { status: 500 })
      if (isFirst && receiver === 'hangs first') return never()
      const body = await request.text()
      const { type, data } = v.parse(message, body)
      const isSignatureValid = succeeds(() =>
        webhook.verify(body, Object.fromEntries(request.headers)),
      )
      deliveries.push({
        id,
        type,
        outTradeNo: data.outTradeNo ?? '',
        isSignatureValid,
        at: now(),
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
