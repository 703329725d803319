/** The overview of the console, as the merchant sees it. */
import { deadlineOf } from '../core/complaint.ts'
import { toRefundView } from '../core/refund.ts'
import { toRfc3339 } from '../core/time.ts'
import type { OpenBill, Overview, Waiting } from '../ports.ts'

const toWaitingView = ({ count, oldest }: Waiting) => ({
  count,
  ...(oldest === null ? {} : { oldest: toRfc3339(oldest) }),
})

const toDeadlineView = ({ count, oldest }: Waiting, task: 'reply' | 'finish') => ({
  count,
  ...(oldest === null ? {} : { deadline: toRfc3339(deadlineOf({ complainedAt: oldest }, task)) }),
})

const toBillView = ({ day, result }: OpenBill) => ({ day, ...result })

export const toOverviewView = ({ complaints, refunds, bills, ...overview }: Overview) => ({
  incidents: toWaitingView(overview.incidents),
  parkedEvents: toWaitingView(overview.parkedEvents),
  shipments: toWaitingView(overview.shipments),
  complaints: {
    unanswered: toDeadlineView(complaints.unanswered, 'reply'),
    unfinished: toDeadlineView(complaints.unfinished, 'finish'),
  },
  refunds: { count: refunds.count, first: refunds.first.map(toRefundView) },
  bills: bills.map(toBillView),
  takings: overview.takings,
})
