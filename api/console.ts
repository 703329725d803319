import { toComplaintEntryView, toDetailedComplaintView } from '../lib/core/complaint.ts'
import { toMerchantOrderView } from '../lib/core/order.ts'
import { shippingViewFor } from '../lib/core/shipping-view.ts'
import { err } from '../lib/core/result.ts'
import {
  billsQuery,
  toBillView,
  toDifferenceCursor,
  toDifferenceView,
} from '../lib/http/console-bills.ts'
import {
  eventsQuery,
  handleIncidentRequest,
  incidentsQuery,
  searchRequest,
  sendEventRequest,
  shipmentsQuery,
  takingsQuery,
} from '../lib/http/console-lists.ts'
import { consolePart } from '../lib/http/console-part.ts'
import { complaintRequest, complaintsQuery } from '../lib/http/console-requests.ts'
import { toEntryView, toEventView, toIncidentView, toPage } from '../lib/http/console-views.ts'
import { toCursor } from '../lib/http/cursor.ts'
import { forCallers } from '../lib/http/for-callers.ts'
import { toOverviewView } from '../lib/http/overview-views.ts'
import { bodyOf, queryOf, readNoQuery } from '../lib/http/read-request.ts'
import { orderRequest } from '../lib/http/requests.ts'
import { FROZEN_LIST } from '../lib/http/shipping-requests.ts'
import { reply, replyWith, serve, type Handler } from '../lib/http/serve.ts'
import { actOnComplaint } from '../lib/steps/act-on-complaint.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { handleIncident, listIncidents } from '../lib/steps/handle-incident.ts'
import { readHistory } from '../lib/steps/read-history.ts'
import { listFrozen } from '../lib/steps/read-shipping.ts'
import { listEvents, sendEventAgain } from '../lib/steps/send-event-again.ts'
import { searchOrders } from '../lib/steps/search-orders.ts'
import { listBills, listDifferences } from '../lib/steps/show-bills.ts'
import { showOverview, showTakings } from '../lib/steps/show-overview.ts'
import { listComplaints, showComplaint } from '../lib/steps/show-complaint.ts'

/** Lists the stored complaints, or asks WeChat about one. */
const getComplaints = forCallers(
  { allow: ['merchant'], read: queryOf(complaintsQuery) },
  async (deps, _, asked) =>
    'id' in asked
      ? replyWith(
          200,
          await showComplaint(deps, asked.id, asked.withPhone),
          ({ complaint, history, phone }) => ({
            ...toDetailedComplaintView(complaint),
            ...(phone === undefined ? {} : { payerPhone: phone }),
            history: history.map(toComplaintEntryView),
          }),
        )
      : replyWith(200, await listComplaints(deps, asked), ({ complaints, next }) => ({
          complaints: complaints.map(toDetailedComplaintView),
          ...(next === null ? {} : { nextCursor: next }),
        })),
)

/** Replies to a complaint, finishes it, or decides about its refund. */
const actOnComplaints = forCallers(
  { allow: ['merchant'], read: bodyOf(complaintRequest) },
  async (deps, _, { complaintId, ...action }) =>
    replyWith(200, await actOnComplaint(deps, complaintId, action), toDetailedComplaintView),
)

const getIncidents = forCallers(
  { allow: ['merchant'], read: queryOf(incidentsQuery) },
  async (deps, _, filter) => {
    const { incidents, next } = await listIncidents(deps, filter)
    return reply(200, toPage('incidents', incidents.map(toIncidentView), next))
  },
)

/** Marks an incident as handled. */
const postIncident = forCallers(
  { allow: ['merchant'], read: bodyOf(handleIncidentRequest) },
  async (deps, _, handled) => replyWith(200, await handleIncident(deps, handled), toIncidentView),
)

const getEvents = forCallers(
  { allow: ['merchant'], read: queryOf(eventsQuery) },
  async (deps, _, filter) => {
    const { events, next } = await listEvents(deps, filter)
    return reply(200, toPage('events', events.map(toEventView), next))
  },
)

/** Sends an event again. */
const postEvent = forCallers(
  { allow: ['merchant'], read: bodyOf(sendEventRequest) },
  async (deps, _, { id }) => replyWith(202, await sendEventAgain(deps, id), toEventView),
)

const getOverview = forCallers({ allow: ['merchant'], read: readNoQuery }, async (deps) =>
  reply(200, toOverviewView(await showOverview(deps))),
)

const getTakings = forCallers(
  { allow: ['merchant'], read: queryOf(takingsQuery) },
  async (deps, _, { days }) => reply(200, { days: await showTakings(deps, days) }),
)

/** Lists the days with the results of their bills, or the differences of one day. */
const getBills = forCallers(
  { allow: ['merchant'], read: queryOf(billsQuery) },
  async (deps, _, asked) => {
    if ('before' in asked) {
      const { bills, next } = await listBills(deps, asked)
      return reply(200, toPage('bills', bills.map(toBillView), next))
    }
    return replyWith(200, await listDifferences(deps, asked), ({ bill, differences, next }) => ({
      bill: toBillView(bill),
      ...toPage(
        'differences',
        differences.map(toDifferenceView),
        next === null ? null : toDifferenceCursor(next),
      ),
    }))
  },
)

/** The same list as that of `GET /api/shipping` without an order number. */
const getShipments = forCallers(
  { allow: ['merchant'], read: queryOf(shipmentsQuery) },
  async (deps, caller, page) => {
    const { found, next } = await listFrozen(deps, page)
    const cursor = next === null ? null : toCursor({ last: next, list: FROZEN_LIST })
    return reply(200, toPage('orders', found.map(shippingViewFor(caller)), cursor))
  },
)

/** The text travels in the body, because it may be a payer's phone number. */
const search = forCallers(
  { allow: ['merchant'], read: bodyOf(searchRequest) },
  async (deps, _, asked) => {
    const { orders, next } = await searchOrders(deps, asked)
    const cursor = next === null ? null : toCursor({ last: next, list: asked.list })
    return reply(200, toPage('orders', orders.map(toMerchantOrderView), cursor))
  },
)

/** The history of one order, as a time line. */
const getHistory = forCallers(
  { allow: ['merchant'], read: queryOf(orderRequest) },
  async (deps, _, { outTradeNo }) =>
    replyWith(200, await readHistory(deps, outTradeNo), ({ order, entries }) => ({
      order: toMerchantOrderView(order),
      timeline: entries.map(toEntryView),
    })),
)

type Part = { readonly GET?: Handler; readonly POST?: Handler }

/** The parts of the console, by the last part of the path. */
const parts: ReadonlyMap<string, Part> = new Map<string, Part>([
  ['bills', { GET: getBills }],
  ['complaints', { GET: getComplaints, POST: actOnComplaints }],
  ['events', { GET: getEvents, POST: postEvent }],
  ['incidents', { GET: getIncidents, POST: postIncident }],
  ['orders', { GET: getHistory }],
  ['overview', { GET: getOverview }],
  ['search', { POST: search }],
  ['shipments', { GET: getShipments }],
  ['takings', { GET: getTakings }],
])

/** Calls the handler of the part that the path names. */
const ofPart =
  (method: keyof Part): Handler =>
  async (request, deps, edge) => {
    const part = parts.get(consolePart(request))
    if (part === undefined) return err({ reason: 'part_not_found' })
    const handler = part[method]
    return handler === undefined
      ? err({ reason: 'method_not_allowed', allow: Object.keys(part).join(', ') })
      : handler(request, deps, edge)
  }

export const get = ofPart('GET')
export const post = ofPart('POST')

const methodsOf = (request: Request) =>
  Object.keys(parts.get(consolePart(request)) ?? { GET: get, POST: post })

export default serve('console', { GET: get, POST: post }, { methodsOf, afterwards: catchUp })
