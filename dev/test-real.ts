/**
 * `npm run test:real`: the integration tests on a real PostgreSQL and a real Redis instead of the
 * embedded ones.
 *
 * Fails if one of them is missing, because the tests would use the embedded ones without a word.
 * With `--probe` it only says which of the two cannot be reached.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Client } from 'pg'
import { createClient } from 'redis'
import { readOptions } from './program/command-line.ts'
import { readVariable } from './program/environment.ts'

const { probe } = readOptions(
  'npm run test:real [-- --probe]    --probe only tries to reach both servers',
  {
    probe: { type: 'boolean', default: false },
  },
)

const root = resolve(import.meta.dirname, '..')

/** The tests that use a store. */
const integrationTests = ['test/api', 'test/steps', 'test/stores', 'test/attacks']

const CONNECT_MS = 5_000

const servers = [
  { name: 'TEST_DATABASE_URL', what: 'a PostgreSQL', connect: connectToPostgres },
  { name: 'TEST_REDIS_URL', what: 'a Redis', connect: connectToRedis },
]

async function connectToPostgres(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS })
  // The connection was tested already. A later failure does not matter.
  client.on('error', () => undefined)
  await client.connect()
  await client.query('select 1')
  await client.end()
}

async function connectToRedis(url: string): Promise<void> {
  const client = createClient({
    url,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: false },
  })
  client.on('error', () => undefined)
  await client.connect()
  await client.ping()
  client.destroy()
}

/**
 * Returns one plain sentence without the URL, which may hold a password. Null if the server can be
 * reached.
 */
async function findObstacle(server: (typeof servers)[number]): Promise<string | null> {
  const url = readVariable(process.env, server.name)
  if (url === undefined)
    return `${server.name} is not set: it names ${server.what} that the tests may write to.`
  try {
    await server.connect(url)
    return null
  } catch (error) {
    const code =
      error instanceof Error && 'code' in error && typeof error.code === 'string'
        ? ` (${error.code})`
        : ''
    return `${server.name} names no ${server.what.slice(2)} that accepts the connection${code}.`
  }
}

const obstacles = (await Promise.all(servers.map(findObstacle))).filter(
  (obstacle) => obstacle !== null,
)
for (const obstacle of obstacles) console.error(obstacle)

if (obstacles.length > 0 || probe) process.exitCode = obstacles.length > 0 ? 1 : 0
else {
  const program = join(root, 'node_modules/vitest/vitest.mjs')
  const tests = integrationTests.filter((path) => existsSync(join(root, path)))
  const runVitest = async (...args: readonly string[]): Promise<boolean> => {
    const vitest = spawn(process.execPath, [program, 'run', '--config', ...args], {
      cwd: root,
      stdio: 'inherit',
    })
    await once(vitest, 'close')
    return vitest.exitCode === 0
  }
  const passed = await runVitest('test/vitest.config.ts', ...tests)
  // Alone, because these change the settings of Redis.
  const passedToo = await runVitest('test/processes/vitest.config.ts')
  process.exitCode = passed && passedToo ? 0 : 1
}
