/** Watches Redis: a lock ends only when its holder releases it or when it expires. */
import type { RedisServer } from '../../dev/stand-ins/redis.ts'

const isLock = (key: string | undefined): key is string =>
  /^wxpay:(?:notice|prepay|access-token|certificates):/.test(key ?? '')

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
      const [name = '', , , key, token = ''] = command
      if (!/^eval(?:sha)?$/i.test(name) || !isLock(key)) return redis.send(command)
      const holder = await holderOf(key)
      const reply = await redis.send(command)

      // The only script on these keys removes one, and answers with how many it has removed.
      if (reply === 1 && holder !== '' && holder !== token)
        problems.push('a lock was released by a caller that did not hold it')
      return reply
    },
  }
}

/** Redis answers bulk strings as bytes, and a missing key as null. */
export const toText = (reply: unknown): string =>
  Buffer.isBuffer(reply) ? reply.toString('utf8') : typeof reply === 'string' ? reply : ''
