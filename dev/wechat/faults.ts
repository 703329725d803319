/** How the simulator can be told to misbehave, and the list of faults in force. */
import * as v from 'valibot'

const xmlPaths = ['unifiedorder', 'orderquery', 'closeorder', 'refund', 'refundquery'] as const
const jsonPaths = [
  'jscode2session',
  'stable_token',
  'upload_shipping_info',
  'get_order',
  'is_trade_managed',
] as const
const paths = [...xmlPaths, 'downloadbill', ...jsonPaths] as const
const anywhere = v.picklist([...paths, 'notify'])
const signedMessages = v.picklist([...xmlPaths, 'notify'])
const COUNT = 'must be a whole number from 1 on'
const count = v.pipe(v.number(COUNT), v.integer(COUNT), v.minValue(1, COUNT))
const DELAY = 'must be a number of milliseconds, from 0 to 600000'
/** How many calls it lasts; absent: until cleared. */
const times = v.optional(count)

const kinds = [
  v.strictObject({
    on: anywhere,
    times,
    do: v.literal('delay'),
    ms: v.pipe(v.number(DELAY), v.minValue(0, DELAY), v.maxValue(600_000, DELAY)),
  }),
  v.strictObject({
    on: anywhere,
    times,
    do: v.picklist(['drop', 'lose-answer', 'stall', 'truncate', 'garble', 'html']),
  }),
  v.strictObject({ on: v.picklist(paths), times, do: v.literal('http-500') }),
  v.strictObject({
    on: signedMessages,
    times,
    do: v.picklist(['tamper', 'wrong-key', 'unsigned', 'wrong-appid', 'wrong-mch-id']),
  }),
  v.strictObject({
    on: v.picklist(['orderquery', 'refund', 'refundquery', 'notify']),
    times,
    do: v.literal('wrong-amount'),
  }),
  v.strictObject({
    on: v.picklist([...xmlPaths, 'downloadbill', 'notify']),
    times,
    do: v.literal('err-code'),
    errCode: v.string(),
    errCodeDes: v.optional(v.string()),
  }),
  v.strictObject({
    on: v.picklist(xmlPaths),
    times,
    do: v.literal('return-fail'),
    returnMsg: v.string(),
  }),
  v.strictObject({ on: v.literal('refund'), times, do: v.literal('no-certificate') }),
  v.strictObject({
    on: v.picklist(jsonPaths),
    times,
    do: v.literal('errcode'),
    errcode: v.number(),
    errmsg: v.optional(v.string()),
  }),
  v.strictObject({
    on: v.literal('refund'),
    times,
    do: v.literal('end-as'),
    status: v.picklist(['CHANGE', 'REFUNDCLOSE']),
  }),
  v.strictObject({
    on: v.literal('notify'),
    times,
    do: v.literal('repeat'),
    copies: v.pipe(count, v.maxValue(100, 'must be 100 or less')),
  }),
  v.strictObject({ on: v.literal('notify'), times, do: v.literal('reorder') }),
] as const

const deeds = kinds.flatMap(({ entries }): readonly string[] =>
  'options' in entries.do ? entries.do.options : [entries.do.literal],
)

/**
 * One fault. `on` names the path, or `notify` for notifications, of payments and of refunds.
 *
 * - `delay`: processed at once, answered that much later; a notification goes out that much later
 * - `drop`: the connection dies before anything is processed; a notification is not sent at all
 * - `lose-answer`: processed, then the connection dies; a notification goes out and its acknowledgement is not heard
 * - `stall`: half of the body, then nothing
 * - `truncate`: half of the body, as if that were all
 * - `garble`: a byte in the middle is destroyed
 * - `html`, `http-500`: a gateway answers (or, as a notification, speaks) instead
 * - `tamper`: a value is changed under the old signature, the amount where there is one; of a refund's notification, which
 *   has none, a bit of what is encrypted
 * - `wrong-key`, `unsigned`: as it says; a refund's notification is never signed
 * - `wrong-appid`, `wrong-mch-id`, `wrong-amount`: another value, rightly signed
 * - `err-code`, `errcode`: WeChat's own refusals, signed where that is usual; nothing is processed. A bill's has its text in
 *   `errCode` and its number in `errCodeDes`
 * - `return-fail`: a transport refusal, which has a text, no code and no signature
 * - `no-certificate`: WeChat's web server refuses the client certificate with an HTML page
 * - `end-as`: the refund this call makes will end like that
 * - `repeat`: so many copies at once
 * - `reorder`: the notification waits until another one has gone out, a minute at most
 */
export const faultSchema = v.union(
  kinds,
  `there is no such fault. on: ${[...paths, 'notify'].join(', ')}; do: ${deeds.join(', ')}. docs/local-world.md says what goes with what`,
)

export type Fault = v.InferInput<typeof faultSchema>
export type FaultTarget = Fault['on']

/** The faults in force. Counted ones come first, in the order given; then the newest of those without a count. */
export class Faults {
  #inForce: { readonly fault: Fault; left: number }[] = []

  add(fault: Fault): void {
    this.#inForce.push({ fault, left: fault.times ?? Infinity })
  }

  clear(): void {
    this.#inForce = []
  }

  /** The fault for the next call on this target; counts it as used. */
  take(on: FaultTarget): Fault | null {
    const candidates = this.#inForce.filter(({ fault }) => fault.on === on)
    const chosen = candidates.find(({ left }) => left !== Infinity) ?? candidates.at(-1)
    if (chosen === undefined) return null
    chosen.left -= 1
    if (chosen.left === 0) this.#inForce = this.#inForce.filter((entry) => entry !== chosen)
    return chosen.fault
  }
}
