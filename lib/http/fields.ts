/** The schemas of single fields, which several requests share. */
import * as v from 'valibot'
import { parseDay } from '../core/day.ts'
import {
  OPENID,
  OUT_REFUND_NO,
  OUT_TRADE_NO,
  parseOpenid,
  parseOutRefundNo,
  parseOutTradeNo,
} from '../core/ids.ts'
import { TRADE_STATES, type TradeState } from '../core/order.ts'
import { err, ok, type Result } from '../core/result.ts'
import { parsed } from '../validation/parsed.ts'
import { parseRfc3339 } from '../validation/rfc3339.ts'
import { parseLine, parseText } from '../validation/text.ts'
import { cleanText, parseUnchanged } from '../wechat/text.ts'
import { unquoted } from './amount.ts'

const upTo = (max: number) =>
  v.pipe(v.string('text'), v.maxLength(max, `at most ${max} characters`))
const oneUpTo = (max: number) => v.pipe(upTo(max), v.minLength(1, 'text'))

const TEXT = 'text without NUL and without lone surrogates'
export const text = (max: number) => parsed(upTo(max), parseText, TEXT)

const LINE = 'text without control characters'
export const singleLine = (max: number) => parsed(upTo(max), parseLine, LINE)
export const nonEmptyLine = (max: number) => parsed(oneUpTo(max), parseLine, LINE)

/** Programs read it, so a blank is refused rather than removed. */
export const unspaced = (max: number) =>
  parsed(
    oneUpTo(max),
    (sent) => (/\s/.test(sent) ? err('blank') : parseLine(sent)),
    'text without blanks and control characters',
    { pattern: String.raw`^\S+$` },
  )

const cleaned =
  (maxBytes: number) =>
  (sent: string): Result<{ sent: string; shown: string }, string> => {
    const read = parseText(sent)
    return read.ok ? ok({ sent, shown: cleanText(sent, maxBytes) }) : read
  }

/** Display text that may be empty, cleaned for WeChat. */
export const shownText = (max: number, maxBytes: number) =>
  v.pipe(
    parsed(upTo(max), cleaned(maxBytes), TEXT),
    v.transform(({ shown }) => shown),
  )

/** Matches one character that is left after cleaning: no blank, control character or emoji. */
const VISIBLE = String.raw`[!-~\u00a1-\u167f\u1681-\u1fff\u200b\u200c\u200e-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff\u3001-\ud7ff\ue000-\ufe0d\ufe10-\ufefe\uff00-\ufffd]`

/** Display text, both as it was sent and cleaned. Refused if nothing is left after cleaning. */
export const nonEmptyShownText = (max: number, maxBytes: number) =>
  parsed(
    oneUpTo(max),
    (sent) => {
      const read = cleaned(maxBytes)(sent)
      return read.ok && read.value.shown === '' ? err('nothing to show') : read
    },
    TEXT,
    { pattern: VISIBLE },
    (sent) => (parseText(sent).ok ? 'text that WeChat can show' : TEXT),
  )

const ATTACH_BYTES = 127
/** Programs read it, so it is refused rather than shortened. */
export const attach = parsed(
  upTo(ATTACH_BYTES),
  parseUnchanged(ATTACH_BYTES),
  `at most ${ATTACH_BYTES} bytes of plain text: no emoji, control characters or blanks around it, no <!DOCTYPE, <!ENTITY or ]]>`,
  { pattern: String.raw`^(?:\S(?:.*\S)?)?$` },
)

export const outTradeNo = parsed(
  v.string('an order number'),
  parseOutTradeNo,
  'an order number: 6 to 32 of letters, digits and _-|*',
  { pattern: OUT_TRADE_NO.source },
)

export const outRefundNo = parsed(
  v.string('a refund number'),
  parseOutRefundNo,
  'a refund number: 1 to 64 of letters, digits and _-|*@',
  { pattern: OUT_REFUND_NO.source },
)

export const openid = parsed(v.string('an openid'), parseOpenid, 'an openid', {
  pattern: OPENID.source,
})

export const sku = v.pipe(
  v.string('a sku'),
  v.regex(/^[0-9A-Za-z._-]{1,64}$/, 'a sku: 1 to 64 of letters, digits and ._-'),
)

export const hasEachSkuOnce = (lines: readonly { readonly sku: string }[]): boolean =>
  new Set(lines.map((line) => line.sku)).size === lines.length

const momentOf = (toText: (sent: string) => string) =>
  parsed(
    v.string('an RFC 3339 time'),
    (sent): Result<Date, string> => {
      const at = parseRfc3339(toText(sent))
      return at === null ? err('not a time') : ok(at)
    },
    'an RFC 3339 time with offset',
    { format: 'date-time' },
  )

export const moment = momentOf((sent) => sent)

/**
 * In a query string `+` means a space, and clients forget to encode it as `%2B`. So a space before
 * the offset is read as `+`.
 */
export const queryMoment = momentOf((sent) => sent.replace(/ (?=\d{2}:\d{2}$)/, '+'))

export const billDay = parsed(
  v.string(),
  parseDay,
  'a day from 2000-01-01 to 2099-12-31, written like 2026-11-20',
  { format: 'date' },
)

export const quantity = v.pipe(
  v.number(unquoted('a whole number')),
  v.integer('a whole number'),
  v.minValue(1, 'at least 1'),
  v.maxValue(9_999, 'at most 9999'),
)

const LOGISTICS_BY_NUMBER = ['express', 'local_delivery', 'virtual', 'self_pickup'] as const

/** WeChat's numbers of the four kinds are accepted too. */
export const logistics = v.union(
  [
    v.picklist(LOGISTICS_BY_NUMBER),
    v.pipe(
      v.picklist([1, 2, 3, 4]),
      v.transform((number) => LOGISTICS_BY_NUMBER[number - 1] ?? 'express'),
    ),
  ],
  'express, local_delivery, virtual or self_pickup',
)

export const pageSize = parsed(
  v.string(),
  (value): Result<number, string> => {
    const count = /^[1-9]\d{0,2}$/.test(value) ? Number(value) : 0
    return count >= 1 && count <= 100 ? ok(count) : err('not a limit')
  },
  'a whole number from 1 to 100',
  { type: 'integer', minimum: 1, maximum: 100 },
)

/** A list without repeats. A paid order is SUCCESS and, from its first refund on, REFUND. */
export const tradeStates = parsed(
  v.string(),
  (list): Result<readonly TradeState[], string> => {
    const names = list.split(',')
    const states = TRADE_STATES.filter((state) => names.includes(state))
    return states.length === names.length ? ok(states) : err('not a list of states')
  },
  `one or more of ${TRADE_STATES.join(', ')}, separated by commas`,
  { pattern: `^(?:${TRADE_STATES.join('|')})(?:,(?:${TRADE_STATES.join('|')}))*$` },
)
