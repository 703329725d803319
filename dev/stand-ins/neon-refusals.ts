/** Neon's refusals, with the texts of its proxy or of the PostgreSQL behind it. */

interface Refusal {
  readonly status: 400 | 500
  readonly body: { readonly message: string; readonly code: string; readonly severity?: string }
}

/** A refusal of the proxy, which has no code because PostgreSQL was not asked. */
const byProxy = (status: 400 | 500, message: string): Refusal => ({
  status,
  body: { message, code: '' },
})
const byPostgres = (code: string, message: string, status: 400 | 500 = 400): Refusal => ({
  status,
  body: { message, code, severity: status === 400 ? 'ERROR' : 'FATAL' },
})

export const neonRefusals = {
  password: byProxy(400, "password authentication failed for user 'neondb_owner'"),
  role: byPostgres('28000', 'role "neondb_owner" does not exist', 500),
  database: byPostgres('3D000', 'database "neondb" does not exist', 500),
  endpoint: byProxy(
    400,
    "The requested endpoint could not be found, or you don't have access to it. Please check the provided ID and try again.",
  ),
  disabled: byProxy(500, 'The endpoint has been disabled. Enable it using Neon API and retry.'),
  address: byProxy(
    400,
    'This IP address 203.0.113.7 is not allowed to connect to this endpoint. Please add it to the allowed list in the Neon console. Make sure to check for IPv4 or IPv6 addresses.',
  ),
  compute_quota: byProxy(
    500,
    'Your project has exceeded the compute time quota. Upgrade your plan to increase limits.',
  ),
  too_many_connections: byProxy(
    500,
    'Too many connections to this endpoint. Please try again later.',
  ),
  authentication_timeout: byProxy(400, 'Authentication timed out'),
  permission: byPostgres('42501', 'permission denied for table orders'),
  read_only: byPostgres('25006', 'cannot execute INSERT in a read-only transaction'),
  storage_quota: byPostgres(
    '53100',
    'could not extend file because project size limit (512 MB) has been exceeded',
  ),
  restarting: byPostgres('57P03', 'the database system is starting up', 500),
  cancelled: byPostgres('57014', 'canceling statement due to statement timeout'),
  broken: byPostgres('XX000', 'could not read block 7 in file "base/5/16385"'),
  unknown: byProxy(400, 'a sentence that Neon has never said before'),
} as const satisfies Readonly<Record<string, Refusal>>

export type NeonRefusal = keyof typeof neonRefusals
export type WriteRefusal = 'permission' | 'read_only' | 'storage_quota'

/**
 * How the stand-in answers: normally, with one refusal to every request, or with one refusal to
 * every write.
 */
export type NeonMode =
  | 'up'
  | { readonly refuse: NeonRefusal }
  | { readonly refuseWrites: WriteRefusal }
