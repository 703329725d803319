/**
 * Distinguishes a mistake in our statement from a failure of the database, and names the failure in
 * one word for the log. The database's own text stays in `cause`, which is never printed, because
 * it contains addresses and whole statements.
 */
import { ConfigError, Unavailable } from '../core/failure.ts'
import { readNoAnswer } from '../http-client/read-no-answer.ts'

/**
 * Our statement violated a constraint or is invalid. `code` is the SQLSTATE, `constraint` the name
 * of the constraint.
 */
export class DatabaseError extends Error {
  readonly code: string
  readonly constraint: string

  constructor(code: string, constraint: string, cause: unknown) {
    super(
      `the database refused a statement (${code}${constraint === '' ? '' : `, ${constraint}`})`,
      { cause },
    )
    this.name = 'DatabaseError'
    this.code = code
    this.constraint = constraint
  }
}

/** An error response from PostgreSQL or from Neon's proxy. */
export interface DatabaseRefusal {
  readonly status: number
  /** The SQLSTATE; empty when the proxy refused before PostgreSQL was asked. */
  readonly code: string
  readonly constraint: string
  readonly message: string
  /** False if the body is not Neon's JSON. */
  readonly isReadable: boolean
}

/**
 * Classes of SQLSTATE that our statement causes: cardinality, data that does not fit, constraints,
 * invalid statements, and values beyond PostgreSQL's limits. Every other code is a failure of the
 * database, and the same request may succeed later.
 */
const OURS = /^(?:2[123]|42|54)/
const PERMISSION = '42501'

/** No such table, column or function: it is the wrong database, or it was not migrated. */
const NOT_MIGRATED = /^(?:42P01|42703|42883)$/

/** The configuration must change, here or at Neon, before the database works again. */
const MISCONFIGURED = ['password', 'role', 'database', 'endpoint', 'address'] as const

/**
 * `password`, `role`, `database`, `endpoint`: refused or missing. `address`: not on the allow list.
 * `permission`: the role lacks a privilege. `read_only`: no writes. `quota`: a limit of the plan is
 * reached. `busy`: too many connections. `timeout`: Neon's proxy waited in vain. `cancelled`: ended
 * by a timeout of the database or by a person. `conflict`: a deadlock, a lock timeout or a
 * serialization failure. `server`: an internal error. `malformed`: the answer is not Neon's.
 * `refused`: anything else.
 */
export type DatabaseWhy =
  | (typeof MISCONFIGURED)[number]
  | 'permission'
  | 'read_only'
  | 'quota'
  | 'busy'
  | 'timeout'
  | 'cancelled'
  | 'conflict'
  | 'server'
  | 'malformed'
  | 'refused'

const BY_CODE: readonly (readonly [RegExp, DatabaseWhy])[] = [
  [/^28P01$/, 'password'],
  [/^28/, 'role'],
  [/^3D/, 'database'],
  [/^42501$/, 'permission'],
  [/^25006$/, 'read_only'],
  [/^53[14]/, 'quota'],
  [/^53/, 'busy'],
  [/^57014$/, 'cancelled'],
  [/^(?:40|55P03)/, 'conflict'],
]

/**
 * Texts of Neon's proxy, which sends no code with them. The quota comes first, because its text
 * also names the endpoint.
 */
const BY_MESSAGE: readonly (readonly [RegExp, DatabaseWhy])[] = [
  [/password authentication failed/i, 'password'],
  [/quota|size limit/i, 'quota'],
  [/role .*does not exist/i, 'role'],
  [/database .*does not exist/i, 'database'],
  [/endpoint/i, 'endpoint'],
  [/too many|rate limit/i, 'busy'],
  [/timed out|timeout/i, 'timeout'],
]
/** Tried before the others, because both texts name the endpoint too. */
const ADDRESS = /not allowed to connect|blocked network/i
const TOO_MANY = /too many .*connection/i

function whyRefused({ status, code, message, isReadable }: DatabaseRefusal): DatabaseWhy {
  if (!isReadable) return status === 429 ? 'busy' : status >= 500 ? 'server' : 'malformed'
  const known = BY_CODE.find(([pattern]) => pattern.test(code))?.[1]
  if (known !== undefined) return known
  if (code !== '') return /^(?:08|57|58|F0|XX)/.test(code) ? 'server' : 'refused'
  if (ADDRESS.test(message)) return 'address'
  if (TOO_MANY.test(message)) return 'busy'
  return (
    BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1] ??
    (status >= 500 ? 'server' : 'refused')
  )
}

/**
 * Throws what a refusal means: a fault of the configuration, of our statement or of the database.
 *
 * @param cause for a debugger; nothing prints it
 */
export function throwRefusal(refusal: DatabaseRefusal, cause: unknown): never {
  const { constraint } = refusal
  const code = refusal.code === '' ? undefined : refusal.code
  if (code !== undefined && NOT_MIGRATED.test(code)) {
    const fault = 'leads to a database without the current tables: run npm run migrate'
    throw new ConfigError('DATABASE_URL', fault, { why: 'not_migrated', code, cause })
  }
  if (code !== undefined && OURS.test(code) && code !== PERMISSION)
    throw new DatabaseError(code, constraint, cause)
  const why = whyRefused(refusal)
  if (MISCONFIGURED.some((one) => one === why))
    throw new ConfigError('DATABASE_URL', 'does not open the database', { why, code, cause })
  throw new Unavailable('database', cause, why, code)
}

/** No response came, or one that cannot be parsed. */
export function throwSilence(cause: unknown): never {
  const silence = readNoAnswer(cause)
  throw new Unavailable('database', cause, silence?.why ?? 'malformed', silence?.code)
}
