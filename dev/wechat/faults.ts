/** The faults that the simulator can inject, and the list of active faults. */
import * as v from 'valibot'

const xmlPaths = ['unifiedorder', 'orderquery', 'closeorder', 'refund', 'refundquery'] as const
const jsonPaths = [
  'jscode2session',
  'stable_token',
  'upload_shipping_info',
  'get_order',
  'notify_confirm_receive',
  'is_trade_managed',
  'order_page',
  'shipping_page',
  'getuserphonenumber',
] as const
/** The calls that only APIv3 has. The others have the names of v2 for the same job. */
const v3Paths = [
  'abnormal-refund',
  'certificates',
  'complaint-action',
  'complaint-query',
  'complaint-url',
  'echo',
] as const
const paths = [...xmlPaths, 'downloadbill', ...jsonPaths, ...v3Paths, 'billfile'] as const
const anywhere = v.picklist([...paths, 'notify'])
const pushFaults = [
  'drop',
  'lose-answer',
  'tamper',
  'wrong-key',
  'unsigned',
  'wrong-appid',
  'old-timestamp',
  'future-timestamp',
  'bad-padding',
  'no-settlement',
  'reorder',
] as const
const signedMessages = v.picklist([...xmlPaths, 'downloadbill', ...v3Paths, 'notify'])
const COUNT = 'must be a whole number from 1 on'
const count = v.pipe(v.number(COUNT), v.integer(COUNT), v.minValue(1, COUNT))
const DELAY = 'must be a number of milliseconds, from 0 to 600000'
/** The number of calls it applies to. Without it the fault stays active until it is cleared. */
const times = v.optional(count)

const kinds = [
  v.strictObject({
    on: v.picklist([...paths, 'notify', 'push']),
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
    on: v.picklist([...xmlPaths, 'downloadbill', ...v3Paths, 'billfile', 'notify']),
    times,
    do: v.literal('err-code'),
    errCode: v.string(),
    errCodeDes: v.optional(v.string()),
    unsigned: v.optional(v.boolean('must be true or false')),
  }),
  v.strictObject({
    on: v.picklist([...xmlPaths, 'downloadbill', ...v3Paths]),
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
    on: v.picklist(['refund', 'abnormal-refund']),
    times,
    do: v.literal('end-as'),
    status: v.picklist(['CHANGE', 'REFUNDCLOSE']),
  }),
  v.strictObject({
    on: v.picklist(['notify', 'push']),
    times,
    do: v.literal('repeat'),
    copies: v.pipe(count, v.maxValue(100, 'must be 100 or less')),
  }),
  v.strictObject({
    on: signedMessages,
    times,
    do: v.picklist(['wrong-serial', 'old-timestamp', 'future-timestamp', 'other-signature-type']),
  }),
  v.strictObject({
    on: v.literal('notify'),
    times,
    do: v.picklist(['probe', 'unknown-event', 'wrong-api-key']),
  }),
  v.strictObject({ on: v.literal('notify'), times, do: v.literal('reorder') }),
  v.strictObject({ on: v.literal('push'), times, do: v.picklist(pushFaults) }),
] as const

const actions = new Set(
  kinds.flatMap(({ entries }): readonly string[] =>
    'options' in entries.do ? entries.do.options : [entries.do.literal],
  ),
)

/**
 * One fault. `on` is a path, `notify` for the notifications of payments and refunds, or `push` for
 * the messages of message push.
 *
 * - `delay`: the request is processed, and the answer or the notification is sent later
 * - `drop`: the connection is closed before the request is processed; a notification is not sent
 * - `lose-answer`: the request is processed, then the connection is closed; a notification is sent
 *   and its acknowledgement ignored
 * - `stall`: sends half of the body, then nothing
 * - `truncate`: sends half of the body as if it were the whole
 * - `garble`: destroys a byte in the middle
 * - `html`, `http-500`: a gateway page is sent instead
 * - `tamper`: changes a value under the old signature, the amount if there is one; of a refund
 *   notification, which is not signed, one bit of the encrypted part
 * - `wrong-key`, `unsigned`: signed with another key, or not at all; a refund notification is never
 *   signed
 * - `wrong-appid`, `wrong-mch-id`, `wrong-amount`: another value, signed correctly
 * - `err-code`, `errcode`: a refusal of WeChat, signed where WeChat signs it unless `unsigned` is
 *   true; nothing is processed. For a bill `errCode` is the text and `errCodeDes` the number
 * - `return-fail`: a transport refusal, which has a text, and neither code nor signature
 * - `no-certificate`: WeChat's web server refuses the client certificate with an HTML page
 * - `end-as`: the final state of the refund that this call starts
 * - `repeat`: sends this many copies in parallel
 * - `reorder`: holds the notification until another one was sent, at most for a minute
 *
 * These faults change messages of message push only:
 *
 * - `bad-padding`: encrypted with more than 32 bytes of padding
 * - `no-settlement`: without the fields about receipt and settlement
 *
 * These faults change messages of APIv3 and of message push only:
 *
 * - `wrong-serial`: `Wechatpay-Serial` names a key that does not exist
 * - `old-timestamp`, `future-timestamp`: signed 400 seconds ago, or 400 seconds in the future
 * - `other-signature-type`: names a signature that is not RSA
 * - `probe`: sends a copy with an invalid signature first, as WeChat does to test the check
 * - `unknown-event`: sends a notification of a kind that a shop does not know first
 * - `wrong-api-key`: signed correctly, and encrypted with another APIv3 key
 */
export const faultSchema = v.union(
  kinds,
  `there is no such fault. on: ${[...paths, 'notify', 'push'].join(', ')}; do: ${[...actions].join(', ')}. docs/local-world.md says what goes with what`,
)

export type Fault = v.InferInput<typeof faultSchema>
export type FaultTarget = Fault['on']

/** Whether a message that WeChat signs has no signature. */
export const isUnsigned = (fault: Fault | null): boolean =>
  fault?.do === 'unsigned' || (fault?.do === 'err-code' && fault.unsigned === true)

/**
 * The active faults. Faults with a count apply first, in the order they were added, then the newest
 * one without a count.
 */
export class Faults {
  #inForce: { readonly fault: Fault; left: number }[] = []

  add(fault: Fault): void {
    this.#inForce.push({ fault, left: fault.times ?? Infinity })
  }

  /** Ends one fault. */
  end(fault: Fault): void {
    this.#inForce = this.#inForce.filter((entry) => entry.fault !== fault)
  }

  clear(): void {
    this.#inForce = []
  }

  /** Whether this fault is active, or any fault. */
  isActive(fault?: Fault): boolean {
    return this.#inForce.some((entry) => fault === undefined || entry.fault === fault)
  }

  /** Returns the fault for the next call on this target, and counts it as used. */
  take(on: FaultTarget): Fault | null {
    const candidates = this.#inForce.filter(({ fault }) => fault.on === on)
    const chosen = candidates.find(({ left }) => left !== Infinity) ?? candidates.at(-1)
    if (chosen === undefined) return null
    chosen.left -= 1
    if (chosen.left === 0) this.#inForce = this.#inForce.filter((entry) => entry !== chosen)
    return chosen.fault
  }
}
