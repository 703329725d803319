/** The rules of WeChat for a shipping report. */
import * as v from 'valibot'
import { err, ok, type Result } from './result.ts'
import { parseRfc3339 } from './beijing.ts'
import { apiError, type ApiError } from './json-answer.ts'
import { orderKeySchema } from './order-key.ts'
import type { Parcel } from './state.ts'

const text = v.optional(v.string(), '')
const contactSchema = v.object({ consignor_contact: text, receiver_contact: text })
const parcelSchema = v.object({
  tracking_no: text,
  express_company: text,
  item_desc: v.optional(v.string()),
  contact: v.optional(contactSchema),
})
const bodySchema = v.object({
  order_key: orderKeySchema,
  logistics_type: v.optional(v.number()),
  delivery_mode: v.optional(v.number()),
  is_all_delivered: v.optional(v.boolean()),
  shipping_list: v.optional(v.array(parcelSchema), () => []),
  upload_time: text,
  payer: v.optional(v.object({ openid: text }), () => ({})),
})

type Body = v.InferOutput<typeof bodySchema>
type GivenParcel = v.InferOutput<typeof parcelSchema>

/** One valid report. */
export interface ShippingReport {
  readonly orderKey: v.InferOutput<typeof orderKeySchema>
  readonly logisticsType: number
  readonly deliveryMode: number
  /** Whether nothing is left to ship. */
  readonly finishes: boolean
  readonly parcels: readonly Parcel[]
  readonly uploadedAt: number
  readonly openid: string
}

const EXPRESS = 1
const UNIFIED = 1
export const SPLIT = 2
/** The newer page says 15, the list of errors 10. */
export const MOST_PARCELS = 15
/** In characters, as WeChat counts here. */
const LONGEST_ITEM_DESC = 120
const LONGEST_NUMBER = 128
const LONGEST_CONTACT = 1024

export function readShippingReport(given: unknown): Result<ShippingReport, ApiError> {
  const parsed = v.safeParse(bodySchema, given)
  if (!parsed.success) return err(apiError(10060014))
  const body = parsed.output
  const problem = findProblem(body)
  if (problem !== null) return err(apiError(problem))
  const uploadedAt = parseRfc3339(body.upload_time)
  if (uploadedAt === null) return err(apiError(268485216))
  return ok({
    orderKey: body.order_key,
    logisticsType: body.logistics_type ?? 0,
    deliveryMode: body.delivery_mode ?? 0,
    finishes: body.delivery_mode === UNIFIED || body.is_all_delivered === true,
    parcels: body.shipping_list.map(({ tracking_no, express_company, item_desc = '' }) => ({
      trackingNo: tracking_no,
      expressCompany: express_company,
      itemDesc: item_desc,
      uploadedAt,
    })),
    uploadedAt,
    openid: body.payer.openid,
  })
}

function findProblem(body: Body): number | null {
  const { logistics_type, delivery_mode, shipping_list } = body
  if (![1, 2, 3, 4].includes(logistics_type ?? 0)) return 10060005
  if (delivery_mode !== UNIFIED && delivery_mode !== SPLIT) return 268485224
  if (delivery_mode === SPLIT && logistics_type !== EXPRESS) return 10060006
  if (delivery_mode === SPLIT && body.is_all_delivered === undefined) return 10060007
  if (delivery_mode === UNIFIED && shipping_list.length !== 1) return 268485228
  if (shipping_list.length === 0) return 10060014
  if (shipping_list.length > MOST_PARCELS) return 10060024
  for (const parcel of shipping_list) {
    const problem =
      (logistics_type === EXPRESS ? findBadExpress(parcel) : null) ?? findBadDescription(parcel)
    if (problem !== null) return problem
  }
  return body.payer.openid === '' || body.payer.openid.length > LONGEST_NUMBER ? 10060014 : null
}

function findBadExpress({ tracking_no, express_company, contact }: GivenParcel): number | null {
  if (tracking_no === '') return 268485226
  if (express_company === '') return 268485227
  if (express_company.length > LONGEST_NUMBER) return 10060025
  if (tracking_no.length > LONGEST_NUMBER) return 10060026
  // SF needs a contact to track a parcel.
  const needsContact =
    express_company === 'SF' && !contact?.consignor_contact && !contact?.receiver_contact
  const contacts = [contact?.consignor_contact ?? '', contact?.receiver_contact ?? '']
  return needsContact || !contacts.every(isMaskedContact) ? 10060014 : null
}

/** Absent, or masked except for the last four digits, which may have a hyphen between them. */
const isMaskedContact = (contact: string): boolean =>
  contact === '' || (contact.length <= LONGEST_CONTACT && /\*-?(?:\d-?){3,}\d$/.test(contact))

function findBadDescription({ item_desc }: GivenParcel): number | null {
  if (item_desc === undefined) return 10060020
  if (item_desc.trim() === '') return 10060008
  return Array.from(item_desc).length > LONGEST_ITEM_DESC ? 10060009 : null
}
