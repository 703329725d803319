/** Both servers with everything they talk to: one database, one Redis, one WeChat, one webhook. */
import * as v from 'valibot'
import type { Cleanups } from '../world/cleanups.ts'
import { startChild, type Child } from './child.ts'
import { openCounter, type Counter } from './shopper.ts'

export const [OURS, PEER] = ['ours', 'peer'] as const
export type Name = typeof OURS | typeof PEER

export interface Server extends Counter {
  /** Milliseconds of computing since its start, once it and WeChat have nothing left to do. */
  readonly cpuMs: () => Promise<number>
  /** Orders with these numbers, unpaid. */
  readonly storeOrders: (numbers: readonly string[]) => Promise<void>
}

export interface Stage {
  readonly names: readonly Name[]
  readonly server: (name: Name) => Server
  /** The merchant's webhook accepts from now on, and never answers. */
  readonly hang: () => Promise<void>
  readonly mend: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Express takes its time otherwise. */
const asDeployed = { NODE_ENV: 'production' }

const urlSchema = v.object({ url: v.string() })
const worldSchema = v.object({
  url: v.string(),
  env: v.record(v.string(), v.string()),
  ways: v.nullable(v.object({ postgres: v.string(), redis: v.string() })),
})

/** Only ours where there is no real PostgreSQL or Redis: the embedded ones have no port to connect to. */
export async function openStage(
  addedMs: number,
  cleanups: Cleanups,
  execArgv: readonly string[] = [],
): Promise<Stage> {
  const children: Child[] = []
  const start = (...settings: Parameters<typeof startChild>) => {
    const child = startChild(...settings)
    children.push(child)
    cleanups.add(child.stop)
    return child
  }
  const instance = start('load-instance.ts', { env: asDeployed, execArgv })
  const { url } = await instance.hear(urlSchema)
  const world = start('load-world.ts', {
    args: [String(addedMs)],
    env: { PUBLIC_URL: url },
    execArgv,
  })
  const { url: worldUrl, env, ways } = await world.hear(worldSchema)
  await instance.hear(v.literal('serving'), { env })
  const done = async (told: string | object) => void (await world.hear(v.literal('done'), told))

  const toServer = (child: Child, address: string, table: string): Server => ({
    url: address,
    wechat: `${worldUrl}/wechat`,
    merchantKey: env['MERCHANT_API_KEY'] ?? '',
    async cpuMs() {
      await done('quiet')
      return (await child.hear(v.object({ cpuMs: v.number() }), 'cpu')).cpuMs
    },
    storeOrders: (numbers) => done({ store: numbers, table, notifyUrl: `${address}/api/notify` }),
  })
  const servers = new Map<Name, Server>([[OURS, toServer(instance, url, 'orders')]])
  if (ways !== null) {
    const peer = start('load-peer.ts', {
      env: { ...env, ...asDeployed, POSTGRES_URL: ways.postgres, REDIS_URL: ways.redis },
      execArgv,
    })
    servers.set(PEER, toServer(peer, (await peer.hear(urlSchema)).url, 'shop.orders'))
  }
  await openCounter({
    url,
    wechat: `${worldUrl}/wechat`,
    merchantKey: env['MERCHANT_API_KEY'] ?? '',
  })
  return {
    names: [...servers.keys()],
    server(name) {
      const server = servers.get(name)
      if (server === undefined) throw new Error(`no server ${name}`)
      return server
    },
    hang: () => done('hang'),
    mend: () => done('mend'),
    stop: async () => void (await Promise.all(children.map((child) => child.stop()))),
  }
}
