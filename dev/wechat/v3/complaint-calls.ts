/** The calls about complaints: list, detail, history, reply, completion and refund decision. */
import * as v from 'valibot'
import { toBeijingText, toRfc3339 } from '../beijing.ts'
import { findOrder } from '../order.ts'
import { err, ok, type Result } from '../result.ts'
import type { Simulation } from '../simulation.ts'
import { readBody, text, wholeNumber } from './body.ts'
import type { V3Call, V3Operation } from './call.ts'
import type { StoredComplaint } from './complaint-state.ts'
import { isFullyRefunded, note } from './complaints.ts'
import { encryptField } from './encryption.ts'
import { queueComplaintNotification } from './notification.ts'
import { checkQuery } from './orders.ts'
import { badParameter, refuse, type V3Refusal } from './refusal.ts'

const LONGEST_RANGE_DAYS = 30
const DAY_MS = 86_400_000
const LARGEST_PAGE = 50
const LARGEST_HISTORY_PAGE = 300

const isCount =
  (least: number, most: number) =>
  (value: string): boolean =>
    /^\d{1,6}$/.test(value) && Number(value) >= least && Number(value) <= most

const isDay = (value: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value))

/** Oldest last, as in the merchant console. */
export const listComplaints: V3Operation = (call) => {
  const { simulation, incoming } = call
  const refused = checkQuery(
    incoming.url,
    { begin_date: isDay, end_date: isDay },
    {
      limit: isCount(1, LARGEST_PAGE),
      offset: isCount(0, 100_000),
      complainted_mchid: (mchid) => mchid === simulation.account.mchId,
    },
  )
  if (refused !== null) return err(refused)
  const parameter = (name: string, usual: string) => incoming.url.searchParams.get(name) ?? usual
  const [begin, end] = [parameter('begin_date', ''), parameter('end_date', '')]
  const days = (Date.parse(end) - Date.parse(begin)) / DAY_MS
  if (days < 0 || days >= LONGEST_RANGE_DAYS)
    return err(badParameter('end_date', '查询日期跨度不超过30天', 'query'))
  const [limit, offset] = [Number(parameter('limit', '10')), Number(parameter('offset', '0'))]
  const found = simulation.state.complaints
    .filter(({ createdAt }) => {
      const day = toBeijingText(createdAt).slice(0, 10)
      return begin <= day && day <= end
    })
    .toReversed()
  return ok({
    data: found.slice(offset, offset + limit).map((complaint) => describe(call, complaint)),
    limit,
    offset,
    total_count: found.length,
  })
}

export const findComplaint: V3Operation = (call) => {
  const refused = checkQuery(call.incoming.url, {}, {})
  if (refused !== null) return err(refused)
  const complaint = complaintOf(call)
  return complaint.ok ? ok(describe(call, complaint.value)) : complaint
}

export const listHistory: V3Operation = (call) => {
  const { url } = call.incoming
  const refused = checkQuery(
    url,
    {},
    { limit: isCount(1, LARGEST_HISTORY_PAGE), offset: isCount(0, 100_000) },
  )
  if (refused !== null) return err(refused)
  const complaint = complaintOf(call)
  if (!complaint.ok) return complaint
  const limit = Number(url.searchParams.get('limit') ?? 100)
  const offset = Number(url.searchParams.get('offset') ?? 0)
  const entries = complaint.value.history.toReversed()
  return ok({
    data: entries.slice(offset, offset + limit).map((entry) => ({
      log_id: entry.logId,
      operator: entry.operator,
      operate_time: toRfc3339(entry.at),
      operate_type: entry.type,
      operate_details: entry.details,
      image_list: [],
    })),
    limit,
    offset,
    total_count: entries.length,
  })
}

const mchid = text(64)
const httpsUrl = v.pipe(v.string(), v.regex(/^https:\/\/\S{1,500}$/, '链接格式错误'))

const responseSchema = v.strictObject({
  complainted_mchid: mchid,
  response_content: text(200),
  response_images: v.exactOptional(v.pipe(v.array(text(256)), v.maxLength(4, '最多4张图片'))),
  jump_url: v.exactOptional(httpsUrl),
  jump_url_text: v.exactOptional(text(10)),
  mini_program_jump_info: v.exactOptional(
    v.strictObject({ appid: text(32), path: text(512), text: text(10) }),
  ),
})

export const respond: V3Operation = (call) => {
  const asked = readAction(call, responseSchema)
  if (!asked.ok) return asked
  const { complaint, request } = asked.value
  if (complaint.state === 'PROCESSED') return err(wrongState('投诉单已处理完成'))
  complaint.state = 'PROCESSING'
  complaint.waitsForReply = false
  note(call.simulation, complaint, '商户', 'MERCHANT_RESPONSE', request.response_content)
  queueComplaintNotification(call.simulation, complaint.complaintId, 'MERCHANT_RESPONSE')
  return ok(null)
}

const completeSchema = v.strictObject({ complainted_mchid: mchid })

/** WeChat wants a reply first. */
export const complete: V3Operation = (call) => {
  const asked = readAction(call, completeSchema)
  if (!asked.ok) return asked
  const { complaint } = asked.value
  if (complaint.state !== 'PROCESSING') return err(wrongState('投诉单状态不是处理中'))
  complaint.state = 'PROCESSED'
  note(call.simulation, complaint, '商户', 'MERCHANT_CONFIRM_COMPLETE', '')
  queueComplaintNotification(call.simulation, complaint.complaintId, 'MERCHANT_CONFIRM_COMPLETE')
  return ok(null)
}

const decisionSchema = v.variant('action', [
  v.strictObject({
    action: v.literal('APPROVE'),
    launch_refund_day: wholeNumber(0),
    remark: v.exactOptional(text(200)),
  }),
  v.strictObject({
    action: v.literal('REJECT'),
    reject_reason: text(200),
    remark: v.exactOptional(text(200)),
  }),
])

/** Decides about the refund that the payer applies for. It moves no money. */
export const decideRefund: V3Operation = (call) => {
  const complaint = complaintOf(call)
  if (!complaint.ok) return complaint
  const read = readBody(decisionSchema, call.incoming)
  if (!read.ok) return read
  const found = complaint.value
  if (found.problemType !== 'REFUND') return err(wrongState('投诉单不是申请退款单'))
  if (found.decision !== null) return err(wrongState('退款申请已处理'))
  if (found.state === 'PROCESSED') return err(wrongState('投诉单已处理完成'))
  const { value: request } = read
  const isApproved = request.action === 'APPROVE'
  found.decision = request.action
  found.state = 'PROCESSING'
  found.waitsForReply = false
  note(
    call.simulation,
    found,
    '商户',
    // WeChat's spelling.
    isApproved ? 'MERCHANT_APPROVE_REFUND' : 'MERCHANT_REFUSE_RERUND',
    isApproved ? '' : request.reject_reason,
  )
  queueComplaintNotification(
    call.simulation,
    found.complaintId,
    isApproved ? 'MERCHANT_APPROVE_REFUND' : 'MERCHANT_REJECT_REFUND',
  )
  return ok(null)
}

function readAction<
  const S extends v.GenericSchema<unknown, { readonly complainted_mchid: string }>,
>(
  call: V3Call,
  schema: S,
): Result<{ readonly complaint: StoredComplaint; readonly request: v.InferOutput<S> }, V3Refusal> {
  const read = readBody(schema, call.incoming)
  if (!read.ok) return read
  if (read.value.complainted_mchid !== call.simulation.account.mchId)
    return err(badParameter('/complainted_mchid', '被诉商户号与签名的商户号不一致'))
  const complaint = complaintOf(call)
  return complaint.ok ? ok({ complaint: complaint.value, request: read.value }) : complaint
}

function complaintOf({ simulation, incoming }: V3Call): Result<StoredComplaint, V3Refusal> {
  const id = incoming.params['complaint_id'] ?? ''
  const found = simulation.state.complaints.find(({ complaintId }) => complaintId === id)
  return found === undefined
    ? err(refuse('RESOURCE_NOT_EXISTS', { message: '投诉单不存在' }))
    : ok(found)
}

const wrongState = (message: string): V3Refusal => refuse('INVALID_REQUEST', { message })

/** The phone number is encrypted for the merchant, as for every request that names a key. */
function describe({ simulation, v3, incoming }: V3Call, complaint: StoredComplaint): object {
  const order = findOrder(simulation.state, complaint.outTradeNo)
  return {
    complaint_id: complaint.complaintId,
    complaint_time: toRfc3339(complaint.createdAt),
    complaint_detail: complaint.detail,
    complaint_state: complaint.state,
    ...(incoming.headers.has('wechatpay-serial')
      ? { payer_phone: encryptField(v3.merchant.publicKey, complaint.phone) }
      : {}),
    payer_openid: complaint.openid,
    complaint_order_info: orderInfoOf(simulation, order?.outTradeNo ?? ''),
    complaint_full_refunded: isFullyRefunded(simulation, complaint),
    incoming_user_response: complaint.waitsForReply,
    user_complaint_times: complaint.times,
    complaint_media_list: [],
    problem_description: '其他问题',
    problem_type: complaint.problemType,
    ...(complaint.applyRefundAmount === null
      ? {}
      : { apply_refund_amount: complaint.applyRefundAmount }),
    user_tag_list: [],
  }
}

const orderInfoOf = ({ state }: Simulation, outTradeNo: string): readonly object[] => {
  const order = findOrder(state, outTradeNo)
  if (order === undefined || order.payment === null) return []
  const { transactionId } = order.payment
  return [{ transaction_id: transactionId, out_trade_no: outTradeNo, amount: order.totalFee }]
}
