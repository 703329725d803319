/**
 * The database: the login, the tables, whether a write would succeed, and the distance. It writes
 * nothing.
 */
import { databaseEndpoint, databaseSettings } from '../../lib/config/stores.ts'
import { ConfigError } from '../../lib/core/failure.ts'
import { connect } from '../../lib/stores/neon.ts'
import { migrations } from '../../lib/stores/schema.ts'
import { findWriteObstacle } from '../../lib/stores/write-probe.ts'
import { findMissingIndexes, largeIndexes } from '../migrate/build-indexes.ts'
import { type Check, type Patient } from './check.ts'
import { CONSOLE, NOTHING, readRefusal, refusals } from './database-refusals.ts'
import { reporter, type Finding, type Verdicts } from './finding.ts'
import { isFar, isFarFromWechat, regionOf } from './region.ts'

const verdicts = {
  current: {
    status: 'ok',
    what: 'the database answers in {ms} ms from here, and has the current tables',
  },
  no_tables: {
    status: 'wrong',
    what: 'the database has no tables yet',
    why: NOTHING,
    where: 'npm run migrate, with the same variables',
  },
  behind: {
    status: 'wrong',
    what: 'the tables are older than this code; missing: {names}',
    why: 'functions of this version fail where they use what is missing',
    where: 'npm run migrate, with the same variables',
  },
  ahead: {
    status: 'warning',
    what: 'the tables are newer than this code, which does not know {names}',
    why: 'this is correct after a rollback; otherwise the code is an old copy, or the database is another one',
    where: 'git pull; or check that DATABASE_URL is the right one',
  },
  indexes: {
    status: 'warning',
    what: 'indexes are missing or half built: {names}',
    why: 'lists and the comparison of bills read whole tables',
    where: 'npm run migrate, with the same variables',
  },
  ...refusals,
  far: {
    status: 'warning',
    what: 'the database is in {region}, the functions run in {functions}',
    why: 'every step waits for these round trips, and a notification has five seconds',
    where:
      'create the database near Hong Kong (Neon: ap-southeast-1, Singapore); the region of an existing one cannot be changed',
  },
  functions_far: {
    status: 'warning',
    what: 'the functions run in {functions}, far from WeChat',
    why: 'every call to WeChat waits for these round trips',
    where: 'vercel.json: "regions": ["hkg1"]',
  },
} as const satisfies Verdicts

const say = reporter('database', verdicts)

export const database: Check = {
  name: 'database',
  title: 'Database',
  verdicts,
  settings: [
    {
      names: ['DATABASE_URL'],
      read: (env) => databaseSettings({ ...env, NEON_HTTP_ENDPOINT: undefined }),
      need: 'required',
      what: 'the connection string of a Neon database (Vercel’s marketplace sets it)',
      why: NOTHING,
      where: CONSOLE,
    },
    {
      names: ['NEON_HTTP_ENDPOINT'],
      read: databaseEndpoint,
      need: 'exception',
      what: 'a stand-in for Neon',
      why: 'the ledger would be in another database',
      where: 'remove it: it is for trials only',
    },
  ],
  inspect: near,
  examine: async ({ env }) => [await look(databaseSettings(env))],
}

async function look({ url, endpoint }: ReturnType<typeof databaseSettings>): Promise<Finding> {
  const sql = connect(url, endpoint)
  try {
    // The first request includes the wake-up of the database and the connection.
    const known = (await sql.query('select name from migrations order by name')).map((row) =>
      String(row['name']),
    )
    const startedAt = performance.now()
    await sql.query('select 1')
    const ms = (performance.now() - startedAt).toFixed(0)
    const ours = migrations.map(({ name }) => name)
    const missing = ours.filter((name) => !known.includes(name))
    const strange = known.filter((name) => !ours.includes(name))
    if (missing.length > 0) return say('behind', { names: missing.join(', ') })
    const obstacle = await findWriteObstacle(sql)
    if (obstacle !== null) return say(obstacle)
    const indexes = await findMissingIndexes(sql, largeIndexes)
    if (indexes.length > 0) return say('indexes', { names: indexes.join(', ') })
    return strange.length > 0 ? say('ahead', { names: strange.join(', ') }) : say('current', { ms })
  } catch (error) {
    if (error instanceof ConfigError && error.why === 'not_migrated') return say('no_tables')
    const refusal = readRefusal(error)
    if (refusal === null) throw error
    return say(refusal.code, refusal.found)
  }
}

function near({ env, regions }: Patient): readonly Finding[] {
  const functions = regions.join(', ')
  const region = regionOf(databaseSettings(env).url)
  return [
    ...(regions.some(isFarFromWechat) ? [say('functions_far', { functions })] : []),
    ...(region !== null && regions.some((one) => isFar(one, region))
      ? [say('far', { region, functions })]
      : []),
  ]
}
