/** The failures while payers pay: of processes, connections, the database and Redis. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { createClient } from 'redis'
import type { Instances } from './instances.ts'

export interface Trouble {
  readonly name: string
  /** Begins the trouble, and resolves once it is over. */
  readonly cause: () => Promise<void>
}

interface Surroundings {
  readonly instances: Instances
  readonly resetConnections: () => void
  /** The database of the shop. */
  readonly databaseUrl: string
  readonly redisUrl: string
}

/** Longer than a lock in Redis, and longer than a payer waits. */
const LONG_STOP_MS = 11_000
const SHORT_STOP_MS = 1_500
const READ_ONLY_MS = 1_500
const NO_MEMORY_MS = 1_500

const pick = <T>(all: readonly T[]): T | undefined => all[Math.floor(Math.random() * all.length)]

export function troublesOf(surroundings: Surroundings): readonly Trouble[] {
  const { instances, resetConnections, databaseUrl, redisUrl } = surroundings
  const stop = (ms: number) => async () => {
    const stopped = pick(instances.live)
    stopped?.process.kill('SIGSTOP')
    await sleep(ms)
    stopped?.process.kill('SIGCONT')
  }
  return [
    {
      name: 'a process is killed',
      cause: () => instances.replace(pick(instances.live)),
    },
    { name: 'a process is suspended for a moment', cause: stop(SHORT_STOP_MS) },
    { name: 'a process is suspended until its locks have expired', cause: stop(LONG_STOP_MS) },
    { name: 'all connections are reset', cause: async () => resetConnections() },
    {
      name: 'the database fails over to a replica that is read-only',
      cause: () => makeReadOnly(databaseUrl),
    },
    { name: 'Redis evicts every key and accepts no more', cause: () => takeMemory(redisUrl) },
  ]
}

/** Ends every connection, as a failover does, and then again when the primary is back. */
async function makeReadOnly(databaseUrl: string): Promise<void> {
  const url = new URL(databaseUrl)
  const name = url.pathname.slice(1)
  const set = async (value: 'on' | 'off') => {
    const client = new Client({ connectionString: new URL('/postgres', url).href })
    await client.connect()
    await client.query(`alter database ${name} set default_transaction_read_only = ${value}`)
    await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
      [name],
    )
    await client.end()
  }
  await set('on')
  try {
    await sleep(READ_ONLY_MS)
  } finally {
    await set('off')
  }
}

/** The policy and the limit are those of the whole server, and are put back afterwards. */
async function takeMemory(redisUrl: string): Promise<void> {
  const client = createClient({ url: redisUrl })
  await client.connect()
  const before = { ...(await client.configGet('maxmemory*')) }
  try {
    await client.configSet({ 'maxmemory-policy': 'allkeys-random', maxmemory: '1' })
    await sleep(NO_MEMORY_MS)
  } finally {
    await client.configSet({
      maxmemory: before['maxmemory'] ?? '0',
      'maxmemory-policy': before['maxmemory-policy'] ?? 'noeviction',
    })
    client.destroy()
  }
}
