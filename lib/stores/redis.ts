/**
 * The way to Upstash: one attempt, one deadline. Its error texts hold the whole command, so whoever calls keeps them to
 * itself. Its client is loaded when first needed: half of the functions answer without.
 */
import type { Redis } from '@upstash/redis'
import * as v from 'valibot'
import { traceHop } from '../trace.ts'
import { post } from './post.ts'
import { readRefusal, toRedisDown } from './redis-failure.ts'

export type { Redis }

export interface RedisSettings {
  readonly url: string
  readonly token: string
}

/** A same-region answer takes milliseconds; past this, going on without is the better service. */
const DEADLINE_MS = 1_000

type Requester = ConstructorParameters<typeof Redis>[0] & { readonly request: unknown }
type Asked = Parameters<Requester['request']>[0]

interface Answered {
  readonly result?: never
  readonly error?: string
}

/** The caller validates `result`. A pipeline is answered by a list of these. */
const isAnswered = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Array.isArray(value) || 'result' in value || 'error' in value)
const answerSchema = v.pipe(v.string(), v.parseJson(), v.custom<Answered>(isAnswered))

/**
 * In place of the client's own way over fetch, which takes twice the processor's time. One attempt: a lost answer to SET NX,
 * repeated, would read as "somebody else holds the lock".
 */
const createRequester = ({ url, token }: RedisSettings): Requester => ({
  async request({ path = [], body }: Asked) {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const { status, text } = await post(
      [url.replace(/\/$/, ''), ...path].join('/'),
      headers,
      JSON.stringify(body),
      DEADLINE_MS,
    )
    const answer = v.safeParse(answerSchema, text)
    const said = answer.success ? (answer.output.error ?? '') : ''
    if (!answer.success || status !== 200 || said !== '') throw readRefusal(status, said)
    return answer.output
  },
})

const load = async () => {
  const { Redis: Client } = await import('@upstash/redis')
  /** What is kept is text, whatever it looks like. */
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

/** For a library that runs scripts: those it starts in one turn travel as one request. */
export async function openScriptRedis(settings: RedisSettings): Promise<Redis> {
  const Client = await (loading ??= load())
  class ScriptRedis extends Client {
    readonly #together = this.autoPipeline()

    /** Says at once what Redis would say after a round trip wherever the script is new, so that it is sent the first time. */
    override evalsha: Redis['evalsha'] = () => Promise.reject(new Error('NOSCRIPT'))

    /** Without the script's first line, whose flags only Upstash knows: any other Redis refuses the script for them. */
    override eval: Redis['eval'] = (script, keys, args) =>
      this.#together.eval(script.replace(/^#!.*\n/, ''), keys, args)
  }
  return new ScriptRedis(createRequester(settings))
}
