/** The data that the simulator stores. */
import * as v from 'valibot'
import { billTamperingSchema } from './bill-tampering.ts'
import { settingsSchema } from './settings.ts'
import { complaintSchema } from './v3/complaint-state.ts'
import { storedKeysSchema } from './v3/stored-keys.ts'

const signTypeSchema = v.picklist(['MD5', 'HMAC-SHA256'])
const fieldsSchema = v.record(v.string(), v.string())

/**
 * One code of `wx.login`. The session exists from the start, so that user data can be encrypted
 * before the server logs in.
 */
const loginSchema = v.object({
  code: v.string(),
  openid: v.string(),
  sessionKey: v.string(),
  issuedAt: v.number(),
  usedAt: v.nullable(v.number()),
})

/** One tap on the phone number button that was allowed. */
const phoneCodeSchema = v.object({
  code: v.string(),
  openid: v.string(),
  phoneNumber: v.string(),
  issuedAt: v.number(),
  usedAt: v.nullable(v.number()),
})

const refundSchema = v.object({
  outRefundNo: v.string(),
  refundId: v.string(),
  refundFee: v.number(),
  refundAccount: v.string(),
  requestSource: v.picklist(['API', 'VENDOR_PLATFORM']),
  /** The protocol of the refund, and of its notification. */
  api: v.optional(v.picklist(['v2', 'v3']), 'v2'),
  /** If it is empty, no notification is sent at the end. */
  notifyUrl: v.string(),
  createdAt: v.number(),
  /** Until then the state is PROCESSING. */
  endsAt: v.number(),
  endsAs: v.picklist(['SUCCESS', 'CHANGE', 'REFUNDCLOSE']),
  /** Whether the end was processed: see `processEndedRefunds`. */
  endNoted: v.boolean(),
  /** Whether it was abnormal and is paid to a bank card. */
  recovered: v.optional(v.boolean(), false),
  /** The account that it is paid to after that: bank, number and name. */
  paidTo: v.optional(v.nullable(v.string()), null),
})

const parcelSchema = v.object({
  trackingNo: v.string(),
  expressCompany: v.string(),
  itemDesc: v.string(),
  uploadedAt: v.number(),
})

const shipmentSchema = v.object({
  logisticsType: v.number(),
  deliveryMode: v.number(),
  parcels: v.array(parcelSchema),
  /** `upload_time` of the latest report. */
  uploadedAt: v.number(),
  finished: v.boolean(),
  /** Whether a finished shipment was changed. WeChat allows one change. */
  changed: v.boolean(),
  /** When the last parcel was reported, by the simulator's clock. Null: parcels are missing. */
  shippedAt: v.optional(v.nullable(v.number()), null),
  /** When the payer confirmed the receipt. Null: not, or WeChat does so automatically. */
  confirmedAt: v.optional(v.nullable(v.number()), null),
  /** Whether the shop has reported that the carrier delivered it. */
  isReceiptReported: v.optional(v.boolean(), false),
})

const orderSchema = v.object({
  outTradeNo: v.string(),
  openid: v.string(),
  totalFee: v.number(),
  /** RSA if the order was created with APIv3. */
  signType: v.picklist(['MD5', 'HMAC-SHA256', 'RSA']),
  notifyUrl: v.string(),
  /**
   * The unified order without `nonce_str`, `sign` and empty fields, sorted by name. A repeated
   * request must equal it.
   */
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

const v3EventSchema = v.object({
  id: v.string(),
  createdAt: v.number(),
  /** The number of notifications before it. */
  sequence: v.number(),
  eventType: v.string(),
  summary: v.string(),
  originalType: v.string(),
  /** The resource before its encryption. */
  plain: v.string(),
})

const notificationSchema = v.object({
  outTradeNo: v.string(),
  url: v.string(),
  /** Without a meaning in APIv3. */
  signType: signTypeSchema,
  message: fieldsSchema,
  /** The content of `req_info` in a refund notification. Null for a payment. */
  reqInfo: v.optional(v.nullable(fieldsSchema), null),
  /** The content of a notification of APIv3, which has no `message`. Null for v2. */
  v3: v.optional(v.nullable(v3EventSchema), null),
  attempts: v.array(attemptSchema),
  /** The number of deliveries by the schedule. Copies that are sent in parallel count once. */
  rounds: v.number(),
  acknowledged: v.boolean(),
  nextDueAt: v.nullable(v.number()),
})

const pushSchema = v.object({
  /** In WeChat's names. */
  fields: v.record(v.string(), v.union([v.string(), v.number()])),
  attempts: v.array(attemptSchema),
  /** The number of deliveries by the schedule. Copies that are sent in parallel count once. */
  rounds: v.number(),
  acknowledged: v.boolean(),
  nextDueAt: v.nullable(v.number()),
})

const tokenSchema = v.object({
  token: v.string(),
  issuedAt: v.number(),
  expiresAt: v.number(),
  /** Requested with `force_refresh`, which is limited. */
  forced: v.boolean(),
  revoked: v.boolean(),
})

/** The calls with an access token in one minute, by path. */
const minuteSchema = v.object({ startedAt: v.number(), calls: v.record(v.string(), v.number()) })

/** Fields with a default are newer than the oldest state files, which lack them. */
export const stateSchema = v.object({
  version: v.literal(1),
  /**
   * The offset of the simulator's own clock in earlier versions. Now the world has one clock
   * (`dev/world/clock.ts`).
   */
  clockOffsetMs: v.optional(v.number(), 0),
  logins: v.array(loginSchema),
  phoneCodes: v.optional(v.array(phoneCodeSchema), () => []),
  orders: v.array(orderSchema),
  notifications: v.array(notificationSchema),
  /** The pages that WeChat opens for an order. Empty: not set. */
  orderPage: v.optional(v.string(), ''),
  shippingPage: v.optional(v.string(), ''),
  /** The messages of message push. */
  pushes: v.optional(v.array(pushSchema), () => []),
  /** The amount that refunds are paid from, in fen. Null: enough. */
  balance: v.optional(v.nullable(v.number()), null),
  minute: v.optional(minuteSchema, () => ({ startedAt: 0, calls: {} })),
  /** Newest first. */
  tokens: v.optional(v.array(tokenSchema), () => []),
  billTampering: v.optional(billTamperingSchema, () => ({})),
  settings: v.optional(settingsSchema, () => ({})),
  complaints: v.optional(v.array(complaintSchema), () => []),
  /** The URL that the merchant registered for complaints. Null: none is notified. */
  complaintUrl: v.optional(v.nullable(v.string()), null),
  /** The keys that WeChat signs APIv3 with. Null before the first change with APIv3. */
  wechatKeys: v.optional(v.nullable(storedKeysSchema), null),
})

export type Login = v.InferOutput<typeof loginSchema>
export type AccessToken = v.InferOutput<typeof tokenSchema>
export type StoredRefund = v.InferOutput<typeof refundSchema>
export type Parcel = v.InferOutput<typeof parcelSchema>
export type Shipment = v.InferOutput<typeof shipmentSchema>
export type StoredOrder = v.InferOutput<typeof orderSchema>
export type Attempt = v.InferOutput<typeof attemptSchema>
export type SimulatedNotification = v.InferOutput<typeof notificationSchema>
export type SimulatedPush = v.InferOutput<typeof pushSchema>
export type State = v.InferOutput<typeof stateSchema>
