/** What each request must look like, checked once, here. A field that does not fit is named in the answer. */
import * as v from 'valibot'
import { parseDay } from '../core/day.ts'
import type { Failure } from '../core/failure.ts'
import {
  OPENID,
  OUT_REFUND_NO,
  OUT_TRADE_NO,
  parseOpenid,
  parseOutRefundNo,
  parseOutTradeNo,
  type OutTradeNo,
} from '../core/ids.ts'
import { TRADE_STATES, type TradeState } from '../core/order.ts'
import { parsed } from '../validation/parsed.ts'
import { err, ok, type Result } from '../core/result.ts'
import { parseLine, parseText, parseUnchanged } from '../core/text.ts'
import { parseRfc3339 } from '../validation/rfc3339.ts'
import type { OrderReference } from '../ports.ts'
import { fen, unquoted } from './amount.ts'
import { readFields, readPairs, REQUEST_BODY, shortName } from './body.ts'
import { ownParameters } from './query.ts'

const upTo = (max: number) =>
  v.pipe(v.string('text'), v.maxLength(max, `at most ${max} characters`))
const oneUpTo = (max: number) => v.pipe(upTo(max), v.minLength(1, 'text'))

const TEXT = 'text without NUL and without lone surrogates'
const text = (max: number) => parsed(upTo(max), parseText, TEXT)
const someText = (max: number) => parsed(oneUpTo(max), parseText, TEXT)

const LINE = 'text without control characters'
const singleLine = (max: number) => parsed(upTo(max), parseLine, LINE)
const someSingleLine = (max: number) => parsed(oneUpTo(max), parseLine, LINE)

/** Never cut: see `parseUnchanged`. */
const unchanged = (maxBytes: number) =>
  parsed(
    upTo(maxBytes),
    parseUnchanged(maxBytes),
    `at most ${maxBytes} bytes of plain text: no emoji, control characters or blanks around it, no <!DOCTYPE, <!ENTITY or ]]>`,
    { pattern: String.raw`^(?:\S(?:.*\S)?)?$` },
  )

const ATTACH_BYTES = 127
const outTradeNo = parsed(
  v.string('an order number'),
  parseOutTradeNo,
  'an order number: 6 to 32 of letters, digits and _-|*',
  {
    pattern: OUT_TRADE_NO.source,
  },
)
const openid = parsed(v.string('an openid'), parseOpenid, 'an openid', { pattern: OPENID.source })
const sku = v.pipe(
  v.string('a sku'),
  v.regex(/^[0-9A-Za-z._-]{1,64}$/, 'a sku: 1 to 64 of letters, digits and ._-'),
)
const moment = parsed(
  v.string('an RFC 3339 time'),
  (value): Result<Date, string> => {
    const at = parseRfc3339(value)
    return at === null ? err('not a time') : ok(at)
  },
  'an RFC 3339 time with offset',
  { format: 'date-time' },
)

const quantity = v.pipe(
  v.number(unquoted('a whole number')),
  v.integer('a whole number'),
  v.minValue(1, 'at least 1'),
  v.maxValue(9_999, 'at most 9999'),
)

/** Each sku once, so that an order line is what it says. */
const items = v.pipe(
  v.array(v.strictObject({ sku, quantity }, 'an item of sku and quantity'), 'a list of items'),
  v.minLength(1, 'at least one item'),
  v.maxLength(100, 'at most 100 items'),
  v.check((lines) => new Set(lines.map((line) => line.sku)).size === lines.length, 'each sku once'),
)

/** Not strict: clients may send the whole result of `wx.getUserProfile`, which has fields that are not used here. */
export const loginRequest = v.object({
  code: someSingleLine(512),
  nickname: v.optional(text(512)),
  avatarUrl: v.optional(text(1_024)),
  rawData: v.optional(text(16_384)),
  signature: v.optional(text(512)),
  encryptedData: v.optional(text(32_768)),
  iv: v.optional(text(512)),
})

/** Strict: a field that names a price is refused, not ignored. */
export const basketRequest = v.strictObject({ items, attach: v.optional(unchanged(ATTACH_BYTES)) })

export const pricedRequest = v.strictObject({
  openid,
  totalFee: fen,
  body: someText(4_096),
  outTradeNo: v.optional(outTradeNo),
  attach: v.optional(unchanged(ATTACH_BYTES)),
  timeExpire: v.optional(moment),
})

export const orderRequest = v.strictObject({ outTradeNo })

export const productsRequest = v.strictObject({
  products: v.pipe(
    v.array(
      v.strictObject({
        sku,
        name: someText(512),
        price: fen,
        active: v.optional(v.boolean(unquoted('true or false')), true),
      }),
      'a list of products',
    ),
    v.minLength(1, 'at least one product'),
    v.maxLength(500, 'at most 500 products'),
  ),
})

const outRefundNo = parsed(
  v.string('a refund number'),
  parseOutRefundNo,
  'a refund number: 1 to 64 of letters, digits and _-|*@',
  {
    pattern: OUT_REFUND_NO.source,
  },
)

export const refundRequest = v.strictObject({
  outTradeNo,
  outRefundNo,
  refundFee: fen,
  refundDesc: v.optional(text(512)),
})

export const refundQuery = v.strictObject({ outRefundNo })

const LOGISTICS_BY_NUMBER = ['express', 'local_delivery', 'virtual', 'self_pickup'] as const

/** WeChat's numbers are taken for its kinds, too. */
const logistics = v.union(
  [
    v.picklist(LOGISTICS_BY_NUMBER),
    v.pipe(
      v.picklist([1, 2, 3, 4]),
      v.transform((number) => LOGISTICS_BY_NUMBER[number - 1] ?? 'express'),
    ),
  ],
  'express, local_delivery, virtual or self_pickup',
)

const parcel = v.strictObject({
  itemDesc: someText(512),
  trackingNo: v.optional(someSingleLine(128)),
  expressCompany: v.optional(someSingleLine(128)),
  contact: v.optional(
    v.strictObject({
      consignorContact: v.optional(singleLine(1_024)),
      receiverContact: v.optional(singleLine(1_024)),
    }),
  ),
})

/** One item for all but express, which may be split over ten parcels and needs its tracking numbers. */
export const shippingRequest = v.pipe(
  v.strictObject({
    outTradeNo,
    logisticsType: logistics,
    items: v.pipe(
      v.array(parcel, 'a list of items'),
      v.minLength(1, 'at least one item'),
      v.maxLength(10, 'at most 10 items'),
    ),
  }),
  v.forward(
    v.check(
      (asked) => asked.logisticsType === 'express' || asked.items.length === 1,
      'exactly one item: only express may have more',
    ),
    ['items'],
  ),
  v.forward(
    v.check(
      (asked) =>
        asked.logisticsType !== 'express' ||
        asked.items.every(
          (item) => item.trackingNo !== undefined && item.expressCompany !== undefined,
        ),
      'trackingNo and expressCompany in every item of express',
    ),
    ['items'],
  ),
)

/** A day of which a bill is to be compared again. */
export const cronRequest = v.object({
  bill: v.optional(parsed(v.string(), parseDay, 'a day as 2026-11-20', { format: 'date' })),
})

const limit = parsed(
  v.string(),
  (value): Result<number, string> => {
    const count = /^[1-9]\d{0,2}$/.test(value) ? Number(value) : 0
    return count >= 1 && count <= 100 ? ok(count) : err('not a limit')
  },
  'a whole number from 1 to 100',
  { type: 'integer', minimum: 1, maximum: 100 },
)

/** A list without repeats: a paid order is SUCCESS and, from its first refund on, REFUND. */
const tradeStates = parsed(
  v.string(),
  (list): Result<readonly TradeState[], string> => {
    const names = list.split(',')
    const states = TRADE_STATES.filter((state) => names.includes(state))
    return states.length === names.length ? ok(states) : err('not a list of states')
  },
  `one or more of ${TRADE_STATES.join(', ')}, separated by commas`,
  {
    pattern: `^(?:${TRADE_STATES.join('|')})(?:,(?:${TRADE_STATES.join('|')}))*$`,
  },
)

export const listRequest = v.strictObject({
  tradeState: v.optional(tradeStates),
  cursor: v.optional(singleLine(64)),
  limit: v.optional(limit, '20'),
})

export const queryRequest = v.pipe(
  v.strictObject({
    outTradeNo: v.optional(outTradeNo),
    transactionId: v.optional(v.pipe(v.string(), v.regex(/^\w{1,32}$/, 'a payment number'))),
  }),
  v.rawTransform<
    { outTradeNo?: OutTradeNo | undefined; transactionId?: string | undefined },
    OrderReference
  >(({ dataset, addIssue, NEVER }) => {
    const { outTradeNo: ours, transactionId: theirs } = dataset.value
    if (ours !== undefined && theirs === undefined) return { outTradeNo: ours }
    if (theirs !== undefined && ours === undefined) return { transactionId: theirs }
    addIssue({ message: 'either outTradeNo or transactionId' })
    return NEVER
  }),
)

const QUERY_STRING = 'query string'

/** Checks input against its schema; `whole` names the input if the fault is in no single field. */
function check<S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  whole: typeof REQUEST_BODY | typeof QUERY_STRING,
): Result<v.InferOutput<S>, Failure> {
  const read = v.safeParse(schema, input, { abortEarly: true })
  if (read.success) return ok(read.output)
  const [issue] = read.issues
  const field = shortName(v.getDotPath(issue) ?? whole)
  if (issue.received === 'undefined')
    return err({ reason: 'invalid_request', field, fault: 'is missing' })
  return err({
    reason: 'invalid_request',
    field,
    expected: expectation(issue, whole === REQUEST_BODY ? 'field' : 'parameter'),
  })
}

/** Uses the message of the schema if it has one; valibot's own message would quote the input. */
function expectation(issue: v.BaseIssue<unknown>, kind: 'field' | 'parameter'): string {
  if (issue.expected === 'never') return `this ${kind} to be left out`
  if (!issue.message.startsWith('Invalid ')) return issue.message
  return issue.expected === 'Object' ? 'an object' : 'something else'
}

/** The query of a function that takes no parameters. */
const noParameters = v.strictObject({})

/** Reads and checks a JSON or form body. Query parameters are refused, so that a price in the query is not silently ignored. */
export async function readRequest<S extends v.GenericSchema>(
  request: Request,
  schema: S,
): Promise<Result<v.InferOutput<S>, Failure>> {
  const query = readNoQuery(request)
  if (!query.ok) return query
  const fields = await readFields(request)
  return fields.ok ? check(schema, fields.value, REQUEST_BODY) : fields
}

/** Checks the query string. As with bodies, a strict schema refuses what it does not name. */
export function readQuery<S extends v.GenericSchema>(
  request: Request,
  schema: S,
): Result<v.InferOutput<S>, Failure> {
  const pairs = readPairs(ownParameters(request))
  return pairs.ok ? check(schema, Object.fromEntries(pairs.value), QUERY_STRING) : pairs
}

/** Checks that the query is empty. */
export const readNoQuery = (request: Request): Result<object, Failure> =>
  readQuery(request, noParameters)

/** Reads the parameters that the schema names and ignores all others, which Vercel or a monitor may add. */
export function readKnownQuery<S extends v.GenericSchema & { readonly entries: object }>(
  request: Request,
  schema: S,
): Result<v.InferOutput<S>, Failure> {
  const pairs = readPairs(
    ownParameters(request).filter(([name]) => Object.hasOwn(schema.entries, name)),
  )
  return pairs.ok ? check(schema, Object.fromEntries(pairs.value), QUERY_STRING) : pairs
}
