/**
 * Reads a notification, from the bytes received to a verified value. Unlike v2, a refund
 * notification is signed, too.
 */
import * as v from 'valibot'
import type { Failure, MessageCheck } from '../../core/failure.ts'
import { parseComplaintId } from '../../core/ids.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type {
  Acknowledgement,
  IncomingMessage,
  MessageHead,
  ReadNotification,
} from '../../ports.ts'
import { parsed } from '../../validation/parsed.ts'
import { readJson } from './json.ts'
import type { PlatformKeys } from './platform-keys.ts'
import { parseRefundStatus } from './refund-status.ts'
import { openResource, sealedResource } from './resource.ts'
import type { V3Settings } from './settings.ts'
import { fenAmount, toConfirmation } from './transaction.ts'
import { verifyMessage } from './verify.ts'

type Read = Result<ReadNotification, Failure>

const text = v.pipe(v.string(), v.nonEmpty())

const event = v.object({ event_type: v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/)) })

const envelope = v.object({
  id: text,
  create_time: text,
  resource_type: v.literal('encrypt-resource'),
  summary: v.string(),
  resource: v.object({ ...sealedResource.entries, original_type: text }),
})

const payment = v.object({
  appid: v.string(),
  mchid: v.string(),
  trade_state: v.string(),
  attach: v.optional(v.string(), ''),
})

const refund = v.object({
  mchid: v.string(),
  transaction_id: text,
  out_trade_no: text,
  out_refund_no: text,
  refund_id: v.pipe(v.string(), v.regex(/^\w{1,32}$/)),
  refund_status: v.string(),
  amount: v.object({ refund: fenAmount }),
})

const complaint = v.object({
  complaint_id: parsed(v.string(), parseComplaintId, 'the number of a complaint'),
})

const echo = v.object({ echo_message: v.string() })

/** Fields of a combine order or of a service provider's merchant. */
const OTHER_PRODUCTS = ['combine_out_trade_no', 'sp_mchid', 'sub_mchid']

/**
 * Whether a message has the headers of APIv3, or is JSON without them because a proxy dropped them.
 * In APIv3, status 200 acknowledges a message whatever the body says. A refusal in APIv2 has status
 * 200. So JSON must not be refused in the form of APIv2.
 */
export const recognizes = ({ headers }: MessageHead): boolean =>
  [...headers.keys()].some((name) => name.startsWith('wechatpay-')) ||
  /^application\/json\b/i.test(headers.get('content-type') ?? '')

/**
 * A verified notification of another kind is `unknown`. It is not refused, because WeChat would
 * send it again for a day.
 */
export async function readNotification(
  settings: V3Settings,
  keys: PlatformKeys,
  { headers, bytes }: IncomingMessage,
  now: Date,
): Promise<Read> {
  const check = await verifyMessage(keys, headers, bytes, now)
  if (check !== null) return rejected(check)
  const json = readJson(bytes)
  if (!json.ok) return rejected(json.error)
  const named = v.safeParse(event, json.value)
  if (!named.success) return rejected('content')
  const name = named.output.event_type
  const original = originalType(name)
  if (original === null) return ok({ kind: 'unknown', name })

  const sealed = v.safeParse(envelope, json.value)
  if (!sealed.success || sealed.output.resource.original_type !== original)
    return rejected('content')
  const opened = openResource(settings.apiKey, sealed.output.resource)
  if (opened === null) return rejected('decryption')
  const plain = readJson(opened)
  if (!plain.ok) return rejected(plain.error)
  const other = OTHER_PRODUCTS.find((field) => hasField(plain.value, field))
  if (other !== undefined) return ok({ kind: 'unknown', name: `${name} with ${other}` })
  if (original === 'transaction') return readPayment(settings, plain.value)
  if (original === 'complaint') return readComplaint(plain.value)
  return original === 'refund' ? readRefund(settings, plain.value) : readEcho(plain.value)
}

/** The `original_type` that belongs to an event; null for a kind that is unknown here. */
function originalType(name: string): 'transaction' | 'refund' | 'complaint' | 'security' | null {
  if (name === 'TRANSACTION.SUCCESS') return 'transaction'
  if (/^REFUND\.(?:SUCCESS|ABNORMAL|CLOSED)$/.test(name)) return 'refund'
  if (name === 'COMPLAINT.CREATE' || name === 'COMPLAINT.STATE_CHANGE') return 'complaint'
  return name.startsWith('SECURITY_ECHO.') ? 'security' : null
}

const hasField = (value: unknown, name: string): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)

function readPayment({ appid, mchId }: V3Settings, plain: unknown): Read {
  const read = v.safeParse(payment, plain)
  if (!read.success) return rejected('content')
  if (read.output.appid !== appid || read.output.mchid !== mchId) return rejected('merchant')
  if (read.output.trade_state !== 'SUCCESS') return ok({ kind: 'not_paid' })
  const confirmation = toConfirmation(plain)
  if (confirmation === null) return rejected('content')
  const attach = read.output.attach || null
  // The fields of JSON cannot run into each other, as those of a v2 signature can.
  return ok({
    kind: 'paid',
    confirmation,
    attach,
    undocumented: null,
    mayAttachHideFields: false,
  })
}

/**
 * It proves the APIv3 key by being decrypted. WeChat does not document its content, so it may lack
 * the message.
 */
function readEcho(plain: unknown): Read {
  const read = v.safeParse(echo, plain)
  return ok({ kind: 'echo', message: read.success ? read.output.echo_message : '' })
}

/** It names no merchant and no state: WeChat is asked about the complaint. */
function readComplaint(plain: unknown): Read {
  const read = v.safeParse(complaint, plain)
  return read.success
    ? ok({ kind: 'complaint', complaintId: read.output.complaint_id })
    : rejected('content')
}

/** A refund notification has no `appid`. */
function readRefund({ mchId }: V3Settings, plain: unknown): Read {
  const read = v.safeParse(refund, plain)
  if (!read.success) return rejected('content')
  const { mchid, out_trade_no, out_refund_no, ...facts } = read.output
  if (mchid !== mchId) return rejected('merchant')
  const refundStatus = parseRefundStatus(facts.refund_status)
  if (refundStatus === null) return rejected('content')
  const named = { outTradeNo: out_trade_no, outRefundNo: out_refund_no, refundStatus }
  const verified = {
    ...named,
    transactionId: facts.transaction_id,
    refundId: facts.refund_id,
    refundFee: facts.amount.refund,
  }
  return ok({ kind: 'refund', ...named, verified })
}

const rejected = (check: MessageCheck): Read => err({ reason: 'notice_rejected', check })

/** Failures that another attempt of WeChat does not change by itself. */
const REFUSALS: ReadonlySet<Failure['reason']> = new Set([
  'notice_rejected',
  'notice_contradicts',
  'refund_not_found',
])

/** WeChat sends the notification again unless the status is 200 or 204. */
export function acknowledge(handled: Result<unknown, Failure>): Acknowledgement {
  const [code, message] = handled.ok ? ['SUCCESS', 'OK'] : ['FAIL', 'NOT TAKEN']
  return {
    status: handled.ok ? 200 : statusOf(handled.error.reason),
    contentType: 'application/json; charset=utf-8',
    body: JSON.stringify({ code, message }),
  }
}

function statusOf(reason: Failure['reason']): number {
  if (reason === 'body_too_large') return 413
  return REFUSALS.has(reason) ? 400 : 500
}
