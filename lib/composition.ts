/** The composition root: the only file that knows everybody. Each part is made when first needed, once per instance. */
import { randomBytes } from 'node:crypto'
import { waitUntil } from '@vercel/functions'
import { certificateSettings } from './config/certificate.ts'
import { cronSecret, merchantKey, namesCollector, sessionSecret } from './config/edge.ts'
import type { Environment } from './config/environment.ts'
import { autoShipping, maxOpenOrders, notifyUrl } from './config/orders.ts'
import { databaseSettings, nameOfHealth, redisSettings } from './config/stores.ts'
import { qstashSettings, webhookSettings } from './config/webhook.ts'
import { accountSettings, appid, miniProgramSettings, paySettings } from './config/wechat.ts'
import { ConfigError, Unavailable } from './core/failure.ts'
import type { Health } from './core/health.ts'
import { createMemory } from './core/remembered.ts'
import { writeBug } from './http/bug.ts'
import { writeLog } from './log.ts'
import { createQstash } from './webhook/qstash.ts'
import { createWebhook } from './webhook/webhook.ts'
import { loadCertificate } from './http-client/request.ts'
import type { LogFields } from './core/log-fields.ts'
import type { Deps } from './ports.ts'
import {
  inBackground,
  nameMerchant,
  nameOrder,
  noteEvent,
  takeNotedEvents,
  timeLeft,
} from './request-context.ts'
import { deliver } from './steps/deliver.ts'
import { createBills } from './stores/bills.ts'
import { createCache } from './stores/cache.ts'
import { createCatalogue } from './stores/catalogue.ts'
import { watchEvents } from './stores/events.ts'
import { createLedger } from './stores/ledger.ts'
import { createLimits } from './stores/limits.ts'
import { connect } from './stores/neon.ts'
import { createOutbox } from './stores/outbox.ts'
import { createRefunds } from './stores/refunds.ts'
import { createShipments } from './stores/shipments.ts'
import { createUsers } from './stores/users.ts'
import { createTokens } from './tokens.ts'
import { flushTraces, startTracing } from './trace.ts'
import { createMiniPrograms } from './wechat/mini-programs.ts'
import { createGateways, createNotifications } from './wechat/protocols.ts'
import { createV2 } from './wechat/v2/v2.ts'

const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

export function createDeps(env: Environment): Deps {
  const log = (fields: LogFields) => writeLog({ level: 'warn', ...fields })
  const clock = {
    now: () => new Date(),
    timeLeft,
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  }
  const sql = once(() => {
    const { url, endpoint } = databaseSettings(env)
    return watchEvents(connect(url, endpoint), noteEvent)
  })
  const certificate = once(() => {
    const { cert, key } = certificateSettings(env, clock.now())
    return loadCertificate(cert, key)
  })
  const v2 = createV2({ pay: once(() => paySettings(env)), certificate }, log)
  const parts = {
    gateway: once(() => createGateways({ v2 })),
    miniProgram: once(() => createMiniPrograms(once(() => miniProgramSettings(env)))),
    notifications: once(() => createNotifications({ v2 }, v2)),
    users: once(() => createUsers(sql())),
    catalogue: once(() => createCatalogue(sql())),
    ledger: once(() => createLedger(sql())),
    refunds: once(() => createRefunds(sql())),
    shipments: once(() => createShipments(sql())),
    bills: once(() => createBills(sql())),
    outbox: once(() => createOutbox(sql())),
    cache: once(() =>
      createCache(
        redisSettings(env),
        nameOfHealth(env),
        () => randomBytes(16).toString('hex'),
        log,
      ),
    ),
    limits: once(() => createLimits(() => redisSettings(env), clock, log)),
    tokens: once(() => createTokens(sessionSecret(env), () => appid(env))),
    // A collector that is not to be had costs its traces only.
    tracing: once(() =>
      namesCollector(env) ? startTracing().catch(() => log({ event: 'traces_off' })) : null,
    ),
    webhook: once(() => {
      const settings = webhookSettings(env)
      const qstash = qstashSettings(env)
      if (settings === null) return null
      return qstash === null
        ? createWebhook(settings, clock)
        : createQstash({ ...settings, ...qstash }, clock)
    }),
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
  const deps: Deps = {
    get account() {
      return accountSettings(env)
    },
    get gateway() {
      return parts.gateway()
    },
    get miniProgram() {
      return parts.miniProgram()
    },
    get notifications() {
      return parts.notifications()
    },
    get users() {
      return parts.users()
    },
    get catalogue() {
      return parts.catalogue()
    },
    get ledger() {
      return parts.ledger()
    },
    get refunds() {
      return parts.refunds()
    },
    get shipments() {
      return parts.shipments()
    },
    get bills() {
      return parts.bills()
    },
    get outbox() {
      return parts.outbox()
    },
    get cache() {
      return parts.cache()
    },
    get limits() {
      return parts.limits()
    },
    get tokens() {
      return parts.tokens()
    },
    get webhook() {
      return parts.webhook()
    },
    get tracing() {
      return parts.tracing()
    },
    get merchantKey() {
      return merchantKey(env)
    },
    get cronSecret() {
      return cronSecret(env)
    },
    get maxOpenOrders() {
      return maxOpenOrders(env)
    },
    get autoShipping() {
      return autoShipping(env)
    },
    get notifyUrl() {
      return notifyUrl(env)
    },
    clock,
    randomBytes: (count) => randomBytes(count),
    rememberHealth: createMemory<Health>(clock.now),
    isCatchUpDue: everySoOften(clock),
    waitUntil: (work) =>
      waitUntil(
        inBackground(async () => {
          await attempt(work)
          if (takeNotedEvents()) await attempt(() => deliver(deps))
        }).then(flushTraces),
      ),
    setLogOrder: nameOrder,
    answersMerchant: nameMerchant,
    log,
    logBug: writeBug,
  }
  return deps
}

/** Rarely enough that a busy shop does not spend its database on catching up, often enough that a quiet one does. */
const CATCH_UP_EVERY_MS = 20_000

function everySoOften(clock: Pick<Deps['clock'], 'now'>): () => boolean {
  let last = 0
  return () => {
    const now = clock.now().getTime()
    if (now - last < CATCH_UP_EVERY_MS) return false
    last = now
    return true
  }
}

/** What this instance runs on. */
export const wire = once(() => createDeps(process.env))
