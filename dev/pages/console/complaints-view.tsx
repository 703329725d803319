import { useState } from 'preact/hooks'
import { useLanguage, useTexts } from '../base/language.tsx'
import { readComplaints, type Complaint, type PageOf } from './answers.ts'
import { Choice } from './choice.tsx'
import type { Answer, Client } from './client.ts'
import { useLabel } from './labels.ts'
import { ListView } from './list-view.tsx'
import { toYuan } from './money.ts'
import { OrderLink } from './order-link.tsx'
import { hrefOf } from './route.ts'
import { useSession } from './session.tsx'
import { StateMark } from './state-mark.tsx'
import { toBeijing, toRelative } from './time.ts'

const texts = {
  title: ['Complaints', '投诉'],
  empty: ['No complaint matches the filter.', '没有符合条件的投诉。'],
  state: ['State', '状态'],
  open: ['Open, by deadline', '未完结，按截止时间'],
  all: ['All, newest first', '全部，最新在前'],
  number: ['Complaint', '投诉单号'],
  order: ['Order', '订单号'],
  deadline: ['Deadline', '截止时间'],
  text: ['The payer writes', '付款人说明'],
  asks: ['Refund requested', '申请退款'],
  at: ['Complained at', '投诉时间'],
} as const

/** The next deadline. Null once nothing is due. */
export const deadlineOf = ({ state, replyBy, finishBy }: Complaint): string | null => {
  if (state === 'PROCESSED') return null
  return state === 'PENDING' ? replyBy : finishBy
}

/** `AWAITED`: the payer has written again since the last reply. */
export const shownState = ({ state, isReplyAwaited }: Complaint): string =>
  state === 'PROCESSING' && isReplyAwaited ? 'AWAITED' : state

/** The most open complaints that are sorted by deadline. */
const MOST_OPEN = 500

/**
 * One page of the open complaints by deadline. All of them are loaded, because the functions list
 * the newest first.
 *
 * @param from the number of the page's first complaint; null for the first page
 */
async function loadOpen(
  client: Client,
  state: string,
  from: string | null,
  limit: number,
): Promise<Answer<PageOf<Complaint>>> {
  const rows: Complaint[] = []
  let cursor: string | null = null
  do {
    const page: Answer<PageOf<Complaint>> = await client.get(
      '/api/console/complaints',
      { state, cursor, limit: 100 },
      readComplaints,
    )
    if (!page.ok) return page
    rows.push(...page.value.rows)
    cursor = page.value.next
  } while (cursor !== null && rows.length < MOST_OPEN)
  const due = (complaint: Complaint) => deadlineOf(complaint) ?? ''
  const sorted = rows.toSorted((a, b) => (due(a) < due(b) ? -1 : 1))
  const [start, end] = [Number(from), Number(from) + limit]
  const next = end < sorted.length ? String(end) : null
  return { ok: true, value: { rows: sorted.slice(start, end), next } }
}

/** @param initial `PENDING`, `PROCESSING` or `PROCESSED`; empty for all open complaints */
export function ComplaintsView({ initial }: { readonly initial: string }) {
  const say = useTexts(texts)
  const label = useLabel()
  const language = useLanguage()
  const { client } = useSession()
  const [state, setState] = useState(initial === '' ? 'PENDING,PROCESSING' : initial)
  const isOpen = state.startsWith('P') && !state.includes('PROCESSED')
  return (
    <ListView<Complaint>
      title={say('title')}
      empty={say('empty')}
      filter={state}
      file="complaints"
      rowKey={({ complaintId }) => complaintId}
      load={(cursor, limit) =>
        isOpen
          ? loadOpen(client, state, cursor, limit)
          : client.get(
              '/api/console/complaints',
              { state: state === 'all' ? '' : state, cursor, limit },
              readComplaints,
            )
      }
      columns={[
        {
          label: say('number'),
          text: ({ complaintId }) => complaintId,
          cell: ({ complaintId }) => (
            <a class="long" href={hrefOf('complaint', complaintId)}>
              {complaintId}
            </a>
          ),
        },
        {
          label: say('state'),
          text: (row) => label(shownState(row), 'complaint'),
          cell: (row) => <StateMark state={shownState(row)} group="complaint" />,
        },
        {
          label: say('deadline'),
          text: (row) => toBeijing(deadlineOf(row) ?? ''),
          cell: (row) => {
            const deadline = deadlineOf(row)
            return deadline === null ? (
              <>–</>
            ) : (
              <span title={toBeijing(deadline)}>
                {toRelative(deadline, client.now(), language)}
              </span>
            )
          },
        },
        { label: say('text'), text: ({ detail }) => detail },
        {
          label: say('asks'),
          text: ({ applyRefundFee }) =>
            applyRefundFee === undefined ? '' : toYuan(applyRefundFee),
          isNumber: true,
        },
        {
          label: say('order'),
          text: ({ outTradeNo }) => outTradeNo ?? '',
          cell: ({ outTradeNo }) => <OrderLink outTradeNo={outTradeNo} />,
        },
        { label: say('at'), text: ({ complainedAt }) => toBeijing(complainedAt) },
      ]}
    >
      <Choice
        label={say('state')}
        value={state}
        onChoose={setState}
        options={[
          ['PENDING,PROCESSING', say('open')],
          ['PENDING', label('PENDING', 'complaint')],
          ['PROCESSING', label('PROCESSING', 'complaint')],
          ['PROCESSED', label('PROCESSED', 'complaint')],
          ['all', say('all')],
        ]}
      />
    </ListView>
  )
}
