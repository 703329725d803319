/**
 * `npm run migrate`: brings the database to the current schema. Vercel's build runs it with
 * `--build`.
 */
import { requireVercelEnvironment, requireVirtualGoodsSetting } from './build/vercel-environment.ts'
import { migrate } from './migrate/migrate.ts'
import { readOptions } from './program/command-line.ts'
import { readVariable, type Environment } from './program/environment.ts'
import { explain, PlainError } from './program/plain-error.ts'

const USAGE =
  'npm run migrate [-- --build]    --build is for Vercel: it migrates only for production, and only if there is a database'

/**
 * Why a build on Vercel leaves the database alone, as one sentence; null if the build must migrate
 * it.
 *
 * A preview may have been given production's database. The first build creates the project, and a
 * database can only be added to a project, so the first build must succeed without one.
 */
function reasonToLeaveAlone(environment: Environment): string | null {
  if (environment['VERCEL_ENV'] !== 'production')
    return 'This is not a production build: no database is touched.'
  if (readVariable(environment, 'DATABASE_URL') === undefined)
    return 'DATABASE_URL is not set for Production, so there are no tables yet: add Neon under Storage, then redeploy.'
  return null
}

const counted = (what: string, names: readonly string[]): string =>
  `${names.length} ${what}${names.length === 0 ? '' : `: ${names.join(', ')}`}`

async function run(inBuild: boolean): Promise<string> {
  if (inBuild) {
    requireVercelEnvironment(process.env)
    requireVirtualGoodsSetting(process.env)
  }
  const reason = inBuild ? reasonToLeaveAlone(process.env) : null
  if (reason !== null) return reason
  if (readVariable(process.env, 'DATABASE_URL') === undefined) {
    throw new PlainError(
      "DATABASE_URL is not set. Only the shell's environment is read, .env.local is not: DATABASE_URL='postgresql://…' WECHAT_APPID='wx…' WECHAT_MCH_ID='…' npm run migrate",
    )
  }
  const { migrations: ran, indexes } = await migrate(process.env)
  const built =
    indexes.length === 0
      ? ''
      : `; ${counted(indexes.length === 1 ? 'index built' : 'indexes built', indexes)}`
  return `schema is current, ${counted(ran.length === 1 ? 'migration run' : 'migrations run', ran)}${built}`
}

try {
  console.log(await run(readOptions(USAGE, { build: { type: 'boolean', default: false } }).build))
} catch (error) {
  console.error(explain(error))
  process.exitCode = 1
}
