import { toComplaintEntryView, toDetailedComplaintView } from '../lib/core/complaint.ts'
import { err } from '../lib/core/result.ts'
import {
  eventsQuery,
  handleIncidentRequest,
  incidentsQuery,
  sendEventRequest,
} from '../lib/http/console-lists.ts'
import { consolePart } from '../lib/http/console-part.ts'
import { complaintRequest, complaintsQuery } from '../lib/http/console-requests.ts'
import { toEventView, toIncidentView, toPage } from '../lib/http/console-views.ts'
import { forCallers } from '../lib/http/for-callers.ts'
import { bodyOf, queryOf } from '../lib/http/read-request.ts'
import { reply, replyWith, serve, type Handler } from '../lib/http/serve.ts'
import { actOnComplaint } from '../lib/steps/act-on-complaint.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { handleIncident, listIncidents } from '../lib/steps/handle-incident.ts'
import { listEvents, sendEventAgain } from '../lib/steps/send-event-again.ts'
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

type Part = { readonly GET: Handler; readonly POST: Handler }

/** The parts of the console, by the last part of the path. */
const parts: ReadonlyMap<string, Part> = new Map([
  ['complaints', { GET: getComplaints, POST: actOnComplaints }],
  ['events', { GET: getEvents, POST: postEvent }],
  ['incidents', { GET: getIncidents, POST: postIncident }],
])

/** Calls the handler of the part that the path names. */
const ofPart =
  (method: keyof Part): Handler =>
  async (request, deps, edge) => {
    const part = parts.get(consolePart(request))
    return part === undefined
      ? err({ reason: 'part_not_found' })
      : part[method](request, deps, edge)
  }

export const get = ofPart('GET')
export const post = ofPart('POST')

export default serve('console', { GET: get, POST: post }, { afterwards: catchUp })
