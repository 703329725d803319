/** Sends a stored notification again, unchanged or with other values or another signature. */
import * as v from 'valibot'
import type { Fault } from './faults.ts'
import { messagesOf, post, type Message, type Posting } from './post-notification.ts'
import type { Simulation } from './simulation.ts'
import type { Attempt, SimulatedNotification } from './state.ts'
import { readXml, writeXml } from './xml.ts'

const NUMBER = 'must be the number of a notification: the first one is 1'
const FIELDS = 'must be an object with texts, numbers or booleans'
const value = v.union([v.string(), v.number(), v.boolean()], FIELDS)

export const sendAgainSchema = v.strictObject({
  number: v.pipe(v.number(NUMBER), v.safeInteger(NUMBER), v.minValue(1, NUMBER)),
  /**
   * Other values for fields of the message, or of its content if that is encrypted. A field inside
   * an object of APIv3 is named by its path, such as `amount.total`.
   */
  fields: v.exactOptional(v.record(v.string(), value, FIELDS)),
  /**
   * `right`, the default: signed as WeChat signs. `kept`: the signature of the unchanged message.
   * `wrong`: signed with another key. A refund notification of v2 is encrypted, and never signed.
   */
  signature: v.exactOptional(
    v.picklist(['right', 'kept', 'wrong', 'none'], 'must be right, kept, wrong or none'),
  ),
})

export type SendingAgain = v.InferOutput<typeof sendAgainSchema>

const faultOf: Readonly<Record<'right' | 'kept' | 'wrong' | 'none', Fault | null>> = {
  right: null,
  kept: null,
  wrong: { on: 'notify', do: 'wrong-key' },
  none: { on: 'notify', do: 'unsigned' },
}

export async function sendAgain(
  { account, v3, state, now, save }: Simulation,
  { number, fields = {}, signature = 'right' }: SendingAgain,
  sending: Pick<Posting, 'stopping' | 'messageLog'>,
): Promise<Attempt> {
  const stored = state.notifications[number - 1]
  if (stored === undefined)
    throw new TypeError(`number: notifications so far: ${state.notifications.length}`)
  const at = now()
  const write = (notification: SimulatedNotification): Message => {
    const messages = messagesOf(notification, { account, v3, at, fault: faultOf[signature] })
    const message = messages.at(-1)
    if (message === undefined) throw new TypeError('this simulator has no settings of APIv3')
    return message
  }
  const changed = write(withFields(stored, fields))
  const message = signature === 'kept' ? withSignatureOf(write(stored), changed) : changed
  const attempt = await post(stored.url, message, { ...sending, at, fault: null })
  stored.attempts.push(attempt)
  // The answer to a changed copy says nothing about the notification itself.
  if (Object.keys(fields).length === 0 && attempt.problem === null) stored.acknowledged = true
  if (stored.acknowledged) stored.nextDueAt = null
  save()
  return attempt
}

function withFields(
  notification: SimulatedNotification,
  fields: NonNullable<SendingAgain['fields']>,
): SimulatedNotification {
  const copy = structuredClone(notification)
  for (const [name, changed] of Object.entries(fields)) {
    if (copy.v3 !== null) copy.v3.plain = withPath(copy.v3.plain, name, changed)
    else {
      const target = [copy.reqInfo, copy.message].find(
        (part) => part !== null && Object.hasOwn(part, name),
      )
      if (target === null || target === undefined) throw unknownField(name)
      target[name] = String(changed)
    }
  }
  return copy
}

const unknownField = (name: string): TypeError =>
  new TypeError(`fields: the notification has no ${name.slice(0, 64)}`)

const record = v.record(v.string(), v.unknown())

function withPath(json: string, path: string, changed: unknown): string {
  const content = v.parse(v.pipe(v.string(), v.parseJson(), record), json)
  const names = path.split('.')
  let parent = content
  for (const name of names.slice(0, -1)) {
    const inner: unknown = Object.hasOwn(parent, name) ? parent[name] : undefined
    if (!v.is(record, inner)) throw unknownField(path)
    parent = inner
  }
  const last = names.at(-1) ?? ''
  if (!Object.hasOwn(parent, last)) throw unknownField(path)
  parent[last] = changed
  return JSON.stringify(content)
}

/** The other message with the signature of the original. */
function withSignatureOf(original: Message, other: Message): Message {
  if (original.kind !== 'v2') return { ...other, headers: original.headers }
  const [signed, changed] = [original, other].map(({ body }) => readXml(Buffer.from(body)))
  if (signed?.ok !== true || changed?.ok !== true || !signed.value.has('sign')) return other
  const sign = signed.value.get('sign') ?? ''
  return { ...other, body: writeXml(new Map([...changed.value, ['sign', sign]])) }
}
