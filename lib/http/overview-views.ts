/** The overview of the console, as the merchant sees it. */
import { deadlineOf, type ComplaintTask } from '../core/complaint.ts'
import { toRefundView } from '../core/refund.ts'
import { toRfc3339 } from '../core/time.ts'
import type { OpenBill, Overview, Waiting } from '../ports.ts'

const toWaitingView = ({ count, oldest }: Waiting) => ({
  count,
  ...(oldest === null ? {} : { oldest: toRfc3339(oldest) }),
})

const deadlinesOf = ({ oldest }: Waiting, task: ComplaintTask): readonly Date[] =>
  oldest === null ? [] : [deadlineOf({ complainedAt: oldest }, task)]

function toDeadlineView(count: number, deadlines: readonly Date[]) {
  const [first] = deadlines.toSorted((a, b) => a.getTime() - b.getTime())
  return { count, ...(first === undefined ? {} : { deadline: toRfc3339(first) }) }
}

/** WeChat has a deadline for the first reply. Later replies are due before the complaint ends. */
const toComplaintsView = ({ pending, awaited, replied }: Overview['complaints']) => ({
  unanswered: toDeadlineView(pending.count + awaited.count, [
    ...deadlinesOf(pending, 'reply'),
    ...deadlinesOf(awaited, 'finish'),
  ]),
  unfinished: toDeadlineView(replied.count, deadlinesOf(replied, 'finish')),
})

const toBillView = ({ day, result }: OpenBill) => ({ day, ...result })

export const toOverviewView = ({ complaints, refunds, bills, ...overview }: Overview) => ({
  incidents: toWaitingView(overview.incidents),
  parkedEvents: toWaitingView(overview.parkedEvents),
  shipments: toWaitingView(overview.shipments),
  complaints: toComplaintsView(complaints),
  refunds: { count: refunds.count, first: refunds.first.map(toRefundView) },
  bills: bills.map(toBillView),
  takings: overview.takings,
})
