/**
 * The merchant learns of each complaint once, is warned once before each open deadline, and no
 * action is done twice.
 */
import * as v from 'valibot'
import type { StoredComplaint } from '../../dev/wechat/v3/complaint-state.ts'
import type { AcceptedAction, MerchantAction } from './accepted.ts'
import { PAYER_PHONE, PAYER_TEXT } from './complaints.ts'
import { HOUR_MS, WARNINGS_MS } from './deadlines.ts'
import type { World } from './world.ts'

const rowSchema = v.object({
  id: v.string(),
  state: v.nullable(v.string()),
  times: v.nullable(v.number()),
})
const eventSchema = v.object({
  id: v.string(),
  type: v.string(),
  task: v.nullable(v.picklist(['reply', 'finish'])),
  at: v.pipe(
    v.string(),
    v.transform((text) => Date.parse(text)),
  ),
})
const textOf = <const S extends v.GenericSchema>(schema: S) =>
  v.array(v.object({ row: v.pipe(v.string(), v.parseJson(), schema) }))

type Event = v.InferOutput<typeof eventSchema>

export async function inComplaints(world: World): Promise<readonly string[]> {
  const { sql, simulator } = world
  const rows = v.parse(
    textOf(rowSchema),
    await sql(
      `select json_build_object('id', complaint_id, 'state', state, 'times', (content ->> 'times')::integer)::text as row from complaints`,
    ),
  )
  const events = v.parse(
    textOf(eventSchema),
    await sql(
      `select json_build_object('id', data ->> 'complaintId', 'type', type, 'task', data ->> 'task', 'at', created_at)::text as row
       from events where type like 'complaint.%'`,
    ),
  )
  const complaints = simulator.complaints()
  const problems = complaints.flatMap((complaint) => {
    const row = rows.find(({ row: { id } }) => id === complaint.complaintId)?.row
    const own = events.flatMap(({ row: event }) =>
      event.id === complaint.complaintId ? [event] : [],
    )
    const done = world.acceptedActions.filter((one) => one.complaintId === complaint.complaintId)
    return [
      ...(row?.state === complaint.state && row.times === complaint.times
        ? []
        : [`${complaint.state} at WeChat and ${JSON.stringify(row ?? null)} here`]),
      ...problemsOfEvents(world, complaint, own),
      ...problemsOfActions(complaint, done),
    ].map((problem) => `complaint: ${problem} (${complaint.complaintId})`)
  })
  const isKnown = (id: string) => complaints.some(({ complaintId }) => complaintId === id)
  if (events.some(({ row: { id } }) => !isKnown(id)))
    problems.push('complaint: an event of a complaint that WeChat does not know')
  return complaints.length === 0 ? problems : [...problems, ...(await findPersonalData(world))]
}

function problemsOfEvents(
  world: World,
  complaint: StoredComplaint,
  events: readonly Event[],
): readonly string[] {
  const created = events.filter(({ type }) => type === 'complaint.created').length
  const problems = created === 1 ? [] : [`complaint.created ${created} times`]
  for (const task of ['reply', 'finish'] as const) {
    const warningAt = complaint.createdAt + WARNINGS_MS[task]
    const deadline = warningAt + 4 * HOUR_MS
    const warnings = events.filter((event) => event.task === task)
    const isOver = world.time.now() > warningAt + 2 * HOUR_MS
    const isOpenAt = (at: number) =>
      task === 'reply' ? stateAt(complaint, at) === 'PENDING' : stateAt(complaint, at) !== DONE
    if (warnings.length > 1) problems.push(`warned ${warnings.length} times: ${task}`)
    if (isOver && warnings.length === 0 && isOpenAt(Math.min(deadline, world.time.now())))
      problems.push(`not warned: ${task}`)
    if (warnings.some(({ at }) => at < warningAt || at >= deadline))
      problems.push(`warned at a wrong time: ${task}`)
    // With faults, WeChat may not have told us that it is done, and a warning is right.
    if (warnings.length > 0 && warningAt > world.calmFrom && !isOpenAt(warningAt))
      problems.push(`warned of what is done: ${task}`)
    if (warnings.length > 0) world.count('world', `complaint.overdue ${task}`)
  }
  return problems
}

const DONE = 'PROCESSED'

/** The state at a moment, by WeChat's history. */
function stateAt({ history }: StoredComplaint, moment: number): StoredComplaint['state'] {
  let state: StoredComplaint['state'] = 'PENDING'
  for (const { at, type } of history) {
    if (at > moment) break
    if (type === 'MERCHANT_CONFIRM_COMPLETE' || type.endsWith('SYSTEM_MESSAGE')) state = DONE
    else if (type.startsWith('MERCHANT_')) state = 'PROCESSING'
    else if (state === DONE) state = 'PROCESSING'
  }
  return state
}

const ENTRIES = {
  reply: 'MERCHANT_RESPONSE',
  finish: 'MERCHANT_CONFIRM_COMPLETE',
  approve: 'MERCHANT_APPROVE_REFUND',
  reject: 'MERCHANT_REFUSE_RERUND',
} as const satisfies Record<MerchantAction, string>

/** The same reply may follow a new message of the payer. */
function problemsOfActions(
  { history, paidBackAt }: StoredComplaint,
  accepted: readonly AcceptedAction[],
): readonly string[] {
  const problems: string[] = []
  let sinceThePayerWrote = new Set<string>()
  for (const { type, details } of history) {
    if (type.startsWith('USER_')) sinceThePayerWrote = new Set()
    const name = `${type} ${details}`
    if (sinceThePayerWrote.has(name)) problems.push(`done twice: ${name}`)
    sinceThePayerWrote.add(name)
  }
  for (const { action } of accepted) {
    const isDone = history.some(({ type }) => type === ENTRIES[action])
    if (!isDone && !(action === 'finish' && paidBackAt !== null))
      problems.push(`accepted, and not at WeChat: ${action}`)
  }
  return problems
}

const TABLES = ['complaints', 'events', 'incidents', 'orders', 'users'] as const

async function findPersonalData({ sql, record }: World): Promise<readonly string[]> {
  const problems: string[] = []
  for (const table of TABLES) {
    const [found] = await sql(
      `select 1 from ${table} one where to_jsonb(one)::text like '%${PAYER_PHONE}%'`,
    )
    if (found !== undefined) problems.push(`complaint: the phone number is in ${table}`)
  }
  const [told] = await sql(`select 1 from events where data::text like '%${PAYER_TEXT}%'`)
  if (told !== undefined) problems.push('complaint: an event has the words of the payer')
  for (const text of [PAYER_PHONE, PAYER_TEXT])
    if (record.logs.some((line) => line.includes(text)))
      problems.push('complaint: a log line has personal data')
  return problems
}
