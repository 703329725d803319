/** Faults of the database and of Redis. */
import type { NeonRefusal } from '../../../dev/stand-ins/neon-refusals.ts'
import type { Row } from './row.ts'

/** Changes the table of migrations, and undoes the change after the test. */
const migrationsAfter =
  (change: string, back: string): Row[5] =>
  async ({ shop, undoLater }) => {
    await shop.sql(change)
    undoLater(() => shop.sql(back))
    return {}
  }

/** A Neon that refuses every query. */
const refusing =
  (body: object): Row[5] =>
  (setup) => {
    setup.fakeServer.answerWith(() => ({ status: 400, body: JSON.stringify(body) }))
    return setup.changed({ NEON_HTTP_ENDPOINT: setup.fakeServer.url })
  }

/** A refusal with Neon's own text. */
const refusedBy =
  (refusal: NeonRefusal): Row[5] =>
  ({ shop }) => {
    shop.world.faults.database.refuse(refusal)
    return {}
  }

const NO_PASSWORD = "password authentication failed for user 'shop'"

export const database: readonly Row[] = [
  [
    'nothing',
    'database',
    'current',
    'ok',
    'the database answers in … ms from here, and has the current tables',
    () => ({}),
  ],
  [
    'a database that is new',
    'database',
    'no_tables',
    'wrong',
    'the database has no tables yet',
    migrationsAfter(
      'alter table migrations rename to migrated',
      'alter table migrated rename to migrations',
    ),
  ],
  [
    'an update without its migration',
    'database',
    'behind',
    'wrong',
    'the tables are older than this code; missing: 0003-bills',
    migrationsAfter(
      `delete from migrations where name = '0003-bills'`,
      `insert into migrations (name) values ('0003-bills')`,
    ),
  ],
  [
    'an old copy of the code',
    'database',
    'ahead',
    'warning',
    'the tables are newer than this code, which does not know 9999-later',
    migrationsAfter(
      `insert into migrations (name) values ('9999-later')`,
      `delete from migrations where name = '9999-later'`,
    ),
  ],
  [
    'a password that was reset',
    'database',
    'password',
    'wrong',
    'the database refuses the login: the user or the password is wrong',
    refusing({ message: NO_PASSWORD, code: '28P01', severity: 'FATAL' }),
  ],
  [
    'the same without a code',
    'database',
    'password',
    'wrong',
    'the database refuses the login: the user or the password is wrong',
    refusing({ message: NO_PASSWORD, code: null }),
  ],
  [
    'a database of another name',
    'database',
    'no_database',
    'wrong',
    'there is no database of that name',
    refusing({ message: 'no', code: '3D000' }),
  ],
  [
    'the same without a code',
    'database',
    'no_database',
    'wrong',
    'there is no database of that name',
    refusing({ message: 'database "shop" does not exist', code: null }),
  ],
  [
    'a user without permissions',
    'database',
    'permission',
    'wrong',
    'the user (role) of DATABASE_URL may not read and write the tables',
    refusedBy('permission'),
  ],
  [
    'an unknown user',
    'database',
    'password',
    'wrong',
    'the database refuses the login: the user or the password is wrong',
    refusedBy('role'),
  ],
  [
    'a host that Neon does not know',
    'database',
    'no_endpoint',
    'wrong',
    'Neon does not know the host of DATABASE_URL, or its compute is disabled',
    refusedBy('endpoint'),
  ],
  [
    'an allow list without this address',
    'database',
    'address',
    'wrong',
    'the allow list of the Neon project does not have this address',
    refusedBy('address'),
  ],
  [
    'a plan with no compute time left',
    'database',
    'quota',
    'wrong',
    'a quota of the Neon plan is used up: storage, compute time or data transfer',
    refusedBy('compute_quota'),
  ],
  [
    'too many connections',
    'database',
    'busy',
    'wrong',
    'the database has too many connections or requests at the moment',
    refusing({ message: 'too many clients', code: '53300' }),
  ],
  [
    'a failure of PostgreSQL itself',
    'database',
    'refused',
    'wrong',
    'PostgreSQL refuses queries (XX000)',
    refusedBy('broken'),
  ],
  [
    'a read-only database',
    'database',
    'read_only',
    'wrong',
    'the database is read-only',
    ({ shop }) => {
      shop.world.faults.database.refuseWrites('read_only')
      return {}
    },
  ],
  [
    'a half-built index',
    'database',
    'indexes',
    'warning',
    'indexes are missing or half built: orders_by_state',
    migrationsAfter(
      `update pg_index set indisvalid = false where indexrelid = 'orders_by_state'::regclass`,
      `update pg_index set indisvalid = true where indexrelid = 'orders_by_state'::regclass`,
    ),
  ],
  [
    'an HTML page in place of Neon',
    'database',
    'not_neon',
    'wrong',
    'the host of DATABASE_URL does not answer like Neon',
    (setup) => {
      setup.fakeServer.answerWith(() => ({ status: 200, body: '<html></html>' }))
      return setup.changed({ NEON_HTTP_ENDPOINT: setup.fakeServer.url })
    },
  ],
  [
    'a host without a server',
    'database',
    'unreachable',
    'wrong',
    'the database cannot be reached over HTTP, as Neon is: the connection is refused: nothing listens there',
    (setup) => setup.changed({ NEON_HTTP_ENDPOINT: setup.nowhere }),
  ],
  [
    'a database in a distant region',
    'database',
    'far',
    'warning',
    'the database is in us-east-1, the functions run in hkg1',
    (setup) =>
      setup.changed({
        DATABASE_URL:
          'postgresql://shop:pw@ep-cool-name-123456-pooler.us-east-1.aws.neon.tech/shop',
      }),
  ],
  [
    'functions in a distant region',
    'database',
    'functions_far',
    'warning',
    'the functions run in iad1, far from WeChat',
    () => ({ regions: ['iad1'] }),
  ],
]

/** An Upstash that gives this answer to every command. */
const answering =
  (body: string, status = 200): Row[5] =>
  (setup) => {
    setup.fakeServer.answerWith(() => ({ status, body }))
    return setup.changed({ UPSTASH_REDIS_REST_URL: setup.fakeServer.url })
  }

export const redis: readonly Row[] = [
  ['nothing', 'redis', 'works', 'ok', 'Redis accepts the token, and stores values', () => ({})],
  [
    'the token of another database',
    'redis',
    'token',
    'wrong',
    'Redis does not accept the token',
    (setup) => setup.changed({ UPSTASH_REDIS_REST_TOKEN: 'token-of-another' }),
  ],
  [
    'a read-only token',
    'redis',
    'read_only',
    'wrong',
    'the Redis token is read-only',
    answering(
      `{"error":"NOPERM this user has no permissions to run the 'set' command or its subcommand"}`,
      400,
    ),
  ],
  [
    'a database that is over its limit',
    'redis',
    'quota',
    'wrong',
    'the quota of the Redis plan is used up',
    answering('{"error":"ERR max daily request limit exceeded"}', 400),
  ],
  [
    'a database that is being moved',
    'redis',
    'refused',
    'wrong',
    'Redis refuses to store values',
    answering('{"error":"ERR the database is not available"}', 503),
  ],
  [
    'a server that answers OK to every command',
    'redis',
    'forgets',
    'wrong',
    'Redis does not return the value that was stored',
    answering('{"result":"OK"}'),
  ],
  [
    'an HTML page',
    'redis',
    'not_upstash',
    'wrong',
    'the server at this address is not Upstash',
    answering('<html></html>'),
  ],
  [
    'a database that was deleted',
    'redis',
    'unreachable',
    'wrong',
    'Redis cannot be reached: the connection is refused: nothing listens there',
    (setup) => setup.changed({ UPSTASH_REDIS_REST_URL: setup.nowhere }),
  ],
]
