/**
 * Counts the Redis commands of a payment, those inside scripts too, its transactions of PostgreSQL,
 * and its bytes. Counts do not depend on the speed of the machine.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { createClient } from 'redis'
import { usage } from './child.ts'
import { payOnce } from './client.ts'
import { openDistantServers } from './distant-servers.ts'
import type { Part } from './part.ts'
import type { Table } from './table.ts'

const [PAYMENTS, QUICK_PAYMENTS] = [50, 2]
const MOST_COMMANDS = 10

/** PostgreSQL's connections report what they have done within ten seconds. */
const REPORT_MS = 11_000

/** This benchmark and new connections send these. */
const NOT_COUNTED = /^(?:info|client|hello|config|command|auth|select)/

interface Counted {
  readonly commands: number
  readonly transactions: number
  readonly bytes: number
}

export const measure: Part = async (bench) => {
  const opened = await openDistantServers([0], bench, true)
  const { servers, addresses, countBytes } = opened
  if (addresses === null)
    return toTable([], ['Counted only with TEST_DATABASE_URL and TEST_REDIS_URL.'])
  const redis = await createClient({ url: addresses.redis }).connect()
  bench.cleanups.add(async () => redis.destroy())
  const database = new Client(addresses.postgres)
  await database.connect()
  bench.cleanups.add(() => database.end())

  const count = async (): Promise<Counted> => {
    const bytes = await countBytes()
    await sleep(REPORT_MS)
    const { rows } = await database.query<{ done: string }>(
      'select xact_commit as done from pg_stat_database where datname = current_database()',
    )
    const calls = (await redis.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)
    const commands = [...calls]
      .filter(([, name = '']) => !NOT_COUNTED.test(name))
      .reduce((sum, [, , times]) => sum + Number(times), 0)
    return { commands, transactions: Number(rows[0]?.done), bytes }
  }

  const payments = bench.isQuick ? QUICK_PAYMENTS : PAYMENTS
  const counted = []
  let payers = 0
  for (const { name, start, near } of servers) {
    bench.progress(name)
    const { child, url } = await start(0)
    const pay = async () => {
      // Each payer has an address, as under “Load”.
      payers += 1
      await payOnce({ ...near, url, headers: { 'x-forwarded-for': `9.0.0.${payers}` } })
      // Work after the answers has ended.
      await child.ask(usage, 'usage')
    }
    await pay()
    const before = await count()
    for (let payment = 0; payment < payments; payment += 1) await pay()
    const after = await count()
    const each = (of: keyof Counted) => (after[of] - before[of]) / payments
    counted.push({
      name,
      commands: each('commands'),
      transactions: each('transactions'),
      bytes: each('bytes'),
    })
    await child.stop()
  }
  return toTable(counted, [])
}

function toTable(
  counted: readonly (Counted & { readonly name: string })[],
  notes: readonly string[],
): Table {
  const ours = counted[0]?.commands ?? 0
  return {
    title: 'Commands per payment',
    about:
      'The whole flow as under “Load” (login, order, prepay twice, the payment, WeChat’s notification, ' +
      'query), by one payer after another. Commands of Redis include those inside scripts, as ' +
      'Upstash bills them. Each statement of this project is a transaction of PostgreSQL. Bytes are ' +
      'those of all connections to the database, Redis, WeChat and the webhook, in both directions, ' +
      `encrypted. The aim: at most ${MOST_COMMANDS} commands.`,
    columns: ['', 'Redis commands', 'PostgreSQL transactions', 'bytes'],
    rows: counted.map(({ name, commands, transactions, bytes }) => [
      name,
      commands.toFixed(1),
      transactions.toFixed(1),
      `${(bytes / 1_000).toFixed(1)} kB`,
    ]),
    notes: [...notes],
    plot: null,
    missed:
      ours > MOST_COMMANDS
        ? [`a payment takes ${ours.toFixed(1)} commands, aim ${MOST_COMMANDS}`]
        : [],
  }
}
