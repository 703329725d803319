/** `/world/`: the feed of what happens in the world, its switches and its invariants. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Hono } from 'hono'
import { Conflict, listRoutes, plain, serveRoutes, withoutQuery } from '../wechat/control-route.ts'
import type { ListedRoute } from '../wechat/control-route.ts'
import type { Environment } from '../program/environment.ts'
import type { CompleteEnvironment, StandIns } from './environment.ts'
import { Feed } from './feed.ts'
import { createFeedStream } from './feed-stream.ts'
import { createInvariants, type Invariant } from './invariants.ts'
import { createLeaks, watchLog } from './leaks.ts'
import { createMask } from './mask.ts'
import { createMerchantActions } from './merchant-actions.ts'
import type { ReceivedEvent } from './merchant-events.ts'
import type { Query } from './read-ledger.ts'
import { createRecorder } from './recorder.ts'
import { nameFaults } from './switched-on.ts'
import { createSwitches, type SwitchedWorld } from './switches.ts'
import { createTomorrow } from './tomorrow.ts'

export interface Watch {
  readonly app: Hono
  /** The routes, for the list of `GET /wechat/control`. */
  readonly listed: readonly ListedRoute[]
  /** Sees each request of the port, and its answer. */
  readonly see: (incoming: IncomingMessage, outgoing: ServerResponse) => void
  /** Names the faults that are on in the problems of the functions. */
  readonly nameFaults: ReturnType<typeof nameFaults>
  readonly stop: () => void
}

interface Watched extends SwitchedWorld {
  readonly url: string
  /** The environment before the world completed it. */
  readonly given: Environment
  readonly env: CompleteEnvironment
  readonly standIns: StandIns
  readonly query: Query
  readonly events: readonly ReceivedEvent[]
}

const FEED: ListedRoute = {
  method: 'GET',
  path: '/world/feed',
  does: 'every message between two parts of the world, as server-sent events',
  example: undefined,
}

const PROBLEM = { 'content-type': 'application/problem+json' }

const noSuchRoute = (listed: readonly ListedRoute[]) => ({
  title: 'There is no such route',
  status: 404,
  detail: 'The local world has these routes here. docs/local-world.md describes them.',
  routes: listed.map(({ method, path, does }) => `${method} ${path}: ${does}`),
})

export function watchWorld(watched: Watched): Watch {
  const { url, given, env, standIns, simulator } = watched
  const feed = new Feed()
  const stream = createFeedStream(feed)
  const leaks = createLeaks(env)
  const stopWatchingLog = watchLog(leaks)
  const switches = createSwitches(watched)
  const see = createRecorder({
    feed,
    mask: createMask(given),
    leaks,
    simulator,
    merchantKey: env.MERCHANT_API_KEY,
    webhookSecret: standIns.webhook ? env['ORDER_WEBHOOK_SECRET'] : undefined,
    switchedOn: switches.switchedOn,
  })
  const routes = [
    ...switches.routes,
    createTomorrow({ url, cronSecret: env.CRON_SECRET, simulator }),
    ...createMerchantActions(watched),
    plain(
      'GET',
      '/invariants',
      'the invariants of payments, checked now on the database and the simulated WeChat',
      createCheck(watched, { leaks, hasFaults: switches.areOn }),
    ),
  ]
  const app = new Hono()
  app.use(withoutQuery)
  serveRoutes(app, routes)
  app.route('/', stream.app)
  const listed = [FEED, ...listRoutes('/world', routes)]
  app.all('*', (context) => context.json(noSuchRoute(listed), 404, PROBLEM))
  return {
    app,
    listed,
    see,
    nameFaults: nameFaults(switches.switchedOn),
    stop: () => {
      stopWatchingLog()
      stream.stop()
    },
  }
}

/** A database or a WeChat with other orders cannot be compared. */
function createCheck(
  { simulator, standIns, env, query, events }: Watched,
  others: Pick<Parameters<typeof createInvariants>[0], 'leaks' | 'hasFaults'>,
): () => Promise<{ readonly invariants: readonly Invariant[] }> {
  if (simulator === undefined || !standIns.payApi || !standIns.database)
    return async () => {
      throw new Conflict('the invariants need the embedded database and the simulated WeChat Pay')
    }
  const isReceived = standIns.webhook && env['QSTASH_TOKEN'] === undefined
  const check = createInvariants({
    ...others,
    query,
    simulator,
    received: () =>
      isReceived ? new Set(events.map(({ headers }) => headers['webhook-id'] ?? '')) : null,
  })
  return async () => ({ invariants: await check() })
}
