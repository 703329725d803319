import type { Failure } from '../core/failure.ts'
import { findRepeatedKey } from '../validation/repeated-key.ts'
import { parseFen } from '../core/money.ts'
import { err, ok, type Outcome } from '../core/result.ts'

/** The limit that the API reference promises. */
const MAX_BODY_BYTES = 64 * 1024

/** Enough for 64 KiB over a bad mobile connection. A stalled upload is refused. */
const WHOLE_BODY_MS = 3_000

/** Names the whole body in an answer. It is not `body`, because an order has a field `body`. */
export const REQUEST_BODY = 'request body'

const bodyFault = (fault: string) =>
  err({ reason: 'invalid_request', field: REQUEST_BODY, fault } as const)

/** Reads the exact bytes, because signatures cover bytes. Stops at the limit of size or time. */
export async function readBytes(request: Request): Promise<Outcome<Uint8Array>> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES)
    return err({ reason: 'body_too_large' })
  if (request.body === null) return ok(new Uint8Array())
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader()
  const chunks: Uint8Array[] = []
  const incomplete = bodyFault('did not arrive completely, or not in time')
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    void reader.cancel().catch(() => undefined)
  }, WHOLE_BODY_MS)
  try {
    for (let size = 0; ;) {
      const { done, value } = await reader.read()
      if (isLate) return incomplete
      if (done) return ok(Buffer.concat(chunks))
      size += value.byteLength
      if (size > MAX_BODY_BYTES) return err({ reason: 'body_too_large' })
      chunks.push(value)
    }
  } catch {
    // The client closed the connection before the end of the body.
    return incomplete
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Callers choose the names of fields, and names appear in answers and in the log. So they are
 * shortened, and characters that could forge a log line are replaced.
 */
export const shortName = (name: string): string =>
  name.slice(0, 128).replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?')

/** Refuses a field that occurs twice, because two readers could use different values. */
export function checkNoRepeats(pairs: readonly Pair[]): Outcome<readonly Pair[]> {
  const seen = new Set<string>()
  const twice = pairs.find(([name]) => seen.size === seen.add(name).size)
  return twice === undefined ? ok(pairs) : err(givenTwice(twice[0]))
}

export type Pair = readonly [name: string, value: string]

const givenTwice = (name: string): Failure => ({
  reason: 'invalid_request',
  field: shortName(name),
  expected: 'to be given once',
})

/**
 * A form has only text. These fields are converted: amounts and whole numbers from digits, `true`
 * and `false`, lists and objects from JSON.
 */
const AMOUNTS_IN_FORMS = ['totalFee', 'refundFee']
const NUMBERS_IN_FORMS = ['id', 'limit', 'refundInDays']
const BOOLEANS_IN_FORMS = ['isAllDelivered', 'prepay']
const JSON_IN_FORMS = ['items', 'products', 'payout']

const NOT_JSON = 'is not well-formed JSON'

/** Reads the fields of a JSON or form body. They are checked against a schema afterwards. */
export async function readFields(request: Request): Promise<Outcome<unknown>> {
  const type = (request.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase()
  const isForm = type === 'application/x-www-form-urlencoded'
  if (type !== 'application/json' && !isForm) return err({ reason: 'unsupported_media_type' })
  const bytes = await readBytes(request)
  if (!bytes.ok) return bytes
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.value)
    return isForm ? readForm(text) : readJson(text)
  } catch {
    return bodyFault(isForm ? 'is not a well-formed form' : NOT_JSON)
  }
}

/**
 * Refuses a key that occurs twice: `JSON.parse` would keep the last one.
 *
 * @throws SyntaxError
 */
function readJson(text: string, name?: string): Outcome<unknown> {
  const value: unknown = JSON.parse(text)
  const repeated = findRepeatedKey(text)
  return repeated === null
    ? ok(value)
    : err(givenTwice(name === undefined ? repeated : `${name}.${repeated}`))
}

function readNested(name: string, value: string): Outcome<unknown> {
  try {
    return readJson(value, name)
  } catch {
    return err({ reason: 'invalid_request', field: name, fault: NOT_JSON })
  }
}

function readForm(text: string): Outcome<unknown> {
  const all = [...new URLSearchParams(text)]
  // `curl -d` sends the content type of a form unless a header sets another one.
  if (/^\s*[{[]/.test(all[0]?.[0] ?? ''))
    return bodyFault(
      'looks like JSON sent as a form: add the header content-type: application/json',
    )
  const pairs = checkNoRepeats(all)
  if (!pairs.ok) return pairs
  const fields: [string, unknown][] = []
  for (const [name, value] of pairs.value) {
    const read = readFormField(name, value)
    if (!read.ok) return read
    fields.push([name, read.value])
  }
  return ok(Object.fromEntries(fields))
}

/** A malformed amount, number or boolean stays text, and the schema refuses it by name. */
function readFormField(name: string, value: string): Outcome<unknown> {
  if (JSON_IN_FORMS.includes(name)) return readNested(name, value)
  if (BOOLEANS_IN_FORMS.includes(name) && /^(?:true|false)$/.test(value))
    return ok(value === 'true')
  if (NUMBERS_IN_FORMS.includes(name) && /^(?:0|[1-9]\d{0,14})$/.test(value))
    return ok(Number(value))
  const fen = AMOUNTS_IN_FORMS.includes(name) ? parseFen(value) : null
  return ok(fen?.ok === true ? fen.value : value)
}
