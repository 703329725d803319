/**
 * The servers whose round trips are measured: this project, the same before connections were kept,
 * and an Express with its own connections. All use the same services at a distance.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { checkOutRelease } from '../build/earlier-release.ts'
import { authorityFile, startChild, type Child } from './child.ts'
import { fillCatalogue } from './client.ts'
import type { Nearby } from './distant-steps.ts'
import type { Bench } from './part.ts'
import { installPeers } from './peers.ts'

/** The last commit whose connections ended after five seconds. */
const BEFORE = '95f15280175eb1d2640af0c65af12f85d8157528'

export interface Server {
  readonly name: string
  readonly near: Nearby
  /** A new process whose services are at this distance. */
  readonly start: (ms: number) => Promise<{ readonly child: Child; readonly url: string }>
  /** Whether it connects before it takes requests, so that its start counts as its first step. */
  readonly connectsAtStart: boolean
}

/** Express would run in its slower mode for development. */
const asDeployed = { NODE_ENV: 'production', NODE_EXTRA_CA_CERTS: authorityFile }

/** Never called: a notification would settle the order that a query is to settle. */
const NOWHERE = 'https://shop.example'

const urlAnswer = v.object({ url: v.string() })
const servicesAnswer = v.object({
  url: v.string(),
  env: v.record(v.string(), v.string()),
  addresses: v.nullable(v.object({ postgres: v.string(), redis: v.string() })),
})
const traffic = v.record(v.string(), v.number())
type Variables = Readonly<Record<string, string>>

/** @param notifies whether WeChat notifies each server of its payments */
export async function openDistantServers(
  distances: readonly number[],
  bench: Bench,
  notifies: boolean,
) {
  const { cleanups, progress } = bench
  progress('starting')
  const start: typeof startChild = (...settings) => {
    const child = startChild(...settings)
    cleanups.add(child.stop)
    return child
  }
  const services = start('services.ts', { args: ['0'], env: { PUBLIC_URL: NOWHERE } })
  const { url: servicesUrl, env, addresses } = await services.ask(servicesAnswer)
  if (!notifies) await services.ask(v.literal('done'), 'mute')
  const places = new Map<number, { readonly child: Child; readonly env: Variables }>()
  for (const ms of distances) {
    const child = start('distance.ts', { args: [String(ms)] })
    places.set(ms, { child, env: await moveAway(child, env, addresses) })
  }
  const variablesAt = (ms: number): Variables => places.get(ms)?.env ?? env

  const startFunctions = async (variables: Variables, isCold: boolean, root: readonly string[]) => {
    const child = start('instance.ts', { args: root, env: asDeployed })
    const { url } = await child.ask(urlAnswer)
    const own = { ...variables, PUBLIC_URL: notifies ? url : NOWHERE }
    await child.ask(v.literal('serving'), { env: own, isCold })
    return { child, url }
  }
  const startExpress = async (variables: Variables) => {
    const child = start('peer/server.ts', { env: { ...variables, ...asDeployed } })
    return { child, ...(await child.ask(urlAnswer)) }
  }

  const merchantKey = env['MERCHANT_API_KEY'] ?? ''
  const nearby = (url: string, table: string, ordersWithPrepay: boolean): Nearby => ({
    url,
    wechat: `${servicesUrl}/wechat`,
    merchantKey,
    ordersWithPrepay,
    storeOrder: async (outTradeNo) =>
      void (await services.ask(v.literal('done'), {
        store: [outTradeNo],
        table,
        notifyUrl: `${NOWHERE}/api/notify`,
      })),
  })
  const { url } = await startFunctions(env, false, [])
  await fillCatalogue(url, merchantKey)
  const functions = (name: string, root: readonly string[], inOne: boolean): Server => ({
    name,
    near: nearby(url, 'orders', inOne),
    start: (ms) => startFunctions(variablesAt(ms), true, root),
    connectsAtStart: false,
  })

  const before = await mkdtemp(join(tmpdir(), 'round-trips-'))
  cleanups.add(() => rm(before, { recursive: true, force: true }))
  await checkOutRelease(before, BEFORE)
  const servers = [
    functions('this project', [], true),
    functions(`before (${BEFORE.slice(0, 7)})`, [before], false),
  ]
  if (addresses !== null) {
    await installPeers(progress)
    const own = { ...env, POSTGRES_URL: addresses.postgres, REDIS_URL: addresses.redis }
    servers.push({
      name: 'Express',
      near: nearby((await startExpress(own)).url, 'shop.orders', false),
      start: (ms) => startExpress(variablesAt(ms)),
      connectsAtStart: true,
    })
  }
  const closeConnections = async () => {
    for (const { child } of places.values()) await child.ask(v.literal('done'), 'close')
  }
  /** Resolves with the bytes of all connections so far, once WeChat has notified every payment. */
  const countBytes = async () => {
    await services.ask(v.literal('done'), 'drain')
    const counted = [...places.values()].map(({ child }) => child.ask(traffic, 'traffic'))
    return (await Promise.all(counted)).flatMap(Object.values<number>).reduce((a, b) => a + b, 0)
  }
  return { servers, closeConnections, countBytes, addresses }
}

const WEB = [
  'WECHAT_API_URL',
  'WECHAT_PAY_URL',
  'NEON_HTTP_ENDPOINT',
  'UPSTASH_REDIS_REST_URL',
  'ORDER_WEBHOOK_URL',
] as const

/** Returns the variables of a process whose services are behind this distance, by TLS. */
export async function moveAway(
  distance: Child,
  env: Variables,
  addresses: { readonly postgres: string; readonly redis: string } | null,
): Promise<Variables> {
  const given: Variables =
    addresses === null
      ? env
      : { ...env, POSTGRES_URL: addresses.postgres, REDIS_URL: addresses.redis }
  const moved = Object.entries(given).flatMap(([name, value]) => {
    const url = [...WEB, 'POSTGRES_URL', 'REDIS_URL'].includes(name) ? new URL(value) : null
    return url === null ? [] : [{ name, url }]
  })
  const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'postgresql:': 5432, 'redis:': 6379 }
  const ports = await distance.ask(
    v.array(v.number()),
    moved.map(({ name, url }) => ({
      name,
      port: Number(url.port) || (DEFAULT_PORTS[url.protocol] ?? 80),
      isPostgres: name === 'POSTGRES_URL',
    })),
  )
  return {
    ...given,
    ...Object.fromEntries(moved.map(({ name, url }, at) => [name, secured(url, ports[at])])),
  }
}

/** The same address by TLS on another port of this machine. */
function secured(url: URL, port = 0): string {
  const rest = `${url.pathname === '/' ? '' : url.pathname}${url.search}`
  const user = url.username === '' ? '' : `${url.username}:${url.password}@`
  const address = `127.0.0.1:${port}${rest}`
  if (url.protocol === 'redis:') return `rediss://${user}${address}`
  return url.protocol === 'http:' ? `https://${address}` : `postgresql://${user}${address}?ssl=true`
}
