/**
 * Payments per second through the whole flow, notifications per second, their latency, and the
 * share of the payments that remains while the merchant's webhook hangs.
 *
 * An Express server does the same work on the same PostgreSQL and Redis. Both are measured with 20
 * ms added to every request to their services, and with nothing added.
 */
import * as v from 'valibot'
import { startChild, usage, type Child } from './child.ts'
import { call, fillCatalogue } from './client.ts'
import { toTable, type Measured } from './load-table.ts'
import { takeHangingTurn, takeTurn, type Server, type Windows } from './load-turn.ts'
import { takeTurns } from './measure.ts'
import type { Bench, Part } from './part.ts'
import { installPeers } from './peers.ts'

const WINDOWS: Windows = {
  paymentsMs: 2_500,
  aloneMs: 1_000,
  notificationsMs: 2_000,
  againMs: 1_000,
  hangingMs: 12_000,
}
const QUICK: Windows = {
  paymentsMs: 200,
  aloneMs: 100,
  notificationsMs: 200,
  againMs: 100,
  hangingMs: 200,
}

/** One of these takes longer than a round of everything else. */
const HANGING_ROUNDS = 3

export const measure: Part = async (bench) => {
  await installPeers(bench.progress)
  const measured: Measured[] = []
  for (const addedMs of [20, 0]) measured.push(await measureAt(addedMs, bench))
  return toTable(measured)
}

async function measureAt(
  addedMs: number,
  { isQuick, rounds, progress, cleanups }: Bench,
): Promise<Measured> {
  const windows = isQuick ? QUICK : WINDOWS
  const where = `${addedMs} ms added`
  progress(where)
  const children: Child[] = []
  const start: typeof startChild = (...settings) => {
    const child = startChild(...settings)
    children.push(child)
    cleanups.add(child.stop)
    return child
  }
  const { servers, tell } = await startServers(addedMs, start)
  progress(`${where}, warming up`)
  if (!isQuick) for (const server of servers) await takeTurn(server, windows)
  const turns = await takeTurns(servers, rounds, (server, round) => {
    progress(`${where}, round ${round + 1} of ${rounds}, ${server.name}`)
    return takeTurn(server, windows)
  })
  const hangingRounds = isQuick ? 1 : HANGING_ROUNDS
  const hanging = await takeTurns(servers, hangingRounds, (server, round) => {
    progress(`${where}, the webhook hangs, round ${round + 1} of ${hangingRounds}, ${server.name}`)
    return takeHangingTurn(server, windows, tell)
  })
  await Promise.all(children.map((child) => child.stop()))
  const [ours, peer = null] = servers.map((server) => ({
    name: server.name,
    turns: turns(server),
    hanging: hanging(server),
  }))
  if (ours === undefined) throw new Error('nothing was measured')
  return { addedMs, ours, peer }
}

/** Otherwise Express would run in its slower mode for development. */
const asDeployed = { NODE_ENV: 'production' }

const urlAnswer = v.object({ url: v.string() })
const servicesAnswer = v.object({
  url: v.string(),
  env: v.record(v.string(), v.string()),
  addresses: v.nullable(v.object({ postgres: v.string(), redis: v.string() })),
})

/**
 * Starts both servers on the same services. Without a real PostgreSQL and Redis there is nothing
 * the peer could connect to.
 */
async function startServers(addedMs: number, start: typeof startChild) {
  const instance = start('instance.ts', { env: asDeployed })
  const { url } = await instance.ask(urlAnswer)
  const services = start('services.ts', { args: [String(addedMs)], env: { PUBLIC_URL: url } })
  const { url: servicesUrl, env, addresses } = await services.ask(servicesAnswer)
  await instance.ask(v.literal('serving'), { env })
  const tell = async (message: string | object) =>
    void (await services.ask(v.literal('done'), message))

  const toServer = (name: string, child: Child, address: string, table: string): Server => ({
    name,
    url: address,
    wechat: `${servicesUrl}/wechat`,
    merchantKey: env['MERCHANT_API_KEY'] ?? '',
    async cpuMs() {
      await tell('drain')
      return (await child.ask(usage, 'usage')).cpuMs
    },
    storeOrders: (numbers) => tell({ store: numbers, table, notifyUrl: `${address}/api/notify` }),
  })
  const servers = [toServer('this project', instance, url, 'orders')]
  if (addresses !== null) {
    const peer = start('peer/server.ts', {
      env: { ...env, ...asDeployed, POSTGRES_URL: addresses.postgres, REDIS_URL: addresses.redis },
    })
    const { url: peerUrl } = await peer.ask(urlAnswer)
    servers.push(toServer('Express', peer, peerUrl, 'shop.orders'))
  }
  await fillCatalogue(url, env['MERCHANT_API_KEY'] ?? '')
  await call(v.unknown(), `${url}/api/health`)
  return { servers, tell }
}
