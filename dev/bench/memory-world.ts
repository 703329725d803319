/**
 * A process with everything an instance talks to: database, Redis, WeChat and the merchant's webhook. Tells its parent the
 * environment that leads there; ends, and cleans up, with its parent. `PUBLIC_URL` says where WeChat is to call.
 */
import { startWorld } from '../world/world.ts'

const world = await startWorld({
  env: { PUBLIC_URL: process.env['PUBLIC_URL'] },
  postgresUrl: process.env['TEST_DATABASE_URL'],
  redisUrl: process.env['TEST_REDIS_URL'],
})
process.send?.({
  url: world.url,
  env: world.env,
  kind: process.env['TEST_DATABASE_URL'] === undefined ? 'PGlite' : 'PostgreSQL',
})
process.on('disconnect', () => void world.stop().finally(() => process.exit()))
