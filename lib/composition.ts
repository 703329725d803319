/**
 * The composition root: the only file that knows all parts. Each part is made when it is first
 * used, once per instance.
 */
import { randomBytes } from 'node:crypto'
import { waitUntil } from '@vercel/functions'
import { certificateSettings } from './config/certificate.ts'
import { cronSecret, merchantKey, namesCollector, sessionSecret } from './config/edge.ts'
import type { Environment } from './config/environment.ts'
import {
  autoShipping,
  cronUrl,
  maxOpenOrders,
  notifyUrl,
  virtualGoodsAllowed,
} from './config/orders.ts'
import { databaseSettings, healthDigest, redisSettings } from './config/stores.ts'
import { qstashSettings, webhookSettings } from './config/webhook.ts'
import { configuredProtocols } from './config/protocol.ts'
import { pushSettings } from './config/push.ts'
import { v3Settings } from './config/v3.ts'
import {
  accountSettings,
  appid,
  miniProgramSettings,
  payHosts,
  paySettings,
} from './config/wechat.ts'
import { everySoOften } from './core/every-so-often.ts'
import { ConfigError, Unavailable } from './core/failure.ts'
import { writeBug } from './http/bug.ts'
import type { Edge, Peer } from './http/edge.ts'
import { createMemory } from './http/remembered.ts'
import { lazy } from './lazy.ts'
import { writeLog } from './log.ts'
import { createOpener } from './http-client/open-connections.ts'
import { loadCertificate } from './http-client/request.ts'
import type { LogFields } from './core/log-fields.ts'
import type { Deps, Health } from './ports.ts'
import {
  inBackground,
  markReaderAsMerchant,
  noteEvent,
  setLogOrder,
  takeNotedEvents,
  whenAnswered,
  timeLeft,
} from './request-context.ts'
import { deliver } from './steps/deliver.ts'
import { createCache } from './stores/cache.ts'
import { createCatalogue } from './stores/catalogue.ts'
import { watchEvents } from './stores/events.ts'
import { createLedger } from './stores/ledger.ts'
import { createLimits } from './stores/limits.ts'
import { loadBills } from './stores/load-bills.ts'
import { loadComplaints } from './stores/load-complaints.ts'
import {
  loadBillReports,
  loadEventLog,
  loadIncidents,
  loadOrderHistory,
  loadOrderSearch,
  loadOverviews,
} from './stores/load-console.ts'
import { connect, endpointOf } from './stores/neon.ts'
import { createOutbox } from './stores/outbox.ts'
import { createRefunds } from './stores/refunds.ts'
import { createSettlements } from './stores/settlements.ts'
import { createShipments } from './stores/shipments.ts'
import { createTradeManagement } from './stores/trade-management.ts'
import { createUsers } from './stores/users.ts'
import { createTokens } from './tokens.ts'
import { flushTraces, startTracing } from './trace.ts'
import { openDelayedCalls, openWebhook } from './webhook/open-webhook.ts'
import { createMiniPrograms } from './wechat/mini-programs.ts'
import { newNonce } from './wechat/nonce.ts'
import {
  createComplaintGateway,
  createGateways,
  createNotifications,
  type Protocol,
  type Protocols,
  type Receiver,
} from './wechat/protocols.ts'

/** Everything that one running instance of a function works with. */
export interface Instance {
  readonly deps: Deps
  readonly edge: Edge
}

export function createInstance(env: Environment): Instance {
  const log = (fields: LogFields) => writeLog({ level: 'warn', ...fields })
  const clock = {
    now: () => new Date(),
    timeLeft,
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  }
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work()
    } catch (cause) {
      log({
        event: 'later_failed',
        reason: cause instanceof Error ? cause.name : 'unknown',
        ...(cause instanceof Unavailable ? { code: cause.why } : {}),
        ...(cause instanceof ConfigError ? { detail: cause.message } : {}),
      })
    }
  }
  const runAfterAnswer = (work: () => Promise<unknown>) =>
    waitUntil(
      inBackground(async () => {
        await attempt(work)
        if (takeNotedEvents()) await attempt(() => deliver(deps))
      }).then(flushTraces),
    )
  const settings = lazy({
    pay: () => paySettings(env),
    certificate: () => {
      const { cert, key } = certificateSettings(env, clock.now())
      return loadCertificate(cert, key)
    },
    v3: () => v3Settings(env),
    miniProgram: () => miniProgramSettings(env),
  })
  const shared = lazy({
    sql: () => {
      const { url, endpoint } = databaseSettings(env)
      return watchEvents(connect(url, endpoint), noteEvent)
    },
    v2: async (): Promise<Protocol> => {
      const { createV2 } = await import('./wechat/v2/v2.ts')
      return createV2({ pay: () => settings.pay, certificate: () => settings.certificate }, log)
    },
    v3: async (): Promise<Protocol> => {
      const { createV3 } = await import('./wechat/v3/v3.ts')
      const { v2 } = shared.protocols
      return createV3({
        settings: () => settings.v3,
        certificates: {
          find: (id) => shared.cache.platformCertificates.find(id),
          keep: (...kept) => shared.cache.platformCertificates.keep(...kept),
          forget: (...kept) => shared.cache.platformCertificates.forget(...kept),
        },
        refundLists: {
          overV2:
            v2 === undefined
              ? null
              : async (payment) => (await v2()).gateway(payment.account).listRefunds(payment),
          findNumbers: async (outTradeNo) =>
            (await deps.refunds.listByOrder(outTradeNo)).map(({ outRefundNo }) => outRefundNo),
        },
        newNonce,
        now: clock.now,
      })
    },
    push: async (): Promise<Receiver> => {
      const { createPush } = await import('./wechat/push/push.ts')
      return createPush(() => pushSettings(env), clock.now)
    },
    /** Only these are loaded, whatever an order or a message names. */
    protocols: (): Protocols => {
      const all = { v3: () => shared.v3, v2: () => shared.v2 }
      return Object.fromEntries(configuredProtocols(env).map((name) => [name, all[name]]))
    },
    cache: () =>
      createCache(
        redisSettings(env),
        healthDigest(env),
        () => randomBytes(16).toString('hex'),
        log,
      ),
    tokens: () => createTokens(sessionSecret(env), () => appid(env)),
  })
  const deps: Deps = lazy(
    {
      gateway: () => createGateways(shared.protocols),
      miniProgram: () => createMiniPrograms(() => settings.miniProgram),
      complaintGateway: () => createComplaintGateway(shared.protocols),
      notifications: () => createNotifications(shared.protocols, () => shared.push),
      users: () => createUsers(shared.sql),
      catalogue: () => createCatalogue(shared.sql),
      ledger: () => createLedger(shared.sql),
      refunds: () => createRefunds(shared.sql),
      shipments: () => createShipments(shared.sql),
      settlements: () => createSettlements(shared.sql),
      complaints: () => loadComplaints(shared.sql),
      tradeManagement: () => createTradeManagement(shared.sql),
      bills: () => loadBills(shared.sql),
      outbox: () => createOutbox(shared.sql),
      eventLog: () => loadEventLog(shared.sql),
      incidents: () => loadIncidents(shared.sql),
      overviews: () => loadOverviews(shared.sql),
      billReports: () => loadBillReports(shared.sql),
      orderSearch: () => loadOrderSearch(shared.sql),
      orderHistory: () => loadOrderHistory(shared.sql),
      webhook: () => openWebhook(webhookSettings(env), qstashSettings(env), clock),
      delayedCalls: () =>
        openDelayedCalls(qstashSettings(env), () => ({
          url: cronUrl(env),
          secret: cronSecret(env),
        })),
      cache: () => shared.cache,
      tokens: () => shared.tokens,
      clock: () => clock,
      randomBytes: () => (count: number) => randomBytes(count),
      // Rare enough for the database of a busy shop, and often enough for a quiet shop.
      isCatchUpDue: () => everySoOften(20_000, clock),
      waitUntil: () => runAfterAnswer,
      setLogOrder: () => setLogOrder,
      log: () => log,
      logBug: () => writeBug,
    },
    {
      account: () => accountSettings(env),
      maxOpenOrders: () => maxOpenOrders(env),
      autoShipping: () => autoShipping(env),
      virtualGoodsAllowed: () => virtualGoodsAllowed(env),
      notifyUrl: () => notifyUrl(env),
    },
  )
  const edge: Edge = lazy(
    {
      tokens: () => shared.tokens,
      limits: () => createLimits(() => redisSettings(env), clock, log, whenAnswered),
      // If tracing cannot start, only the traces are lost.
      tracing: () =>
        namesCollector(env) ? startTracing().catch(() => log({ event: 'traces_off' })) : null,
      rememberHealth: () => createMemory<Health>(clock.now),
      markReaderAsMerchant: () => markReaderAsMerchant,
      openConnections: () =>
        createOpener<Peer>({
          database: () => endpointOf(databaseSettings(env)),
          redis: () => redisSettings(env).url,
          wechat: () => settings.miniProgram.host,
          'wechat pay': () => payHosts(env)[0],
        }),
      clock: () => clock,
      waitUntil: () => runAfterAnswer,
    },
    { merchantKey: () => merchantKey(env), cronSecret: () => cronSecret(env) },
  )
  return { deps, edge }
}

let instance: Instance | undefined

/** The instance that serves the requests of this process. */
export const thisInstance = (): Instance => (instance ??= createInstance(process.env))
