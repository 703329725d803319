/**
 * A shop with a realistic configuration, and fake servers that can answer in place of any service.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { Patient } from '../../dev/doctor/check.ts'
import { checks } from '../../dev/doctor/checks.ts'
import { inspect, registerOnly, run } from '../../dev/doctor/diagnose.ts'
import type { Finding } from '../../dev/doctor/finding.ts'
import { listenTls, type TlsPort } from '../../dev/wechat/listen-tls.ts'
import { openShop, type Shop } from '../support/shop.ts'

/**
 * Reads a file of `test/fixtures/tls` (see test/wechat/v2/refund-tls.test.ts). `doctor-ca`, whose
 * key is deleted, signed `merchant`, `other-merchant`, `site`, `elsewhere` and `expired`. `expired`
 * ended in 2025 (`openssl ca`), the others are valid for a hundred years.
 */
export const pem = (name: string): string =>
  readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')

/** Made-up values, different from those of the local world. */
const values = {
  WECHAT_APPID: 'wx0123456789abcdef',
  WECHAT_APP_SECRET: '00112233445566778899aabbccddeeff',
  WECHAT_MCH_ID: '1600000001',
  WECHAT_PAY_KEY: 'ApiV2KeyOfTheClinic0000000000001',
  WECHAT_PAY_CERT: pem('merchant'),
  WECHAT_PAY_CERT_KEY: pem('merchant.key'),
  WECHAT_PUSH_TOKEN: 'TokenOfTheClinic',
  WECHAT_PUSH_KEY: 'EncodingAESKeyOfTheClinic000000000000000001',
  SESSION_SECRET: 'session-secret-of-the-clinic-0123456789',
  MERCHANT_API_KEY: 'merchant-key-of-the-clinic-0123456789',
  CRON_SECRET: 'cron-secret-of-the-clinic',
  UPSTASH_REDIS_REST_TOKEN: 'redis-token-of-the-clinic',
  ORDER_WEBHOOK_SECRET: 'whsec_c2VjcmV0LW9mLXRoZS1jbGluaWMtZm9yLWl0cy13ZWJob29r',
} as const

/** A time at which every certificate except `expired` is valid. */
export const NOW = new Date('2027-01-01T00:00:00Z')

type FakeAnswer =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: string }
  | 'nothing'
  | 'half'

export interface FakeServer {
  readonly url: string
  /** Sets the answer to a path and a body. */
  answerWith(answer: (path: string, body: string) => FakeAnswer): void
  close(): Promise<void>
}

/** @param certificate the name of its certificate; without one the server uses plain http. */
export async function openFakeServer(certificate?: string): Promise<FakeServer> {
  let answer: (path: string, body: string) => FakeAnswer = () => ({})
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const next = answer(request.url ?? '', await text(request))
    if (next === 'nothing') return
    if (next === 'half') response.destroy()
    else response.writeHead(next.status ?? 200, next.headers).end(next.body)
  }
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    respond(request, response).catch(() => response.destroy())
  }
  const server =
    certificate === undefined
      ? createPlainServer(listener)
      : createTlsServer({ cert: pem(certificate), key: pem(`${certificate}.key`) }, listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${portOf(server.address())}`,
    answerWith: (next) => {
      answer = next
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** A URL at which no server listens. */
async function closedUrl(): Promise<string> {
  const server = await openFakeServer()
  await server.close()
  return server.url
}

export interface DoctorSetup {
  readonly shop: Shop
  /** The variables of a healthy trial shop. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The same simulated WeChat over TLS, where refunds require the merchant's certificate. */
  readonly wechatOverTls: string
  readonly fakeServer: FakeServer
  readonly site: FakeServer
  readonly nowhere: string
  /** The shop's variables with these changes. */
  changed(change: Readonly<Record<string, string | undefined>>): Pick<Patient, 'env'>
  /** Registers a step that `recover` runs. */
  undoLater(step: () => Promise<unknown>): void
  /** The findings of one check. */
  examine(check: string, change?: Partial<Patient>): Promise<readonly Finding[]>
  /** The findings of one check without requests. */
  inspect(check: string, change?: Partial<Patient>): readonly Finding[]
  /** The findings of `--register pages/order/order`. */
  register(check: string, change?: Partial<Patient>): Promise<readonly Finding[]>
  /** Undoes all changes. */
  recover(): Promise<void>
  close(): Promise<void>
}

export async function openDoctorSetup(
  changes: Readonly<Record<string, string>> = {},
): Promise<DoctorSetup> {
  const known = getCACertificates()
  const shop = await openShop({ ...values, WECHAT_VIRTUAL_GOODS_ALLOWED: '', ...changes })
  const tls: TlsPort = await listenTls(shop.wechat, {
    key: pem('site.key'),
    cert: pem('site'),
    ca: pem('doctor-ca'),
    forRefundsOnly: true,
  })
  const [fakeServer, site, nowhere] = [
    await openFakeServer(),
    await openFakeServer('site'),
    await closedUrl(),
  ]
  setDefaultCACertificates([...known, pem('doctor-ca')])
  const { env } = shop.world
  const healthy: Patient = {
    env,
    now: NOW,
    limitMs: 10_000,
    regions: ['hkg1'],
    crons: ['0 3 * * *'],
  }
  // Load all modules now, so that no later check is slow.
  await Promise.all(
    checks.map((check) =>
      run(check, { ...healthy, limitMs: 2_000, env: { ...env, WECHAT_PAY_URL: tls.url } }),
    ),
  )
  const find = (name: string) => {
    const check = checks.find((one) => one.name === name)
    if (check === undefined) throw new Error(`there is no check ${name}`)
    return check
  }
  const steps: (() => Promise<unknown>)[] = []
  return {
    shop,
    env,
    wechatOverTls: tls.url,
    fakeServer,
    site,
    nowhere,
    changed: (change) => ({ env: { ...env, ...change } }),
    undoLater: (step) => void steps.push(step),
    examine: (check, change = {}) => run(find(check), { ...healthy, ...change }),
    inspect: (check, change = {}) => inspect(find(check), { ...healthy, ...change }),
    register: async (_, change = {}) =>
      (await registerOnly({ ...healthy, ...change }, 'pages/order/order')).findings,
    async recover() {
      shop.wechat.clearFaults()
      shop.world.faults.database.up()
      shop.world.faults.redis.up()
      // The driver has one global endpoint, so reset it to that of the functions.
      await run(find('database'), healthy)
      for (const step of steps.splice(0)) await step()
    },
    async close() {
      setDefaultCACertificates(known)
      await Promise.all([tls.stop(), fakeServer.close(), site.close()])
      await shop.close()
    },
  }
}
