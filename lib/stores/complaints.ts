/** Complaints on PostgreSQL. Each change is one statement that contains its condition. */
import * as v from 'valibot'
import {
  toComplaintView,
  toOverdueComplaintView,
  warningOf,
  type KnownComplaint,
} from '../core/complaint.ts'
import type { ComplaintId } from '../core/ids.ts'
import type { Complaints } from '../ports.ts'
import { contentOf, readComplaintRow, readTaken } from './complaint-rows.ts'
import { INSERT_EVENT } from './events.ts'
import type { Sql } from './neon.ts'

/**
 * The time of the next warning. `reply` and `finish` are SQL for the times of the two warnings.
 */
const nextWarning = (state: string, reply: string, finish: string): string => `case
      when ${state} = 'PENDING' and c.reply_warned_at is null then ${reply}
      when ${state} <> 'PROCESSED' and c.finish_warned_at is null then ${finish} end`

const REPORT = `
  insert into complaints as c (complaint_id, reported_at, next_at) values ($1, $2::timestamptz, $3::timestamptz)
  on conflict (complaint_id) do update set reported_at = greatest(c.reported_at, excluded.reported_at), next_at = excluded.next_at, attempts = 0
  returning to_jsonb(c) as complaint`

/**
 * The order is found by its payment, or by its number if the payment is not settled here yet. If
 * the complaint was reported again after the question, it stays due.
 */
const SAVE = `
  with tied as (
    select o.out_trade_no, o.openid from orders o where o.out_trade_no = coalesce(
      (select p.out_trade_no from payments p where p.transaction_id = $5),
      (select named.out_trade_no from orders named where named.out_trade_no = $6))
  ), locked as (
    select complaint_id, asked_at from complaints where complaint_id = $1 for update
  ), saved as (
    update complaints c set state = $2, complained_at = $3::timestamptz,
      out_trade_no = coalesce(c.out_trade_no, (select out_trade_no from tied)),
      openid = coalesce($4, c.openid, (select openid from tied)),
      content = $7::json, asked_at = $8::timestamptz, attempts = 0,
      next_at = case when c.reported_at > $8::timestamptz then c.next_at else ${nextWarning('$2', '$11::timestamptz', '$12::timestamptz')} end
    from locked
    where c.complaint_id = locked.complaint_id and (locked.asked_at is null or locked.asked_at <= $8::timestamptz)
    returning c.*, locked.asked_at is null as is_new
  ), told as (
    ${INSERT_EVENT}
    select 'complaint.created', out_trade_no,
      ($10::jsonb || jsonb_strip_nulls(jsonb_build_object('openid', openid)) || jsonb_build_object('outTradeNo', out_trade_no))::json,
      $9::timestamptz, $9::timestamptz
    from saved where is_new
  )
  select to_jsonb(saved) as complaint from saved`

const POSTPONE = `
  update complaints set next_at = $2::timestamptz, attempts = attempts + 1 where complaint_id = $1`

/** The state may have changed since the complaint was read, so it is checked again. */
const warnOf = (task: 'reply' | 'finish'): string => `
  with warned as (
    update complaints c set ${task}_warned_at = $2::timestamptz,
      next_at = case when c.reported_at > c.asked_at then c.next_at
        when c.finish_warned_at is null and ${task === 'reply'} then $4::timestamptz end
    where complaint_id = $1 and ${task}_warned_at is null
      and state ${task === 'reply' ? `= 'PENDING'` : `<> 'PROCESSED'`}
    returning out_trade_no
  ), told as (
    ${INSERT_EVENT}
    select 'complaint.overdue', out_trade_no, $3::json, $2::timestamptz, $2::timestamptz from warned
  )
  select out_trade_no from warned`

const WARN = { reply: warnOf('reply'), finish: warnOf('finish') }

const TAKE_DUE = `
  with due as (
    select complaint_id, next_at as due_at from complaints where next_at <= $2::timestamptz
    order by due_at, complaint_id limit $1::integer
    for update skip locked
  ), taken as (
    update complaints c set next_at = $3::timestamptz from due where c.complaint_id = due.complaint_id
    returning c.*
  )
  select to_jsonb(taken) as complaint from taken join due using (complaint_id) order by due_at, complaint_id`

const LIST = `
  select to_jsonb(c) as complaint from complaints c
  where state is not null and ($1::text[] is null or state = any($1::text[]))
    and ($2::text is null or (complained_at, complaint_id) <
      (select complained_at, complaint_id from complaints where complaint_id = $2))
  order by complained_at desc, complaint_id desc limit $3`

/**
 * The clock of the database decides, because the clocks of the instances differ. Whole
 * milliseconds, because `release` compares the time as JavaScript keeps it.
 */
const CLAIM = `
  update complaints set acting_until = date_trunc('milliseconds', now()) + $2::integer * interval '1 millisecond'
  where complaint_id = $1 and (acting_until is null or acting_until <= now()) returning acting_until as until`

const claimRows = v.array(v.object({ until: v.date() }))

export function createComplaints(sql: Sql): Complaints {
  const findAll = async (ids: readonly ComplaintId[]) =>
    (
      await sql.query(
        'select to_jsonb(c) as complaint from complaints c where complaint_id = any($1::text[]) and state is not null',
        [ids],
      )
    ).map((row) => readComplaintRow(row['complaint']))
  const find = async (id: ComplaintId) => (await findAll([id]))[0] ?? null

  return {
    find,
    findAll,

    async report(id, at, leaseUntil) {
      const [row] = await sql.query(REPORT, [id, at, leaseUntil])
      return readTaken(row?.['complaint'])
    },

    async save(known, askedAt, at) {
      const [row] = await sql.query(SAVE, paramsOf(known, askedAt, at))
      if (row !== undefined) return readComplaintRow(row['complaint'])
      const stored = await find(known.complaintId)
      if (stored === null) throw new Error('a complaint was described before it was reported')
      return stored
    },

    async postpone(id, next) {
      await sql.query(POSTPONE, [id, next])
    },

    async warn(complaint, task, at) {
      const event = toOverdueComplaintView(complaint, task)
      await sql.query(WARN[task], [
        complaint.complaintId,
        at,
        event,
        warningOf(complaint, 'finish'),
      ])
    },

    async takeDue(limit, at, leaseUntil) {
      const rows = await sql.query(TAKE_DUE, [limit, at, leaseUntil])
      return rows.map((row) => readTaken(row['complaint']))
    },

    async list({ states, before, limit }) {
      const rows = await sql.query(LIST, [states, before, limit + 1])
      const stored = rows.map((row) => readComplaintRow(row['complaint']))
      const complaints = stored.slice(0, limit)
      const next = stored.length > limit ? (complaints.at(-1)?.complaintId ?? null) : null
      return { complaints, next }
    },

    async claim(id, ms) {
      const [row] = v.parse(claimRows, await sql.query(CLAIM, [id, ms]))
      return row?.until ?? null
    },

    async release(id, until) {
      await sql.query(
        'update complaints set acting_until = null where complaint_id = $1 and acting_until = $2::timestamptz',
        [id, until],
      )
    },
  }
}

const paramsOf = (known: KnownComplaint, askedAt: Date, at: Date): readonly unknown[] => [
  known.complaintId,
  known.state,
  known.complainedAt,
  known.openid,
  known.payment?.transactionId ?? null,
  known.payment?.outTradeNo ?? null,
  contentOf(known),
  askedAt,
  at,
  toComplaintView({ ...known, outTradeNo: null }),
  warningOf(known, 'reply'),
  warningOf(known, 'finish'),
]
