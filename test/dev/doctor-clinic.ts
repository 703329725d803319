/** A shop whose configuration could be a real one, and somebody who answers in anybody's place, for whatever can be wrong. */
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
import { inspect, run } from '../../dev/doctor/diagnose.ts'
import type { Finding } from '../../dev/doctor/finding.ts'
import { listenTls, type TlsPort } from '../../dev/wechat/listen-tls.ts'
import { openShop, type Shop } from '../support/shop.ts'

/**
 * `test/fixtures/tls` (see test/wechat/v2/refund-tls.test.ts). `merchant`, `other-merchant`, `site`, `elsewhere` and `expired` are
 * signed by `doctor-ca`, whose key is thrown away; `expired` by `openssl ca` with an end in 2025, the others for a hundred years.
 */
export const pem = (name: string): string =>
  readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')

/** All invented, and none of it the local world's. */
const values = {
  WECHAT_APPID: 'wx0123456789abcdef',
  WECHAT_APP_SECRET: '00112233445566778899aabbccddeeff',
  WECHAT_MCH_ID: '1600000001',
  WECHAT_PAY_KEY: 'ApiV2KeyOfTheClinic0000000000001',
  WECHAT_PAY_CERT: pem('merchant'),
  WECHAT_PAY_CERT_KEY: pem('merchant.key'),
  SESSION_SECRET: 'session-secret-of-the-clinic-0123456789',
  MERCHANT_API_KEY: 'merchant-key-of-the-clinic-0123456789',
  CRON_SECRET: 'cron-secret-of-the-clinic',
  UPSTASH_REDIS_REST_TOKEN: 'redis-token-of-the-clinic',
  ORDER_WEBHOOK_SECRET: 'whsec_c2VjcmV0LW9mLXRoZS1jbGluaWMtZm9yLWl0cy13ZWJob29r',
} as const

/** Well inside the time of every certificate. */
export const NOW = new Date('2027-01-01T00:00:00Z')

type Said =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: string }
  | 'nothing'
  | 'half'

export interface Pretender {
  readonly url: string
  /** What it says to a path and a body from now on. */
  say(answer: (path: string, body: string) => Said): void
  close(): Promise<void>
}

/** @param certificate the name of the one it shows; without, it speaks plain http. */
export async function openPretender(certificate?: string): Promise<Pretender> {
  let answer: (path: string, body: string) => Said = () => ({})
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const said = answer(request.url ?? '', await text(request))
    if (said === 'nothing') return
    if (said === 'half') response.destroy()
    else response.writeHead(said.status ?? 200, said.headers).end(said.body)
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
    say: (next) => {
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

/** An address at which nothing listens. */
async function closedUrl(): Promise<string> {
  const pretender = await openPretender()
  await pretender.close()
  return pretender.url
}

export interface Clinic {
  readonly shop: Shop
  /** Of a shop in which nothing is wrong, though it is a trial. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The same WeChat, as it is on the wire: refunds over TLS with the merchant's certificate only. */
  readonly wechatOverTls: string
  readonly anybody: Pretender
  readonly site: Pretender
  readonly nowhere: string
  /** The shop's variables, but for these. */
  changed(change: Readonly<Record<string, string | undefined>>): Pick<Patient, 'env'>
  /** What `recover` is to undo. */
  afterwards(step: () => Promise<unknown>): void
  /** What one check finds. */
  examine(check: string, change?: Partial<Patient>): Promise<readonly Finding[]>
  /** What it finds without asking anybody. */
  inspect(check: string, change?: Partial<Patient>): readonly Finding[]
  /** Everything as it was. */
  recover(): Promise<void>
  close(): Promise<void>
}

export async function openClinic(): Promise<Clinic> {
  const known = getCACertificates()
  const shop = await openShop(values)
  const tls: TlsPort = await listenTls(shop.wechat, {
    key: pem('site.key'),
    cert: pem('site'),
    ca: pem('doctor-ca'),
    forRefundsOnly: true,
  })
  const [anybody, site, nowhere] = [
    await openPretender(),
    await openPretender('site'),
    await closedUrl(),
  ]
  setDefaultCACertificates([...known, pem('doctor-ca')])
  const { env } = shop.world
  const healthy: Patient = { env, now: NOW, limitMs: 10_000, regions: ['hkg1'] }
  // What is loaded when it is first needed is loaded now: here nobody waits for it.
  await Promise.all(
    checks.map((check) => run(check, { ...healthy, env: { ...env, WECHAT_PAY_URL: tls.url } })),
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
    anybody,
    site,
    nowhere,
    changed: (change) => ({ env: { ...env, ...change } }),
    afterwards: (step) => void steps.push(step),
    examine: (check, change = {}) => run(find(check), { ...healthy, ...change }),
    inspect: (check, change = {}) => inspect(find(check), { ...healthy, ...change }),
    async recover() {
      shop.wechat.clearFaults()
      shop.world.faults.database.up()
      shop.world.faults.redis.up()
      // The driver has one endpoint for all: the functions are to meet their own again.
      await run(find('database'), healthy)
      for (const step of steps.splice(0)) await step()
    },
    async close() {
      setDefaultCACertificates(known)
      await Promise.all([tls.stop(), anybody.close(), site.close()])
      await shop.close()
    },
  }
}
