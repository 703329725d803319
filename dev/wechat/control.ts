/** The simulator's own HTTP interface, for a person with curl and for tests in another process. */
import { Hono, type Context } from 'hono'
import * as v from 'valibot'
import { parseOpenid } from '../../lib/core/ids.ts'
import { toRfc3339 } from '../../lib/core/time.ts'
import { billTamperingSchema } from './bill-tampering.ts'
import { faultSchema } from './faults.ts'
import { paymentArgumentsSchema } from './request-payment.ts'
import { settingsChangeSchema } from './settings.ts'
import type { Simulator } from './simulator.ts'

const openidSchema = v.optional(
  v.pipe(
    v.string(),
    v.check((text) => parseOpenid(text).ok, 'must be 1 to 128 letters, digits, _ or -'),
  ),
)
const loginSchema = v.strictObject({ openid: openidSchema })
const paySchema = v.object({ ...paymentArgumentsSchema.entries, openid: openidSchema, payer: v.optional(v.picklist(['pays', 'cancels'])) })
/** Far enough for every span of the protocol, and no date beyond what a date can hold. */
const LONGEST_ADVANCE_SECONDS = 10 * 366 * 86_400
const clockSchema = v.strictObject({ advanceSeconds: v.pipe(v.number(), v.minValue(0), v.maxValue(LONGEST_ADVANCE_SECONDS)) })

const amount = v.pipe(v.number(), v.integer(), v.minValue(0))
const refundSchema = v.strictObject({ outTradeNo: v.string(), refundFee: amount })
const balanceSchema = v.strictObject({ balance: v.nullable(amount) })

/** Steers this simulator from outside; every answer is JSON, a body that does not fit is a 400 that says why. */
export function createControl(simulator: Simulator): Hono {
  const control = new Hono()
  control.post('/login', (context) =>
    withBody(context, loginSchema, ({ openid }) => {
      const code = simulator.issueCode(openid)
      return { code, userData: simulator.userData(code) }
    }),
  )
  control.post('/pay', (context) => withBody(context, paySchema, ({ openid, payer, ...args }) => simulator.pay(args, openid, payer)))
  control.post('/clock', (context) =>
    withBody(context, clockSchema, ({ advanceSeconds }) => {
      simulator.advance(advanceSeconds * 1000)
      return { now: toRfc3339(new Date(simulator.now())) }
    }),
  )
  control.post('/faults', (context) =>
    withBody(context, faultSchema, (fault) => {
      simulator.misbehave(fault)
      return { fault }
    }),
  )
  control.delete('/faults', (context) => {
    simulator.clearFaults()
    return context.json({})
  })
  control.post('/refund', (context) =>
    withBody(context, refundSchema, ({ outTradeNo, refundFee }) => ({ refund: simulator.refundInConsole(outTradeNo, refundFee) })),
  )
  control.post('/balance', (context) =>
    withBody(context, balanceSchema, ({ balance }) => {
      simulator.setBalance(balance)
      return { balance }
    }),
  )
  control.post('/settings', (context) =>
    withBody(context, settingsChangeSchema, (settings) => ({ settings: simulator.changeSettings(settings) })),
  )
  control.post('/bill', (context) =>
    withBody(context, billTamperingSchema, (tampering) => {
      simulator.tamperBill(tampering)
      return { tampering }
    }),
  )
  control.delete('/token', (context) => {
    simulator.revokeToken()
    return context.json({})
  })
  control.get('/refunds', (context) => context.json({ refunds: simulator.refunds() }))
  control.get('/shipments', (context) => context.json({ shipments: simulator.shipments() }))
  control.get('/orders', (context) => context.json({ orders: simulator.orders() }))
  control.get('/notifications', (context) => context.json({ notifications: simulator.notifications() }))
  control.get('/wire', (context) => context.json({ wire: simulator.wire }))
  return control
}

async function withBody<const S extends v.GenericSchema>(
  context: Context,
  schema: S,
  answer: (body: v.InferOutput<S>) => object,
): Promise<Response> {
  const text = await context.req.text()
  const parsed = v.safeParse(schema, text === '' ? {} : parseJson(text))
  if (parsed.success) return answerOrRefuse(context, () => answer(parsed.output))
  const [issue] = parsed.issues
  return context.json({ error: `${v.getDotPath(issue) ?? 'body'}: ${issue.message}` }, 400)
}

/** What the simulator refuses to do it says by a TypeError. */
function answerOrRefuse(context: Context, answer: () => object): Response {
  try {
    return context.json(answer())
  } catch (error) {
    if (error instanceof TypeError) return context.json({ error: error.message }, 400)
    throw error
  }
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? undefined : value
  } catch {
    return undefined
  }
}
