/**
 * Calls Upstash, with one attempt and one deadline. Callers must not pass on the error texts, which
 * contain the whole command. The client is loaded when first needed, because half of the
 * functions answer without it.
 */
import { hash } from 'node:crypto'
import type { Redis } from '@upstash/redis'
import * as v from 'valibot'
import { traceHop } from '../trace.ts'
import { post } from './post.ts'
import { readRefusal, RedisDown, toRedisDown } from './redis-failure.ts'

export type { Redis }

export interface RedisSettings {
  readonly url: string
  readonly token: string
}

/**
 * An answer within the region takes milliseconds. After this time it is better to continue without
 * Redis.
 */
const DEADLINE_MS = 1_000

type Requester = ConstructorParameters<typeof Redis>[0] & { readonly request: unknown }
type Asked = Parameters<Requester['request']>[0]

interface Answered {
  readonly result?: never
  readonly error?: string
}

/** The caller validates `result`. The answer to a pipeline is a list of these. */
const isAnswered = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Array.isArray(value) || 'result' in value || 'error' in value)
const answerSchema = v.pipe(v.string(), v.parseJson(), v.custom<Answered>(isAnswered))

/**
 * Replaces the client's own use of fetch, which takes twice the processor time, and its retries.
 */
const createRequester = ({ url, token }: RedisSettings): Requester => ({
  async request({ path = [], body }: Asked) {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const { status, text } = await post({
      url: [url.replace(/\/$/, ''), ...path].join('/'),
      headers,
      body: JSON.stringify(body),
      deadlineMs: DEADLINE_MS,
      // A lock recognizes its own token, and a call may be counted twice.
      isRepeatable: true,
    })
    const answer = v.safeParse(answerSchema, text)
    const message = answer.success ? (answer.output.error ?? '') : ''
    if (!answer.success || status !== 200 || message !== '') throw readRefusal(status, message)
    return answer.output
  },
})

const load = async () => {
  const { Redis: Client } = await import('@upstash/redis')
  /** Stored values stay text, whatever they look like. */
  return class extends Client {
    protected override opts = { automaticDeserialization: false }
  }
}
let loading: ReturnType<typeof load> | undefined

/** Runs commands as one traced request. @throws RedisDown */
export const askRedis = <T>(work: () => Promise<T>): Promise<T> =>
  traceHop('redis', () =>
    work().catch((cause: unknown) => {
      throw toRedisDown(cause)
    }),
  )

export async function openRedis(settings: RedisSettings): Promise<Redis> {
  const Client = await (loading ??= load())
  return new Client(createRequester(settings))
}

/** A script, and the name by which a server that has run it once knows it. */
export interface Script {
  readonly text: string
  readonly sha1: string
}

export const toScript = (text: string): Script => ({
  text,
  sha1: hash('sha1', text, 'hex'),
})

/** Sends the text only if the server does not have it: at first use, and after a restart. */
export async function runScript(
  redis: Redis,
  { text, sha1 }: Script,
  keys: string[],
  args: string[],
): Promise<unknown> {
  try {
    return await redis.evalsha(sha1, keys, args)
  } catch (cause) {
    if (!(cause instanceof RedisDown && cause.code === 'NOSCRIPT')) throw cause
    return redis.eval(text, keys, args)
  }
}
