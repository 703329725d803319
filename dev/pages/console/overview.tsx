import type { ComponentChildren } from 'preact'
import { useLanguage, useTexts } from '../base/language.tsx'
import { readOverview, type Overview } from './answers.ts'
import { useLabel } from './labels.ts'
import { toYuan } from './money.ts'
import { hrefOf, type View } from './route.ts'
import { useSession } from './session.tsx'
import { Show } from './show.tsx'
import { TakingsPlot } from './takings-plot.tsx'
import { toBeijing, toRelative } from './time.ts'
import { useAnswer } from './use-answer.ts'

const texts = {
  title: ['Overview', '总览'],
  waits: ['Waits for a person', '待人工处理'],
  nothing: ['Nothing waits for a person.', '没有需要人工处理的事项。'],
  unanswered: ['{count|Complaint|Complaints} waiting for a reply', '待回复的投诉'],
  unfinished: ['{count|Complaint that is|Complaints that are} not finished', '未完结的投诉'],
  incidents: ['{count|Incident|Incidents}', '未处理的异常'],
  refunds: ['{count|Refund that needs|Refunds that need} help', '需要处理的退款'],
  shipments: ['Failed or overdue {count|shipment|shipments}', '失败或超时的发货'],
  parkedEvents: ['{count|Event that was|Events that were} given up', '已放弃发送的事件'],
  bills: [
    '{count|Bill that differs or is|Bills that differ or are} not compared',
    '有差异或未核对的对账单',
  ],
  notCompared: ['not compared', '未核对'],
  differs: ['{count} {count|difference|differences}', '{count} 处差异'],
  deadline: ['first deadline {when}', '最早截止：{when}'],
  since: ['oldest {when}', '最早一条：{when}'],
  today: ['Today', '今日'],
  payments: ['Payments', '收款'],
  refunded: ['Refunds', '退款'],
  net: ['Net', '净额'],
  count: ['× {count}', '共 {count} 笔'],
  refresh: ['Refresh', '刷新'],
  beijing: ['All times are in Beijing time.', '所有时间均为北京时间。'],
} as const

/** How many days whose bill needs a person are named, newest first. The view of bills lists all. */
const DAYS_SHOWN = 5

/** The first screen: the work that waits for a person, and the takings. */
export function OverviewView() {
  const say = useTexts(texts)
  const { client } = useSession()
  const [loaded, reload] = useAnswer('overview', () =>
    client.get('/api/console/overview', {}, readOverview),
  )
  return (
    <>
      <div class="head">
        <h1>{say('title')}</h1>
        <button type="button" onClick={reload}>
          {say('refresh')}
        </button>
      </div>
      <Show loaded={loaded} retry={reload}>
        {(overview) => (
          <>
            <Work overview={overview} />
            <Today overview={overview} />
          </>
        )}
      </Show>
      <TakingsPlot />
      <p class="quiet">{say('beijing')}</p>
    </>
  )
}

interface Task {
  readonly name: string
  readonly count: number
  readonly view: View
  readonly filter?: string
  readonly when?: string | undefined
  readonly isUrgent?: boolean
  readonly more?: ComponentChildren
}

function Work({ overview }: { readonly overview: Overview }) {
  const say = useTexts(texts)
  const label = useLabel()
  const language = useLanguage()
  const { client } = useSession()
  const relative = (key: 'deadline' | 'since', at: string | undefined) =>
    at === undefined ? undefined : say(key, { when: toRelative(at, client.now(), language) })
  const { complaints, incidents, refunds, shipments, parkedEvents, bills } = overview
  const tasks: readonly Task[] = [
    {
      name: say('unanswered', { count: complaints.unanswered.count }),
      count: complaints.unanswered.count,
      view: 'complaints',
      when: relative('deadline', complaints.unanswered.deadline),
      isUrgent: true,
    },
    {
      name: say('unfinished', { count: complaints.unfinished.count }),
      count: complaints.unfinished.count,
      view: 'complaints',
      filter: 'PROCESSING',
      when: relative('deadline', complaints.unfinished.deadline),
    },
    {
      name: say('incidents', { count: incidents.count }),
      count: incidents.count,
      view: 'incidents',
      filter: 'open',
      when: relative('since', incidents.oldest),
      isUrgent: true,
    },
    {
      name: say('refunds', { count: refunds.count }),
      count: refunds.count,
      view: 'orders',
      filter: 'REFUND',
      more: refunds.first.map((refund) => (
        <li key={refund.outRefundNo}>
          <a href={hrefOf('order', refund.outTradeNo)}>{refund.outTradeNo}</a>{' '}
          {toYuan(refund.refundFee)} {label(refund.refundStatus, 'refund')}{' '}
          <bdi>{refund.errText ?? refund.errCode ?? ''}</bdi>
        </li>
      )),
    },
    {
      name: say('shipments', { count: shipments.count }),
      count: shipments.count,
      view: 'shipments',
      when: relative('since', shipments.oldest),
    },
    {
      name: say('parkedEvents', { count: parkedEvents.count }),
      count: parkedEvents.count,
      view: 'events',
      filter: 'parked',
      when: relative('since', parkedEvents.oldest),
    },
    {
      name: say('bills', { count: bills.length }),
      count: bills.length,
      view: 'bills',
      more: bills.slice(0, DAYS_SHOWN).map(({ day, outcome, differences }) => (
        <li key={day}>
          <a href={hrefOf('bills', day)}>{day}</a>{' '}
          {outcome === undefined ? say('notCompared') : say('differs', { count: differences ?? 0 })}
        </li>
      )),
    },
  ]
  const waiting = tasks.filter(({ count }) => count > 0)
  return (
    <section class="card" aria-labelledby="waits">
      <h2 id="waits">{say('waits')}</h2>
      {waiting.length === 0 ? (
        <p class="empty good">✓ {say('nothing')}</p>
      ) : (
        <ul class="tasks">
          {waiting.map(({ name, count, view, filter, when, isUrgent, more }) => (
            <li key={name} class={isUrgent === true ? 'urgent' : ''}>
              <a href={hrefOf(view, filter)}>
                <span class="count">{count}</span> {name}
              </a>
              {when !== undefined && <span class="quiet">{when}</span>}
              {more !== undefined && <ul class="more">{more}</ul>}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Today({ overview }: { readonly overview: Overview }) {
  const say = useTexts(texts)
  const { day, payments, refunds } = overview.takings
  return (
    <section class="card" aria-labelledby="today">
      <h2 id="today">
        {say('today')} <span class="quiet">{toBeijing(`${day}T00:00:00+08:00`).slice(0, 10)}</span>
      </h2>
      <dl class="figures">
        <div>
          <dt>{say('payments')}</dt>
          <dd>{toYuan(payments.totalFee)}</dd>
          <dd class="quiet">{say('count', { count: payments.count })}</dd>
        </div>
        <div>
          <dt>{say('refunded')}</dt>
          <dd>{toYuan(refunds.refundFee)}</dd>
          <dd class="quiet">{say('count', { count: refunds.count })}</dd>
        </div>
        <div>
          <dt>{say('net')}</dt>
          <dd>{toYuan(payments.totalFee - refunds.refundFee)}</dd>
        </div>
      </dl>
    </section>
  )
}
