/**
 * The environment of the functions: the given variables, and a stand-in or a demo value for each
 * missing one.
 */
import {
  demoCertificate,
  demoDatabase,
  demoPush,
  demoRedisToken,
  demoV3Values,
  demoValues,
  demoWebhookSecret,
} from './demo-values.ts'
import { readVariable, type Environment } from '../program/environment.ts'
import { PlainError } from '../program/plain-error.ts'

/** Complete for all that the functions require. */
export type CompleteEnvironment = Record<string, string> & Record<keyof typeof demoValues, string>

/** The services that the environment does not name. */
export interface StandIns {
  readonly miniProgramApi: boolean
  readonly payApi: boolean
  readonly database: boolean
  readonly redis: boolean
  readonly webhook: boolean
}

const variables = [
  ...Object.keys(demoValues),
  ...Object.keys(demoCertificate),
  ...Object.keys(demoV3Values),
  ...Object.keys(demoPush),
  'WECHAT_PAY_API',
  'WECHAT_PAY_PUBLIC_KEY_OTHER',
  'WECHAT_PAY_PUBLIC_KEY_ID_OTHER',
  'WECHAT_PAY_KEY_OTHER',
  'WECHAT_SIGN_TYPE',
  'WECHAT_API_URL',
  'WECHAT_PAY_URL',
  'PUBLIC_URL',
  'DATABASE_URL',
  'NEON_HTTP_ENDPOINT',
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'KV_REST_API_URL',
  'KV_REST_API_TOKEN',
  'ORDER_WEBHOOK_URL',
  'ORDER_WEBHOOK_SECRET',
  'WECHAT_AUTO_SHIPPING',
  'WECHAT_VIRTUAL_GOODS_ALLOWED',
  'MAX_OPEN_ORDERS',
  'QSTASH_TOKEN',
  'QSTASH_URL',
]

/**
 * @throws PlainError in a production environment, where a stand-in would accept payments without
 * money.
 */
export function findStandIns(environment: Environment): StandIns {
  const missing = (name: string) => readVariable(environment, name) === undefined
  const standIns = {
    miniProgramApi: missing('WECHAT_API_URL'),
    payApi: missing('WECHAT_PAY_URL'),
    database: missing('DATABASE_URL'),
    redis: missing('UPSTASH_REDIS_REST_URL') && missing('KV_REST_API_URL'),
    webhook: missing('ORDER_WEBHOOK_URL'),
  }
  const pretends = standIns.miniProgramApi || standIns.payApi || standIns.database
  if (environment['VERCEL_ENV'] === 'production' && pretends) {
    throw new PlainError(
      'VERCEL_ENV is production, and stand-ins do not mix with a production environment. Unset VERCEL_ENV.',
    )
  }
  return standIns
}

/**
 * The variables of the functions for a world that listens at `url`.
 *
 * @param complaints sets the values of APIv3 also for a world whose orders use v2
 */
export function completeEnvironment(
  environment: Environment,
  standIns: StandIns,
  url: string,
  { complaints = false }: { readonly complaints?: boolean | undefined } = {},
): CompleteEnvironment {
  const complete: CompleteEnvironment = {
    ...demoValues,
    ...(standIns.payApi && !namesAny(environment, demoCertificate) ? demoCertificate : {}),
    ...(playsV3(environment, standIns, complaints) ? demoV3Values : {}),
    ...(standIns.miniProgramApi && !namesAny(environment, demoPush) ? demoPush : {}),
    WECHAT_API_URL: `${url}/wechat`,
    WECHAT_PAY_URL: `${url}/wechat`,
    PUBLIC_URL: url,
    DATABASE_URL: demoDatabase,
    ...(standIns.redis ? { UPSTASH_REDIS_REST_URL: `${url}/stand-ins/upstash` } : {}),
    UPSTASH_REDIS_REST_TOKEN: demoRedisToken,
    KV_REST_API_TOKEN: demoRedisToken,
    ORDER_WEBHOOK_URL: `${url}/merchant/events`,
    ORDER_WEBHOOK_SECRET: demoWebhookSecret,
  }
  for (const name of variables) {
    const value = readVariable(environment, name)
    if (value !== undefined) complete[name] = value
  }
  // An endpoint without a database is ignored: that of the stand-in takes precedence.
  if (standIns.database) complete['NEON_HTTP_ENDPOINT'] = `${url}/stand-ins/neon/sql`
  return complete
}

/** The local world plays v2 unless it is told otherwise. */
const playsV3 = (environment: Environment, { payApi }: StandIns, complaints: boolean): boolean =>
  payApi &&
  (complaints || readVariable(environment, 'WECHAT_PAY_API') === 'v3') &&
  !namesAny(environment, demoV3Values)

/** Values that belong together are set together, as a certificate and its key. */
const namesAny = (environment: Environment, values: Readonly<Record<string, string>>): boolean =>
  Object.keys(values).some((name) => readVariable(environment, name) !== undefined)

/**
 * Sets them as variables of this process, and returns a function that restores the previous ones.
 */
export function setProcessEnvironment(environment: Environment): () => void {
  const before = variables.map((name) => [name, process.env[name]] as const)
  for (const name of variables) set(name, environment[name])
  return () => {
    for (const [name, value] of before) set(name, value)
  }
}

function set(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}
