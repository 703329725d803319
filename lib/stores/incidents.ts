import * as v from 'valibot'
import type { Incidents, StoredIncident } from '../ports.ts'
import type { Sql } from './neon.ts'
import { isWithin } from './period.ts'
import { time } from './rows.ts'

const facts = v.record(v.string(), v.nullable(v.union([v.string(), v.number()])))

const incidentRow = v.object({
  id: v.number(),
  kind: v.string(),
  out_trade_no: v.nullable(v.string()),
  expected: facts,
  received: facts,
  source: v.picklist(['notify', 'query', 'cron', 'prepay', 'close']),
  occurred_at: time,
  handled_at: v.nullable(time),
  note: v.nullable(v.string()),
})

function readIncident(json: unknown): StoredIncident {
  const { id, kind, expected, received, source, ...row } = v.parse(incidentRow, json)
  return {
    id,
    kind,
    outTradeNo: row.out_trade_no,
    expected,
    received,
    source,
    at: row.occurred_at,
    handled: row.handled_at === null ? null : { at: row.handled_at, note: row.note ?? '' },
  }
}

/** Each state has an index of its own. */
const CONDITIONS = {
  open: 'handled_at is null',
  handled: 'handled_at is not null',
} as const

const HANDLE = `
  update incidents i set handled_at = coalesce(handled_at, $3::timestamptz),
    note = case when handled_at is null then $2 else note end
  where id = $1::bigint
  returning to_jsonb(i) as incident`

export const createIncidents = (sql: Sql): Incidents => ({
  async list({ state, occurred, before, limit }) {
    const params: unknown[] = []
    const param = (value: unknown, type: string) => `$${String(params.push(value))}::${type}`
    const conditions = ['true']
    if (state !== null) conditions.push(CONDITIONS[state])
    if (occurred !== null) conditions.push(...isWithin('occurred_at', occurred, param))
    const [position, newestFirst] =
      occurred === null ? ['id', 'id desc'] : ['occurred_at, id', 'occurred_at desc, id desc']
    if (before !== null) {
      const isLast = `id = ${param(before, 'bigint')}`
      conditions.push(`(${position}) < (select ${position} from incidents where ${isLast})`)
    }
    const rows = await sql.query(
      `select to_jsonb(i) as incident from incidents i where ${conditions.join(' and ')}
       order by ${newestFirst} limit ${param(limit + 1, 'integer')}`,
      params,
    )
    const stored = rows.map((row) => readIncident(row['incident']))
    const incidents = stored.slice(0, limit)
    return { incidents, next: stored.length > limit ? (incidents.at(-1)?.id ?? null) : null }
  },

  async handle(id, note, at) {
    const [row] = await sql.query(HANDLE, [id, note, at])
    return row === undefined ? null : readIncident(row['incident'])
  },
})
