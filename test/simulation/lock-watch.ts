/** Watches Redis: a lock ends only when its holder releases it or when it expires. */
import type { RedisServer } from '../../dev/stand-ins/redis.ts'

const isLock = (key: string | undefined): key is string =>
  /^wxpay:(?:placing|notice):|^wxpay:(?:access-token|certificates):\w+:lock$/.test(key ?? '')

export interface LockWatch extends RedisServer {
  /** A description of each wrong release. */
  readonly problems: string[]
}

export function watchLocks(redis: RedisServer): LockWatch {
  const problems: string[] = []

  const holderOf = async (key: string) => toText(await redis.send(['GET', key]))
  return {
    problems,

    stop: redis.stop,
    async send(command) {
      const [name = '', script = '', , key, token = ''] = command
      if (name.toUpperCase() !== 'EVAL' || !script.includes("'del'") || !isLock(key))
        return redis.send(command)
      const holder = await holderOf(key)
      const reply = await redis.send(command)

      if (holder !== '' && holder !== token && (await holderOf(key)) !== holder)
        problems.push('a lock was released by a caller that did not hold it')
      return reply
    },
  }
}

/** Redis answers bulk strings as bytes, and a missing key as null. */
export const toText = (reply: unknown): string =>
  Buffer.isBuffer(reply) ? reply.toString('utf8') : typeof reply === 'string' ? reply : ''
