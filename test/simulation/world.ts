/**
 * The whole world in one process and on one clock: our functions as deployed with their clients, a
 * database, an embedded Redis, WeChat and the merchant. `Network` connects them.
 */
import { globSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as v from 'valibot'
import { demoV3Values } from '../../dev/world/demo-values.ts'
import { completeEnvironment, findStandIns } from '../../dev/world/environment.ts'
import { schemaStatements } from '../../dev/migrate/migrate.ts'
import { createNeon } from '../../dev/stand-ins/neon.ts'
import { openDatabase, openEmbedded, type Database } from '../../dev/stand-ins/postgres.ts'
import { startRedis } from '../../dev/stand-ins/redis.ts'
import { createUpstash } from '../../dev/stand-ins/upstash.ts'
import { createSimulator } from '../../dev/wechat/create-simulator.ts'
import type { Simulator } from '../../dev/wechat/simulator.ts'
import type { KeyList } from '../../dev/wechat/v3/wechat-keys.ts'
import { thisInstance } from '../../lib/composition.ts'
import { accountSettings } from '../../lib/config/wechat.ts'
import { signEvent } from '../../lib/webhook/signed-event.ts'
import { openRedis } from '../../lib/stores/redis.ts'
import { createTokens } from '../../lib/tokens.ts'
import type { AcceptedAction, ParcelOrder } from './accepted.ts'
import { MERCHANT, simulatorSettings, variablesOf, type Account, type Protocol } from './account.ts'
import type { MayPay } from './earlier-number.ts'
import { Cluster, type FunctionFetch } from './cluster.ts'
import { currentAction, currentCaller, runAs } from './instance.ts'
import { watchLocks, type LockWatch } from './lock-watch.ts'
import { Random } from './random.ts'
import { createMerchant, type Merchant, type Receiver } from './merchant.ts'
import { replaceGlobals } from './globals.ts'
import type { Target } from './faults.ts'
import { Network } from './network.ts'
import { findServer, type Backends } from './servers.ts'
import { VirtualTime } from './virtual-time.ts'

const ORIGIN = 'https://shop.test'

/** Shipped orders are settled within a history. */
const SOON = { autoConfirmMs: 20 * 60_000, settleMs: 10 * 60_000 }

const FIRST_DAY = new Date('2026-01-01T00:00:00Z')
/** Longer than any history lasts. */
export const DAYS_APART = 20

/** Each history of a world has a later date. With more, the dates would leave this century. */
export const HISTORIES_PER_WORLD = 1_300

/**
 * Tables are truncated once in so many histories, because that takes longer than to delete rows.
 */
const HISTORIES_BETWEEN_TRUNCATIONS = 25

const functionModule = v.object({ default: v.object({ fetch: v.function() }) })

/** The logs, trace and counts of one history. */
export interface HistoryRecord {
  readonly logs: string[]
  readonly trace: string[]
  /** How often each operation, fault, answer and log event occurred. */
  readonly counts: Map<string, number>
}

const NO_ACCOUNT: Account = { v2: 'v2 HMAC-SHA256', v3: null, startsWith: 'v2' }

/** Each request uses the composition of its own simulated instance. */
function useOwnInstance(): void {
  const own = () => {
    const instance = currentCaller()?.instance
    if (!instance) throw new Error('a function runs outside an instance')
    return instance.composition
  }
  Object.defineProperties(thisInstance(), {
    deps: { configurable: true, get: () => own().deps },
    edge: { configurable: true, get: () => own().edge },
  })
}

/** The settings that a deployment can change. */
interface Deployment {
  /** The protocol of new orders. */
  readonly api: Protocol
  readonly publicKeys: KeyList['publicKeys']
}

/** How a history begins. */
interface Start {
  readonly account: Account
  readonly minuteOfDay: number
  readonly autoShips: boolean
  readonly receiver: Receiver
  readonly clockSkewMs: number
}

/** Planning a statement each time took a fifth of a history. The schema never changes meanwhile. */
function nameStatements(): (text: string) => string {
  const names = new Map<string, string>()
  return (text) => {
    const name = names.get(text) ?? `s${names.size}`
    names.set(text, name)
    return name
  }
}

const neverDeployed: FunctionFetch = async () => new Response(null, { status: 404 })

export class World {
  readonly env: ReturnType<typeof completeEnvironment>
  readonly time: VirtualTime
  readonly network: Network
  readonly origin = ORIGIN
  simulator: Simulator
  merchant: Merchant
  cluster: Cluster
  record: HistoryRecord = { logs: [], trace: [], counts: new Map() }
  readonly locks: LockWatch
  readonly #database: Database
  /** The tables that are empty when a history begins. */
  readonly #tables: readonly string[]
  readonly #restoreSteps: (() => unknown)[]
  #random = new Random('setup')
  #histories = 0
  account = NO_ACCOUNT
  #deployed: Deployment = { api: 'v2', publicKeys: [] }
  /** The orders that may have an incident: a false message, a wrong bill or a reused number. */
  readonly suspects = new Set<string>()
  /** The orders whose number an earlier system used, and when that payment may settle them. */
  readonly earlier = new Map<string, MayPay>()
  /** The orders that the merchant ships in parcels. */
  readonly parcels = new Map<string, ParcelOrder>()
  /** The merchant's actions on complaints that the shop has accepted. */
  readonly acceptedActions: AcceptedAction[] = []
  /** When the faults ended. */
  calmFrom = 0
  keyChanges = { begun: 0, isRunning: false }
  #autoShipping = ''

  static async open({ isTraced = false }: { readonly isTraced?: boolean } = {}): Promise<World> {
    const given = { ...MERCHANT, ...demoV3Values }
    const env = completeEnvironment(given, findStandIns({}), ORIGIN)
    useOwnInstance()
    const server = process.env['TEST_DATABASE_URL']
    const database = await (server === undefined
      ? openEmbedded()
      : openDatabase(server, { isClockShared: true }))
    for (const statement of schemaStatements(accountSettings(env)))
      await database.pool.query(statement)
    // Event ids come from a sequence, so that they are the same in every run of a history.
    await database.pool
      .query(`create sequence event_numbers; alter table events alter column id set default 'evt_' || md5(nextval('event_numbers')::text);
      insert into products values ('latte', '拿铁', 2800, true, now()), ('cookie', '曲奇', 900, true, now())`)
    const tables = await database.pool.query<{ name: string }>(
      `select table_name as name from information_schema.tables
       where table_schema = current_schema() and table_name not in ('migrations', 'products')`,
    )
    const locks = watchLocks(await startRedis())
    // Load now what the modules load on first use: the virtual clock does not wait for a disk.
    await createTokens(env.SESSION_SECRET, () => env.WECHAT_APPID).read('', FIRST_DAY)
    await openRedis({ url: ORIGIN, token: 'none' })
    await Promise.all([
      import('@neondatabase/serverless'),
      import('ofetch'),
      import('../../lib/stores/bills.ts'),
      import('../../lib/wechat/v2/v2.ts'),
      import('../../lib/wechat/xml-parser.ts'),
      import('../../lib/wechat/v2/bill.ts'),
      import('../../lib/wechat/v3/v3.ts'),
      import('../../lib/wechat/v3/bill.ts'),
      import('../../lib/wechat/v3/complaints.ts'),
      import('../../lib/wechat/push/push.ts'),
      import('../../lib/steps/handle-push.ts'),
      import('../../lib/stores/complaints.ts'),
      import('../../lib/stores/incidents.ts'),
      import('../../lib/stores/event-log.ts'),
      import('../../lib/stores/overviews.ts'),
      import('../../lib/stores/bill-reports.ts'),
      import('../../lib/stores/order-search.ts'),
      import('../../lib/stores/order-history.ts'),
    ])
    const data = { kind: '', outTradeNo: null, expected: {}, received: {}, source: 'cron' } as const
    const event = { id: '', type: 'payment.incident', createdAt: FIRST_DAY, data } as const
    await signEvent(env['ORDER_WEBHOOK_SECRET'] ?? '', event, FIRST_DAY)
    const functions = new Map<string, FunctionFetch>()
    for (const file of globSync(resolve(import.meta.dirname, '../../api/*.ts'))) {
      const { fetch } = v.parse(functionModule, await import(pathToFileURL(file).href)).default
      functions.set(basename(file, '.ts'), async (request) =>
        v.parse(v.instance(Response), await fetch(request)),
      )
    }
    const emptied = tables.rows.map(({ name }) => name)
    return new World(env, database, emptied, locks, functions, isTraced)
  }

  private constructor(
    env: World['env'],
    database: Database,
    tables: readonly string[],
    locks: LockWatch,
    functions: ReadonlyMap<string, FunctionFetch>,
    isTraced: boolean,
  ) {
    this.env = env
    this.#database = database
    this.#tables = tables
    this.locks = locks
    this.time = new VirtualTime(FIRST_DAY)
    this.simulator = this.#newSimulator(NO_ACCOUNT)
    this.merchant = createMerchant(env['ORDER_WEBHOOK_SECRET'] ?? '', () => this.time.now())
    this.cluster = new Cluster(this.#random, env, 0)
    const [neon, upstash] = [
      createNeon({ ...database, nameOf: nameStatements() }),
      createUpstash(locks, env['UPSTASH_REDIS_REST_TOKEN'] ?? ''),
    ]
    const backends: Backends = {
      database: (request) => this.time.real(async () => neon.fetch(request)),
      redis: (request) => this.time.real(async () => upstash.fetch(request)),
      wechat: (request, fault) =>
        this.time.real(async () => {
          if (fault !== null) this.simulator.misbehave(fault)
          return this.simulator.app.fetch(request)
        }),
      merchant: (request) => this.merchant.answer(request),
      functions: new Set(functions.keys()),
      run: (name, request, random) =>
        this.cluster.run(functions.get(name) ?? neverDeployed, request, random),
    }
    this.network = new Network({
      time: this.time,
      serverOf: (url) => findServer(backends, url),
      count: (target, fault) => {
        this.count(target, fault)
        const action = currentAction()
        if (action !== undefined) this.count('pair', `${action} with ${target}: ${fault}`)
      },
      trace: (line) =>
        void (
          isTraced &&
          this.record.trace.push(`${new Date(this.time.now()).toISOString()}  ${line()}`)
        ),
    })
    const keep = (line: string) => void this.record.logs.push(line)
    const restoreGlobals = replaceGlobals(this.network.fetch, () => this.#random, keep)
    this.#restoreSteps = [() => this.time.stop(), locks.stop, database.stop, restoreGlobals]
  }

  /**
   * Deletes everything except the catalogue. Each history starts on a later day, because our code
   * remembers the time of its last catch-up.
   */
  async begin(
    random: Random,
    { account, minuteOfDay, autoShips, receiver, clockSkewMs }: Start,
  ): Promise<void> {
    this.#histories += 1
    this.#random = random
    this.record = { logs: [], trace: [], counts: new Map() }
    this.time.clear()
    this.time.startAt(
      new Date(FIRST_DAY.getTime() + (this.#histories * DAYS_APART * 1_440 + minuteOfDay) * 60_000),
    )
    this.simulator = this.#newSimulator(account)
    this.account = account
    this.#autoShipping = autoShips ? 'virtual' : ''
    this.suspects.clear()
    this.earlier.clear()
    this.parcels.clear()
    this.acceptedActions.length = 0
    this.keyChanges = { begun: 0, isRunning: false }
    const publicKeys = account.v3 === null ? [] : this.simulator.keys().publicKeys
    this.#deployed = { api: account.startsWith, publicKeys }
    this.cluster = new Cluster(this.#random.next(), this.#variables(), clockSkewMs)
    this.merchant = createMerchant(
      this.env['ORDER_WEBHOOK_SECRET'] ?? '',
      () => this.time.now(),
      receiver,
    )
    this.locks.problems.length = 0
    const deletion =
      this.#histories % HISTORIES_BETWEEN_TRUNCATIONS === 0
        ? `truncate ${this.#tables.join(', ')}`
        : `set session_replication_role = replica; ${this.#tables.map((table) => `delete from ${table}`).join('; ')}; set session_replication_role = origin`
    await this.sql(`${deletion}; select setval('event_numbers', 1)`)
    await this.redis('FLUSHDB')
  }

  /** Queries the database directly: without faults, and in no virtual time. */
  readonly sql = async (
    text: string,
    params: readonly unknown[] = [],
  ): Promise<readonly Readonly<Record<string, unknown>>[]> => {
    const { rows } = await this.time.real(() =>
      this.#database.pool.query<Record<string, unknown>>(text, [...params]),
    )
    return rows
  }

  /** New requests run on new instances with the changed variables. */
  deploy(change: Partial<Deployment>): void {
    this.#deployed = { ...this.#deployed, ...change }
    this.cluster.deploy(this.#variables())
  }

  /** Uses the other protocol for new orders, if the shop has both. */
  move(): void {
    const { v2, v3 } = this.account
    if (v2 === null || v3 === null) return
    const api = this.#deployed.api === 'v2' ? 'v3' : 'v2'
    this.deploy({ api })
    this.count('world', `moved to ${api}`)
  }

  redis(...command: readonly string[]): Promise<unknown> {
    return this.time.real(() => this.locks.send(command))
  }

  /** Calls one of our functions from outside. */
  call(random: Random, path: string, init: RequestInit): Promise<Response> {
    return runAs({ instance: null, random }, () => fetch(ORIGIN + path, init))
  }

  count(target: Target | 'world' | 'pair', what: string): void {
    const name = `${target}: ${what}`
    this.record.counts.set(name, (this.record.counts.get(name) ?? 0) + 1)
  }

  async close(): Promise<void> {
    for (const step of this.#restoreSteps.toReversed()) await step()
  }

  #variables(): Readonly<Record<string, string>> {
    return {
      ...this.env,
      WECHAT_PAY_PUBLIC_KEY: '',
      WECHAT_PAY_PUBLIC_KEY_ID: '',
      WECHAT_AUTO_SHIPPING: this.#autoShipping,
      WECHAT_VIRTUAL_GOODS_ALLOWED: '1',
      ...variablesOf(this.account, this.#deployed.api, this.#deployed.publicKeys),
    }
  }

  #newSimulator(account: Account): Simulator {
    const {
      WECHAT_APPID: appid,
      WECHAT_APP_SECRET: appSecret,
      WECHAT_MCH_ID: mchId,
      WECHAT_PAY_KEY: payKey,
    } = this.env
    const now = () => this.time.now()
    const push = {
      url: `${ORIGIN}/api/notify`,
      token: this.env['WECHAT_PUSH_TOKEN'] ?? '',
      key: this.env['WECHAT_PUSH_KEY'] ?? null,
    }
    const app = { appid, appSecret, mchId, payKey, push, now }
    const simulator = createSimulator({ ...app, ...simulatorSettings(account) })
    simulator.changeSettings(SOON)
    if (account.v3 !== null) simulator.registerComplaintUrl(push.url)
    return simulator
  }
}
