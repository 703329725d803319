/** What the simulator remembers, and how it survives a restart. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import * as v from 'valibot'
import { tokenSchema } from './access-token.ts'
import { billTamperingSchema } from './bill-tampering.ts'
import { refundSchema } from './refund.ts'
import { settingsSchema } from './settings.ts'
import { shipmentSchema } from './shipment.ts'

const signTypeSchema = v.picklist(['MD5', 'HMAC-SHA256'])
const fieldsSchema = v.record(v.string(), v.string())

/** One code of `wx.login`; the session exists from the start, so that user data can be encrypted before the server logs in. */
const loginSchema = v.object({
  code: v.string(),
  openid: v.string(),
  sessionKey: v.string(),
  issuedAt: v.number(),
  usedAt: v.nullable(v.number()),
})

const orderSchema = v.object({
  outTradeNo: v.string(),
  openid: v.string(),
  totalFee: v.number(),
  signType: signTypeSchema,
  notifyUrl: v.string(),
  /** The unified order without `nonce_str`, `sign` and empty fields, in order of names: what a repeat has to equal. */
  request: fieldsSchema,
  createdAt: v.number(),
  expiresAt: v.nullable(v.number()),
  prepayId: v.string(),
  prepaidAt: v.number(),
  closedAt: v.nullable(v.number()),
  payment: v.nullable(
    v.object({ transactionId: v.string(), paidAt: v.number(), bankType: v.string() }),
  ),
  refunds: v.optional(v.array(refundSchema), () => []),
  shipment: v.optional(v.nullable(shipmentSchema), null),
})

const attemptSchema = v.object({
  at: v.number(),
  status: v.nullable(v.number()),
  answer: v.nullable(v.string()),
  problem: v.nullable(v.string()),
})

const notificationSchema = v.object({
  outTradeNo: v.string(),
  url: v.string(),
  signType: signTypeSchema,
  message: fieldsSchema,
  /** What `req_info` holds, in the news of a refund; null in that of a payment. */
  reqInfo: v.optional(v.nullable(fieldsSchema), null),
  attempts: v.array(attemptSchema),
  /** Deliveries counted by the schedule; copies sent at once are one. */
  rounds: v.number(),
  acknowledged: v.boolean(),
  nextDueAt: v.nullable(v.number()),
})

/** Parts with a default came later: a file without them is read all the same. */
const stateSchema = v.object({
  version: v.literal(1),
  /** How far the simulator's own clock was ahead, in earlier versions. Now the whole world has one clock (`dev/world/clock.ts`). */
  clockOffsetMs: v.optional(v.number(), 0),
  logins: v.array(loginSchema),
  orders: v.array(orderSchema),
  notifications: v.array(notificationSchema),
  /** What refunds can be paid from, in fen; null: always enough. */
  balance: v.optional(v.nullable(v.number()), null),
  /** Newest first. */
  tokens: v.optional(v.array(tokenSchema), () => []),
  billTampering: v.optional(billTamperingSchema, () => ({})),
  settings: v.optional(settingsSchema, () => ({})),
})

const EMPTY = { version: 1, logins: [], orders: [], notifications: [] } as const

export type Login = v.InferOutput<typeof loginSchema>
export type StoredOrder = v.InferOutput<typeof orderSchema>
export type Attempt = v.InferOutput<typeof attemptSchema>
export type SimulatedNotification = v.InferOutput<typeof notificationSchema>
export type State = v.InferOutput<typeof stateSchema>

/** The state kept in a file, or an empty one where there is none. A file that does not fit is refused, never emptied. */
export function loadState(file: string | undefined): State {
  if (file === undefined || !existsSync(file)) return v.parse(stateSchema, EMPTY)
  const parsed = v.safeParse(stateSchema, parseJson(readFileSync(file, 'utf8')))
  if (parsed.success) return parsed.output
  throw new Error(
    `The WeChat simulator cannot read its state in ${file}: it is damaged or of another version. Move it away to start empty.`,
  )
}

/** Writes beside the file and renames, so that a crash leaves the old state or the new one, never half of one. */
export function saveState(file: string | undefined, state: State): void {
  if (file === undefined) return
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.tmp`, JSON.stringify(state))
  renameSync(`${file}.tmp`, file)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
