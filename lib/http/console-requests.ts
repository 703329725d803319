/** The schemas of the requests to the console function. */
import * as v from 'valibot'
import { COMPLAINT_STATES, type ComplaintState } from '../core/complaint.ts'
import { COMPLAINT_ID, parseComplaintId, type ComplaintId } from '../core/ids.ts'
import { err, ok, type Result } from '../core/result.ts'
import { parsed } from '../validation/parsed.ts'
import { nonEmptyShownText, pageSize } from './fields.ts'
import { unquoted } from './amount.ts'

const complaintId = parsed(
  v.string('the number of a complaint'),
  parseComplaintId,
  'the number of a complaint',
  { pattern: COMPLAINT_ID.source },
)

/** Each state at most once. */
const complaintStates = parsed(
  v.string(),
  (list): Result<readonly ComplaintState[], string> => {
    const names = list.split(',')
    const states = COMPLAINT_STATES.filter((state) => names.includes(state))
    return states.length === names.length ? ok(states) : err('not a list of states')
  },
  `one or more of ${COMPLAINT_STATES.join(', ')}, separated by commas`,
  { pattern: `^(?:${COMPLAINT_STATES.join('|')})(?:,(?:${COMPLAINT_STATES.join('|')}))*$` },
)

interface ComplaintsQuery {
  id?: ComplaintId | undefined
  phone?: '1' | undefined
  state?: readonly ComplaintState[] | undefined
  cursor?: ComplaintId | undefined
  limit?: number | undefined
}

const USUAL_PAGE = 20

/** One complaint by `id`, or a page of all. The cursor is the last complaint of a page. */
export const complaintsQuery = v.pipe(
  v.strictObject({
    id: v.optional(complaintId),
    phone: v.optional(v.literal('1', '1')),
    state: v.optional(complaintStates),
    cursor: v.optional(complaintId),
    limit: v.optional(pageSize),
  }),
  v.rawTransform<
    ComplaintsQuery,
    | { readonly id: ComplaintId; readonly withPhone: boolean }
    | {
        readonly states: readonly ComplaintState[] | null
        readonly before: ComplaintId | null
        readonly limit: number
      }
  >(({ dataset, addIssue, NEVER }) => {
    const { id, phone, state, cursor, limit } = dataset.value
    const isPage = [state, cursor, limit].some((one) => one !== undefined)
    if (id !== undefined && !isPage) return { id, withPhone: phone === '1' }
    if (id === undefined && phone === undefined)
      return { states: state ?? null, before: cursor ?? null, limit: limit ?? USUAL_PAGE }
    addIssue({ message: 'either id, or a page by state, cursor and limit' })
    return NEVER
  }),
)

/** WeChat accepts 200 characters of at most three bytes each. */
const LONGEST = 200
const shown = v.pipe(
  nonEmptyShownText(LONGEST, 3 * LONGEST),
  v.transform((text) => text.shown),
)

/** Counted in working days; 0 is today. */
const refundInDays = v.pipe(
  v.number(unquoted('a whole number')),
  v.integer('a whole number'),
  v.minValue(0, 'at least 0'),
  v.maxValue(30, 'at most 30'),
)

export const complaintRequest = v.variant(
  'action',
  [
    v.strictObject({ complaintId, action: v.literal('reply'), content: shown }),
    v.strictObject({ complaintId, action: v.literal('finish') }),
    v.variant('decision', [
      v.strictObject({
        complaintId,
        action: v.literal('refund'),
        decision: v.literal('approve'),
        refundInDays: v.optional(refundInDays, 0),
      }),
      v.strictObject({
        complaintId,
        action: v.literal('refund'),
        decision: v.literal('reject'),
        reason: shown,
      }),
    ]),
  ],
  'reply, finish or refund, and for refund a decision: approve or reject',
)
