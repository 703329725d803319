/** The meaning of each database error and its remedy, for the doctor and for `npm run migrate`. */
import { ConfigError, Unavailable } from '../../lib/core/failure.ts'
import { DatabaseError, type DatabaseWhy } from '../../lib/stores/database-failure.ts'
import { causeOf } from './ask.ts'
import type { Verdicts } from './finding.ts'

export const CONSOLE = 'vercel.com → your project → Storage → Neon'
export const NOTHING = 'nothing works without it: no order, no payment, no notification'
const NO_WRITES = 'no order is placed and no payment is settled; stored data can still be read'

export const refusals = {
  password: {
    status: 'wrong',
    what: 'the database refuses the login: the user or the password is wrong',
    why: NOTHING,
    where: `${CONSOLE}: copy the connection string again; a reset password ends the old one`,
  },
  no_database: {
    status: 'wrong',
    what: 'there is no database of that name',
    why: NOTHING,
    where: `${CONSOLE}: copy the connection string again`,
  },
  no_endpoint: {
    status: 'wrong',
    what: 'Neon does not know the host of DATABASE_URL, or its compute is disabled',
    why: NOTHING,
    where: `${CONSOLE}: check that the project and its compute exist and are enabled; copy the connection string again`,
  },
  address: {
    status: 'wrong',
    what: 'the allow list of the Neon project does not have this address',
    why: NOTHING,
    where: `${CONSOLE} → Settings → Networking → IP Allow. The functions have changing addresses: with a list they are refused too`,
  },
  permission: {
    status: 'wrong',
    what: 'the user (role) of DATABASE_URL may not read and write the tables',
    why: NO_WRITES,
    where: `${CONSOLE}: use the connection string of the role that owns the tables`,
  },
  read_only: {
    status: 'wrong',
    what: 'the database is read-only',
    why: NO_WRITES,
    where: `${CONSOLE}: DATABASE_URL may be a read replica’s; otherwise look at default_transaction_read_only of role and database`,
  },
  quota: {
    status: 'wrong',
    what: 'a quota of the Neon plan is used up: storage, compute time or data transfer',
    why: NO_WRITES,
    where: `${CONSOLE} → Usage: take a larger plan, or wait for the next period`,
  },
  busy: {
    status: 'wrong',
    what: 'the database has too many connections or requests at the moment',
    why: NOTHING,
    where: 'try again in a minute; if it continues, take a larger compute',
  },
  not_neon: {
    status: 'wrong',
    what: 'the host of DATABASE_URL does not answer like Neon',
    why: NOTHING,
    where: `${CONSOLE}: copy the connection string again. Other PostgreSQL servers do not speak HTTP`,
  },
  refused: {
    status: 'wrong',
    what: 'PostgreSQL refuses queries ({code})',
    why: NOTHING,
    where: `${CONSOLE}: look at the project; the code is one of PostgreSQL’s appendix A`,
  },
  unreachable: {
    status: 'wrong',
    what: 'the database cannot be reached over HTTP, as Neon is: {cause}',
    why: NOTHING,
    where: `${CONSOLE}: compare the host, and check that the project is not switched off. A PostgreSQL that is not Neon’s does not work, because it does not answer over HTTP`,
  },
} as const satisfies Verdicts

export type RefusalCode = keyof typeof refusals

const CODE_OF: Readonly<Record<DatabaseWhy, RefusalCode>> = {
  password: 'password',
  role: 'password',
  database: 'no_database',
  endpoint: 'no_endpoint',
  address: 'address',
  permission: 'permission',
  read_only: 'read_only',
  quota: 'quota',
  busy: 'busy',
  timeout: 'unreachable',
  cancelled: 'refused',
  conflict: 'refused',
  server: 'refused',
  refused: 'refused',
  malformed: 'not_neon',
}
const isWhy = (why: string): why is DatabaseWhy => Object.hasOwn(CODE_OF, why)

/** Returns null if the error is not from the database. */
export function readRefusal(
  error: unknown,
): { readonly code: RefusalCode; readonly found: Readonly<Record<string, string>> } | null {
  if (error instanceof DatabaseError) return { code: 'refused', found: { code: error.code } }
  if (!(error instanceof Unavailable || error instanceof ConfigError) || error.why === undefined)
    return null
  const { why, code = why } = error
  return {
    code: isWhy(why) ? CODE_OF[why] : 'unreachable',
    found: { code, cause: causeOf(why === 'timeout' ? 'TimeoutError' : code) },
  }
}
