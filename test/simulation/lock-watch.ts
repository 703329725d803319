/** Looks over Redis's shoulder: a lock goes when its holder gives it up or its time is over, and for no other reason. */
import type { RedisServer } from '../../dev/stand-ins/redis.ts'

const isLock = (key: string | undefined): key is string =>
  /^wxpay:(?:placing|notification):|^wxpay:access-token:lock$/.test(key ?? '')

export interface LockWatch extends RedisServer {
  /** What must not have happened, in words. */
  readonly problems: string[]
  /** Locks that had expired, or been lost, when their holder gave them up. */
  readonly outlived: () => number
}

export function watchLocks(redis: RedisServer): LockWatch {
  const problems: string[] = []
  let outlived = 0
  const holderOf = async (key: string) => toText(await redis.send(['GET', key]))
  return {
    problems,
    outlived: () => outlived,
    stop: redis.stop,
    async send(command) {
      const [name = '', script = '', , key, token = ''] = command
      if (name.toUpperCase() !== 'EVAL' || !script.includes("'del'") || !isLock(key))
        return redis.send(command)
      const holder = await holderOf(key)
      const reply = await redis.send(command)
      if (holder !== token) outlived += 1
      if (holder !== '' && holder !== token && (await holderOf(key)) !== holder)
        problems.push(`a lock was given up by somebody who did not hold it`)
      return reply
    },
  }
}

/** Bulk strings come as bytes; no key is no text. */
export const toText = (reply: unknown): string =>
  Buffer.isBuffer(reply) ? reply.toString('utf8') : typeof reply === 'string' ? reply : ''
