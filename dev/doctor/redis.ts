/**
 * Redis: whether the token is accepted and may write. It writes one key, which expires after ten
 * seconds.
 */
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { redisSettings } from '../../lib/config/stores.ts'
import { refusalOf, type Refusal } from '../../lib/stores/redis-failure.ts'
import { ask } from './ask.ts'
import type { Check, Patient } from './check.ts'
import { reporter, type Finding, type Verdicts } from './finding.ts'

const CONSOLE = 'vercel.com → your project → Storage → Upstash'
const SLOWER =
  'every request is slower, because each prepay and notification asks WeChat and the database again; rate limits are not applied'

const KEPT_SECONDS = '10'

const verdicts = {
  works: { status: 'ok', what: 'Redis accepts the token, and stores values' },
  token: {
    status: 'wrong',
    what: 'Redis does not accept the token',
    why: SLOWER,
    where: `${CONSOLE}: copy the REST token again; it differs from the password of redis://`,
  },
  read_only: {
    status: 'wrong',
    what: 'the Redis token is read-only',
    why: SLOWER,
    where: `${CONSOLE}: use the standard REST token, not the read-only one`,
  },
  quota: {
    status: 'wrong',
    what: 'the quota of the Redis plan is used up',
    why: SLOWER,
    where: `${CONSOLE}: check the usage; wait for the next period, or choose a larger plan`,
  },
  refused: {
    status: 'wrong',
    what: 'Redis refuses to store values',
    why: SLOWER,
    where: `${CONSOLE}: check whether the database is full or switched off`,
  },
  forgets: {
    status: 'wrong',
    what: 'Redis does not return the value that was stored',
    why: SLOWER,
    where: `${CONSOLE}: check that the address is that of the database itself`,
  },
  not_upstash: {
    status: 'wrong',
    what: 'the server at this address is not Upstash',
    why: SLOWER,
    where: `${CONSOLE}: copy the REST URL (https://….upstash.io)`,
  },
  unreachable: {
    status: 'wrong',
    what: 'Redis cannot be reached: {cause}',
    why: SLOWER,
    where: `${CONSOLE}: copy the REST URL (https://….upstash.io), and check that the database still exists`,
  },
} as const satisfies Verdicts

const say = reporter('redis', verdicts)

export const redis: Check = {
  name: 'redis',
  title: 'Redis',
  verdicts,
  settings: [
    {
      names: ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'],
      instead: ['KV_REST_API_URL', 'KV_REST_API_TOKEN'],
      read: redisSettings,
      need: 'required',
      what: 'the REST URL and token of an Upstash Redis (Vercel’s marketplace sets them, also as KV_REST_API_URL and …_TOKEN)',
      why: SLOWER,
      where: CONSOLE,
    },
  ],
  examine: async (patient) => [await keepSomething(patient)],
}

/** Not by Upstash's client, whose deadline of a second is too short from another continent. */
function connect({ env, limitMs }: Patient) {
  const { url, token } = redisSettings(env)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return (...command: readonly string[]) =>
    ask(url, { method: 'POST', headers, body: JSON.stringify(command), limitMs })
}

/** Returns the text that Redis answers; null for another answer, or without one. */
export type RedisCommands = (...command: readonly string[]) => Promise<string | null>

/** @throws ConfigError */
export function openRedisCommands(patient: Patient): RedisCommands {
  const send = connect(patient)
  return async (...command) => {
    const answer = await send(...command)
    return 'cause' in answer ? null : readAnswer(answer.body).result
  }
}

async function keepSomething(patient: Patient): Promise<Finding> {
  const send = connect(patient)
  const key = `wxpay:doctor:${randomBytes(8).toString('hex')}`
  const set = await send('SET', key, 'kept', 'EX', KEPT_SECONDS)
  if ('cause' in set) return say('unreachable', set)
  const answer = readAnswer(set.body)
  if (answer.result === null) return say(VERDICT_OF[refusalOf(set.status, answer.error)])

  const got = await send('GET', key)
  await send('DEL', key)
  return 'cause' in got || readAnswer(got.body).result !== 'kept' ? say('forgets') : say('works')
}

const VERDICT_OF: Readonly<Record<Refusal, keyof typeof verdicts>> = {
  unauthorized: 'token',
  read_only: 'read_only',
  quota: 'quota',
  rate: 'refused',
  server: 'refused',
  script: 'refused',
  refused: 'refused',
  malformed: 'not_upstash',
}

const upstashAnswer = v.pipe(
  v.string(),
  v.parseJson(),
  v.union([
    v.strictObject({ result: v.nullable(v.string()) }),
    v.looseObject({ error: v.string() }),
  ]),
)

function readAnswer(body: string): { readonly result: string | null; readonly error: string } {
  const read = v.safeParse(upstashAnswer, body)
  if (!read.success) return { result: null, error: '' }
  return 'error' in read.output
    ? { result: null, error: read.output.error }
    : { result: read.output.result, error: '' }
}
