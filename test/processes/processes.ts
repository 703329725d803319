/**
 * A shop whose functions run in several processes behind a balancer, with payers and cron, and the
 * check of what became of each sale.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { startWorld, type WorldOptions } from '../../dev/world/world.ts'
import type { Database } from '../../dev/stand-ins/postgres.ts'
import { countUnfinished, findBrokenPromises, makeDue, type Query } from './broken-promises.ts'
import { Instances, openBalancer, openProxy } from './instances.ts'
import { buyAgainAndAgain, fillCatalogue, repeat, type Sale, type Shop } from './payers.ts'
import { openReceiver } from './receiver.ts'

const SECRET = 'whsec_cHJvY2Vzc2VzLW9uLXJlYWwtc2VydmVycy0wMDAx'

const PAUSE_MS = 700
/** Work that is left is done by cron, which runs this often at most. */
const MOST_CRON_RUNS = 40

/** No process is started yet. */
export async function openProcesses(
  options: Pick<WorldOptions, 'redisUrl' | 'migrate'> & { readonly database: Database },
) {
  const { database } = options
  const balancer = await openBalancer()
  const receiver = await openReceiver(SECRET)
  const world = await startWorld({
    env: {
      PUBLIC_URL: balancer.url,
      ORDER_WEBHOOK_URL: receiver.url,
      ORDER_WEBHOOK_SECRET: SECRET,
    },
    ...options,
  })
  const { simulator } = world
  if (simulator === undefined) throw new Error('the world has no WeChat simulator')
  const proxy = await openProxy(world.url)
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(world.env))
    env[name] = value.replace(world.url, proxy.url)
  const instances = new Instances(env)
  balancer.serve(instances)
  const query: Query = async (text) =>
    (await database.pool.query<Record<string, unknown>>(text)).rows
  const shop: Shop = {
    url: balancer.url,
    wechat: simulator,
    merchantKey: world.env.MERCHANT_API_KEY,
    cronSecret: world.env.CRON_SECRET,
  }
  const sales: Sale[] = []
  const runCron = () => repeat(shop, '/api/cron', { token: shop.cronSecret })

  return {
    instances,
    query,
    /** All sales so far. */
    sales,
    /** The variables of the functions. */
    env,
    resetConnections: proxy.reset,
    runCron,
    /** Has payers buy while the work goes on. */
    async sellDuring(payers: number, work: () => Promise<void>): Promise<void> {
      let isOver = false
      await fillCatalogue(shop)
      const buying = Promise.all(
        Array.from({ length: payers }, (_, payer) =>
          buyAgainAndAgain(shop, payer, sales, () => isOver),
        ),
      )
      // It is awaited below.
      buying.catch(() => undefined)
      await work()
      isOver = true
      await buying
    },
    /** Has cron do the work that is left. Returns what is wrong then. */
    async finish() {
      for (let runs = 0; runs < MOST_CRON_RUNS && (await countUnfinished(query)) > 0; runs += 1) {
        await makeDue(query)
        await runCron()
        await sleep(PAUSE_MS)
      }
      return {
        unfinished: await countUnfinished(query),
        broken: await findBrokenPromises(simulator, query, sales, receiver.received),
      }
    },
    async stop(): Promise<void> {
      await instances.killAll()
      proxy.stop()
      balancer.stop()
      receiver.stop()
      await world.stop()
    },
  }
}
