import type { Failure } from '../core/failure.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Deps } from '../ports.ts'

const LOOK_MS = 150
const LOOKS = 20

/**
 * The access token all instances share. One at a time fetches a new one; the others wait for it. Without Redis each
 * fetches by itself, which is right too: WeChat's stable token is the same for everybody who asks.
 */
export async function accessToken(deps: Pick<Deps, 'cache' | 'wechat' | 'clock' | 'later'>): Promise<Result<string, Failure>> {
  for (let look = 0; look < LOOKS; look += 1) {
    const found = await deps.cache.findAccessToken()
    if (found === 'busy') {
      await deps.clock.sleep(LOOK_MS)
      continue
    }
    if (found !== 'down' && 'kept' in found) return ok(found.kept)
    const fetched = await deps.wechat.fetchAccessToken()
    deps.later(async () => {
      if (fetched.ok) await deps.cache.keepAccessToken(fetched.value)
      if (found !== 'down') await deps.cache.release(found.lock)
    })
    return fetched.ok ? ok(fetched.value.token) : fetched
  }
  return err({ reason: 'wechat_unknown' })
}
