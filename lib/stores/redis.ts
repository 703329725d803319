/**
 * The way to Upstash: one attempt, one deadline. Its error texts hold the whole command, so whoever calls keeps them to
 * itself. Its client is loaded when first needed: half of the functions answer without.
 */
import type { Redis } from '@upstash/redis'

export type { Redis }

export interface RedisSettings {
  readonly url: string
  readonly token: string
}

/** A same-region answer takes milliseconds; past this, going on without is the better service. */
const DEADLINE_MS = 1_000

const manner = {
  automaticDeserialization: false,
  enableAutoPipelining: false,
  enableTelemetry: false,
  // A lost answer to SET NX, repeated, would read as "somebody else holds the lock".
  retry: { retries: 0 },
  signal: () => AbortSignal.timeout(DEADLINE_MS),
}

const load = async () => (await import('@upstash/redis')).Redis
let loading: ReturnType<typeof load> | undefined

export async function openRedis(settings: RedisSettings): Promise<Redis> {
  const Client = await (loading ??= load())
  return new Client({ ...settings, ...manner })
}

/** For a library that runs scripts: those it starts in one turn travel as one request. */
export async function openScriptRedis(settings: RedisSettings): Promise<Redis> {
  const Client = await (loading ??= load())
  class ScriptRedis extends Client {
    readonly #together = this.autoPipeline()

    /** Says at once what Redis would say after a round trip wherever the script is new, so that it is sent the first time. */
    override evalsha: Redis['evalsha'] = () => Promise.reject(new Error('NOSCRIPT'))

    /** Without the script's first line, whose flags only Upstash knows: any other Redis refuses the script for them. */
    override eval: Redis['eval'] = (script, keys, args) => this.#together.eval(script.replace(/^#!.*\n/, ''), keys, args)
  }
  return new ScriptRedis({ ...settings, ...manner })
}
