/**
 * Classifies why a Redis request failed, in one word for the log. Redis's messages are never
 * logged, because they contain whole commands.
 */
import { ConfigError } from '../core/failure.ts'
import type { NoAnswer } from '../core/no-answer.ts'
import { readNoAnswer } from '../http-client/read-no-answer.ts'

/**
 * `unauthorized`: the token is wrong. `read_only`: the token may only read. `quota`: the plan's
 * requests, bandwidth or memory are used up. `rate`: too many requests at the same time. `server`:
 * an internal error of Upstash. `script`: one of our scripts failed. `refused`: any other error of
 * Redis. `malformed`: the answer is not Upstash's.
 */
export type Refusal =
  | 'unauthorized'
  | 'read_only'
  | 'quota'
  | 'rate'
  | 'server'
  | 'script'
  | 'refused'
  | 'malformed'

export function refusalOf(status: number, message: string): Refusal {
  if (/^NOPERM|^READONLY/i.test(message)) return 'read_only'
  if (status === 401 || status === 403 || /^WRONGPASS|^NOAUTH|unauthorized/i.test(message))
    return 'unauthorized'
  if (/per second|concurrent/i.test(message)) return 'rate'
  if (/^OOM|quota|limit exceeded/i.test(message)) return 'quota'
  if (status === 429) return 'rate'
  if (status >= 500) return 'server'
  if (/script/i.test(message)) return 'script'
  return message === '' ? 'malformed' : 'refused'
}

/** Redis could not be reached, or refused the command. */
export class RedisDown extends Error {
  readonly why: Refusal | NoAnswer['why'] | 'unknown'
  /** Node's code, the HTTP status, or the first word of Redis's error. */
  readonly code: string | undefined

  constructor(why: RedisDown['why'], code?: string) {
    super(`Redis is down (${why})`)
    this.name = 'RedisDown'
    this.why = why
    this.code = code
  }
}

/** Classifies any error of a Redis request. */
export function toRedisDown(cause: unknown): RedisDown {
  if (cause instanceof RedisDown) return cause
  const silence = readNoAnswer(cause)
  if (silence !== null) return new RedisDown(silence.why, silence.code)
  // The client throws this for an error inside a 200 answer: a pipeline has one outcome for each
  // command.
  if (cause instanceof Error && cause.name === 'UpstashError')
    return readRefusal(200, cause.message.replace(/^Command [^:]*failed: /, ''))
  return new RedisDown(
    cause instanceof Error && cause.name === 'ValiError' ? 'malformed' : 'unknown',
  )
}

/** @param message the text of `error` in the answer; empty if it is missing */
export const readRefusal = (status: number, message: string): RedisDown =>
  new RedisDown(
    refusalOf(status, message),
    /^[A-Z]{3,16}(?= |$)/.exec(message)?.[0] ?? (status === 200 ? undefined : String(status)),
  )

/** The fields of its log line. */
export function describeRedisDown(cause: unknown) {
  if (cause instanceof ConfigError)
    return { event: 'redis_down', reason: 'not_configured', detail: cause.message }
  const { why, code } = toRedisDown(cause)
  return { event: 'redis_down', reason: why, ...(code === undefined ? {} : { code }) }
}
