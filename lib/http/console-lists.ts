/** The requests of the console, except those about complaints. */
import * as v from 'valibot'
import { fingerprint } from '../core/fingerprint.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { EventFilter, IncidentFilter } from '../ports.ts'
import { parsed } from '../validation/parsed.ts'
import { parseText } from '../validation/text.ts'
import { CURSOR, cursor } from './cursor.ts'
import { nonEmptyLine, outTradeNo, pageSize } from './fields.ts'
import { isInOrder, LATER_THAN_FROM, periodFields, toPeriod } from './period.ts'
import { FROZEN_LIST } from './shipping-requests.ts'
import { unquoted } from './amount.ts'

const cursorOfFrozen = v.pipe(
  cursor,
  v.check(({ list }) => list === FROZEN_LIST, CURSOR),
)

const limit = v.optional(pageSize, '20')

const INCIDENT_ID = /^[1-9]\d{0,14}$/
const incidentCursor = parsed(
  v.string(),
  (text): Result<number, string> =>
    INCIDENT_ID.test(text) ? ok(Number(text)) : err('not a cursor'),
  CURSOR,
  { pattern: INCIDENT_ID.source },
)

export const incidentsQuery = v.pipe(
  v.strictObject({
    state: v.optional(v.picklist(['open', 'handled'], 'open or handled')),
    ...periodFields,
    cursor: v.optional(incidentCursor),
    limit,
  }),
  v.forward(
    v.check((asked) => isInOrder(asked), LATER_THAN_FROM),
    ['to'],
  ),
  v.transform((asked): IncidentFilter => ({
    state: asked.state ?? null,
    occurred: toPeriod(asked),
    before: asked.cursor ?? null,
    limit: asked.limit,
  })),
)

const NOTE = 'text of 1 to 500 characters'

export const handleIncidentRequest = v.strictObject({
  id: v.pipe(
    v.number(unquoted('the id of an incident')),
    v.integer('the id of an incident'),
    v.minValue(1, 'the id of an incident'),
    v.maxValue(Number.MAX_SAFE_INTEGER, 'the id of an incident'),
  ),
  note: parsed(
    v.pipe(v.string('text'), v.minLength(1, NOTE), v.maxLength(500, NOTE)),
    parseText,
    NOTE,
  ),
})

const EVENT_ID = /^evt_[0-9a-f]{32}$/
const eventId = v.pipe(v.string('the id of an event'), v.regex(EVENT_ID, 'the id of an event'))

export const eventsQuery = v.pipe(
  v.strictObject({
    state: v.optional(v.picklist(['undelivered', 'parked'], 'undelivered or parked')),
    outTradeNo: v.optional(outTradeNo),
    ...periodFields,
    cursor: v.optional(v.pipe(v.string(), v.regex(EVENT_ID, CURSOR))),
    limit,
  }),
  v.forward(
    v.check((asked) => isInOrder(asked), LATER_THAN_FROM),
    ['to'],
  ),
  v.transform((asked): EventFilter => ({
    state: asked.state ?? null,
    outTradeNo: asked.outTradeNo ?? null,
    created: toPeriod(asked),
    before: asked.cursor ?? null,
    limit: asked.limit,
  })),
)

const days = parsed(
  v.string(),
  (text): Result<number, string> => {
    const count = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : 0
    return count >= 1 && count <= 366 ? ok(count) : err('not a number of days')
  },
  'a whole number from 1 to 366',
  { type: 'integer', minimum: 1, maximum: 366 },
)

export const takingsQuery = v.strictObject({ days: v.optional(days, '30') })

/**
 * A page of the orders whose money is frozen, as in `GET /api/shipping` without an order number.
 */
export const shipmentsQuery = v.pipe(
  v.strictObject({ cursor: v.optional(cursorOfFrozen), limit }),
  v.transform(({ cursor: from, limit: size }) => ({ before: from?.last ?? null, limit: size })),
)

export const sendEventRequest = v.strictObject({ id: eventId })

/** A short digest of the text that was searched for. A cursor is valid for that text only. */
const listOf = (text: string): string => fingerprint(['search', text]).slice(0, 8)

export const searchRequest = v.pipe(
  v.strictObject({
    text: v.pipe(nonEmptyLine(128), v.trim()),
    cursor: v.optional(cursor),
    limit: v.optional(
      v.pipe(
        v.number(unquoted('a whole number from 1 to 100')),
        v.integer('a whole number from 1 to 100'),
        v.minValue(1, 'at least 1'),
        v.maxValue(100, 'at most 100'),
      ),
      20,
    ),
  }),
  v.forward(
    v.check(
      (asked) => asked.cursor === undefined || asked.cursor.list === listOf(asked.text),
      CURSOR,
    ),
    ['cursor'],
  ),
  v.transform((asked) => ({ ...asked, list: listOf(asked.text) })),
)
