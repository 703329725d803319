/** Reads WeChat's answers about complaints. A malformed optional field counts as absent. */
import * as v from 'valibot'
import { COMPLAINT_STATES, type ComplaintEntry, type KnownComplaint } from '../../core/complaint.ts'
import { parseComplaintId } from '../../core/ids.ts'
import { err, ok } from '../../core/result.ts'
import { parsed } from '../../validation/parsed.ts'
import { parseRfc3339 } from '../../validation/rfc3339.ts'

/** PostgreSQL stores neither NUL nor lone surrogates. */
const storable = (text: string): string => text.replace(/[\0\p{Cs}]/gu, '')

const LONGEST_TEXT = 2_000

const text = v.fallback(
  v.pipe(
    v.string(),
    v.transform((value) => storable(value).slice(0, LONGEST_TEXT)),
  ),
  '',
)
const word = v.fallback(v.nullish(v.pipe(v.string(), v.regex(/^\w{1,64}$/)), null), null)
const fee = v.fallback(v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), null), null)
const flag = v.fallback(v.optional(v.boolean(), false), false)

const time = parsed(
  v.string(),
  (value) => {
    const at = parseRfc3339(value)
    return at === null ? err('no_time') : ok(at)
  },
  'a time of RFC 3339',
)

const payment = v.object({
  transaction_id: v.pipe(v.string(), v.regex(/^\w{1,32}$/)),
  out_trade_no: v.pipe(
    v.string(),
    v.maxLength(64),
    v.check((value) => storable(value) === value),
  ),
  amount: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
})

const complaint = v.object({
  complaint_id: parsed(v.string(), parseComplaintId, 'the number of a complaint'),
  complaint_time: time,
  complaint_state: v.picklist(COMPLAINT_STATES),
  complaint_detail: text,
  payer_openid: v.fallback(v.nullish(v.pipe(v.string(), v.regex(/^[\w-]{1,128}$/)), null), null),
  complaint_order_info: v.fallback(v.array(v.fallback(v.nullable(payment), null)), []),
  complaint_full_refunded: flag,
  incoming_user_response: flag,
  user_complaint_times: v.fallback(v.pipe(v.number(), v.safeInteger(), v.minValue(1)), 1),
  problem_type: word,
  apply_refund_amount: fee,
})

const page = v.object({
  data: v.array(complaint),
  total_count: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
})

const entries = v.object({
  data: v.array(
    v.object({
      log_id: v.fallback(v.string(), ''),
      operate_time: time,
      operator: text,
      operate_type: v.fallback(v.string(), ''),
      operate_details: text,
      image_list: v.fallback(v.array(v.string()), []),
    }),
  ),
})

const phone = v.object({ payer_phone: v.optional(v.string(), '') })
const notifyUrl = v.object({ url: v.string() })

type Row = v.InferOutput<typeof complaint>

function toComplaint(row: Row): KnownComplaint {
  const paid = row.complaint_order_info.find((one) => one !== null)
  return {
    complaintId: row.complaint_id,
    state: row.complaint_state,
    complainedAt: row.complaint_time,
    detail: row.complaint_detail,
    problemType: row.problem_type,
    openid: row.payer_openid,
    payment:
      paid === undefined
        ? null
        : {
            outTradeNo: paid.out_trade_no,
            transactionId: paid.transaction_id,
            totalFee: paid.amount,
          },
    applyRefundFee: row.apply_refund_amount,
    isFullyRefunded: row.complaint_full_refunded,
    isReplyAwaited: row.incoming_user_response,
    times: row.user_complaint_times,
  }
}

/** Null if a required field is missing or malformed. */
export function readComplaint(json: unknown): KnownComplaint | null {
  const read = v.safeParse(complaint, json)
  return read.success ? toComplaint(read.output) : null
}

export function readComplaints(
  json: unknown,
): { readonly complaints: readonly KnownComplaint[]; readonly total: number } | null {
  const read = v.safeParse(page, json)
  if (!read.success) return null
  return { complaints: read.output.data.map(toComplaint), total: read.output.total_count }
}

/**
 * Sorts the entries, oldest first. WeChat's times are whole seconds. In the same second, the later
 * entry has the larger number.
 */
export function readHistory(json: unknown): readonly ComplaintEntry[] | null {
  const read = v.safeParse(entries, json)
  if (!read.success) return null
  return read.output.data
    .toSorted(
      (one, other) =>
        one.operate_time.getTime() - other.operate_time.getTime() ||
        (one.log_id < other.log_id ? -1 : 1),
    )
    .map((row) => ({
      at: row.operate_time,
      operator: row.operator,
      type: row.operate_type,
      text: row.operate_details,
      images: row.image_list,
    }))
}

/** The phone number as WeChat encrypted it; empty if WeChat has no number. */
export function readSealedPhone(json: unknown): string | null {
  const read = v.safeParse(phone, json)
  return read.success ? read.output.payer_phone : null
}

export function readNotifyUrl(json: unknown): string | null {
  const read = v.safeParse(notifyUrl, json)
  return read.success ? read.output.url : null
}
