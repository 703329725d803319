/**
 * The local world on one port: the functions, and a stand-in for every service that the environment
 * does not name.
 */
import type { KeyObject } from 'node:crypto'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { except } from 'hono/combine'
import { deployedPages, pagesOfWorld } from '../build/page-files.ts'
import { Cleanups } from './cleanups.ts'
import { demoRedisToken } from './demo-values.ts'
import { completeEnvironment, findStandIns, setProcessEnvironment } from './environment.ts'
import { readVariable, type Environment } from '../program/environment.ts'
import type { CompleteEnvironment, StandIns } from './environment.ts'
import { createFault, type Fault } from './faults.ts'
import { createFunctions } from './functions.ts'
import { listen } from './listen.ts'
import { createMerchantEvents, type ReceivedEvent } from './merchant-events.ts'
import { migrate } from '../migrate/migrate.ts'
import type { Database } from '../stand-ins/postgres.ts'
import {
  noDatabaseService,
  noService,
  openDatabaseService,
  openRedisService,
  type DatabaseFault,
} from '../stand-ins/services.ts'
import type { Simulator } from '../wechat/simulator.ts'
import type { ListedRoute } from '../wechat/control-route.ts'
import { loadState } from '../wechat/state-file.ts'
import { openWorldClock, type WorldClock } from './clock.ts'
import { openSimulator } from './open-simulator.ts'
import { createProtocolSwitch } from './protocol-switch.ts'
import { watchWorld } from './watch.ts'

export interface WorldOptions {
  /** Default: the environment of the process. */
  readonly env?: Environment
  /** Default: 127.0.0.1. */
  readonly host?: string
  /** Default: a free port. */
  readonly port?: number
  /** The directory that keeps data across restarts. Without it everything is in memory. */
  readonly dataDirectory?: string
  /** A database for the stand-in to use. */
  readonly database?: Database | undefined
  /**
   * A real PostgreSQL server, on which the stand-in creates a database and drops it at stop.
   * Default: the embedded one.
   */
  readonly postgresUrl?: string | undefined
  /** A real Redis for the stand-in. Default: the embedded one. */
  readonly redisUrl?: string | undefined
  /**
   * Whether the stand-in's database is migrated. A database that the environment names is not.
   * Default: true.
   */
  readonly migrate?: boolean
  /** Makes the keys of the simulated WeChat that it needs later. Default: new RSA keys. */
  readonly newWechatKey?: () => KeyObject
  /**
   * Whether payers can complain: APIv3 is configured beside v2, which new orders still use, and
   * WeChat has the URL for complaints. Default: false.
   */
  readonly complaints?: boolean
  /** Whether `/world/` is served: the feed of all messages, and switches. Default: false. */
  readonly isWatched?: boolean
  /** Called after the clock of the world was moved. */
  readonly onClockMoved?: () => void
  /** The directory with `api`, `public` and vercel.json. Default: this project. */
  readonly root?: string
}

export interface World {
  readonly url: string
  /** The complete variables of the functions, as in `process.env` until the world stops. */
  readonly env: CompleteEnvironment
  readonly standIns: StandIns
  /** The paths of the functions. */
  readonly functions: readonly string[]
  readonly clock: WorldClock
  /** Undefined if the environment names both services of WeChat. */
  readonly simulator: Simulator | undefined
  /** Switches of the stand-ins. They have no effect on a service that the environment names. */
  readonly faults: { readonly database: DatabaseFault; readonly redis: Fault }
  /** The events that the merchant's webhook received, newest last. */
  readonly events: readonly ReceivedEvent[]
  /** Resolves when the work of the functions after their answers has ended. */
  readonly settled: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** The time for work after answers when the world stops. */
const SETTLE_MS = 3_000

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  // A copy, because the variables of the process change below.
  const given = { ...(options.env ?? process.env) }
  const standIns = findStandIns(given)
  const root = options.root ?? resolve(import.meta.dirname, '../..')
  const pages = options.isWatched === true ? pagesOfWorld(join(root, 'public')) : deployedPages
  const functions = createFunctions(root, pages)
  const cleanups = new Cleanups()
  try {
    const clock = openClock(given, standIns, options)
    cleanups.add(clock.stop)
    const token = readVariable(given, 'UPSTASH_REDIS_REST_TOKEN') ?? demoRedisToken
    const database = standIns.database
      ? await openDatabaseService({ ...options, directory: inData(options, 'postgres') })
      : noDatabaseService()
    cleanups.add(database.stop)
    const redis = standIns.redis ? await openRedisService(token, options.redisUrl) : noService()
    cleanups.add(redis.stop)

    const port = await listen(options.host ?? '127.0.0.1', options.port ?? 0)
    cleanups.add(port.stop)
    const merchant = createMerchantEvents()
    const wechat = createFault()
    // Requests that a fault left open would keep the port from closing.
    cleanups.add(() => [database, redis, merchant, wechat].forEach(({ fault }) => fault.down()))
    const env = completeEnvironment(given, standIns, port.url, options)
    cleanups.add(setProcessEnvironment(env))
    cleanups.add(() =>
      Promise.race([functions.settled(), sleep(SETTLE_MS, undefined, { ref: false })]),
    )

    const services = new Hono<{ Bindings: HttpBindings }>()
      .route('/', database.app)
      .route('/', redis.app)
    port.serve(services)
    if (standIns.database && options.migrate !== false) await migrate(env)

    const listed: ListedRoute[] = []
    const simulator =
      standIns.miniProgramApi || standIns.payApi
        ? openSimulator({
            env,
            advance: clock.advance,
            listed,
            stateFile: inData(options, 'wechat.json'),
            newWechatKey: options.newWechatKey,
          })
        : undefined
    const app = new Hono<{ Bindings: HttpBindings }>().route('/', services)
    app.use('/wechat/*', except('/wechat/control/*', wechat.middleware))
    if (simulator !== undefined) app.route('/wechat', simulator.app)
    app.route('/merchant', merchant.app)
    if (options.isWatched === true) {
      const watch = watchWorld({
        url: port.url,
        given,
        env,
        standIns,
        simulator,
        query: database.query,
        events: merchant.events,
        faults: {
          wechat: wechat.fault,
          redis: redis.fault,
          database: database.fault,
          receiver: merchant.fault,
        },
        protocol: createProtocolSwitch(env, functions.reload),
      })
      listed.push(...watch.listed)
      cleanups.add(watch.stop)
      app.route('/world', watch.app)
      port.observe(watch.see)
      app.use('/api/*', watch.nameFaults)
    }
    app.route('/', functions.app)
    port.serve(app)
    if (simulator !== undefined) {
      cleanups.add(() => simulator.stop())
      if (options.complaints === true) simulator.registerComplaintUrl(`${port.url}/api/notify`)
      simulator.start()
    }
    return {
      url: port.url,
      env,
      standIns,
      clock,
      functions: functions.paths,
      simulator,
      faults: { database: database.fault, redis: redis.fault },
      events: merchant.events,
      settled: functions.settled,
      stop: () => cleanups.run(),
    }
  } catch (error) {
    await cleanups.run()
    throw error
  }
}

/** A world without stored data does not store its clock either. */
function openClock(given: Environment, standIns: StandIns, options: WorldOptions): WorldClock {
  const isNamed = (name: string) => readVariable(given, name) !== undefined
  const fixedBy = [
    ...[
      'WECHAT_API_URL',
      'WECHAT_PAY_URL',
      'DATABASE_URL',
      'UPSTASH_REDIS_REST_URL',
      'KV_REST_API_URL',
    ].filter(isNamed),
    ...(options.postgresUrl === undefined ? [] : ['TEST_DATABASE_URL']),
    ...(options.redisUrl === undefined ? [] : ['TEST_REDIS_URL']),
  ]
  const keepsData = standIns.database || standIns.miniProgramApi || standIns.payApi
  const file = keepsData ? inData(options, 'clock.json') : undefined
  const earlierMs = keepsData ? loadState(inData(options, 'wechat.json')).clockOffsetMs : 0
  return openWorldClock({ file, earlierMs, fixedBy, onMove: options.onClockMoved })
}

function inData({ dataDirectory }: WorldOptions, name: string): string | undefined {
  return dataDirectory === undefined ? undefined : join(dataDirectory, name)
}
