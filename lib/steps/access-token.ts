import type { Failure } from '../core/failure.ts'
import { ok, type Result } from '../core/result.ts'
import type { Deps } from '../ports.ts'

const LOOK_MS = 150
const LOOKS = 20

/**
 * The access token all instances share. One at a time fetches a new one; the others wait for it. Without Redis, or when
 * whoever fetches has died, each fetches by itself, which is right too: WeChat's stable token is the same for everybody.
 */
export async function accessToken(
  deps: Pick<Deps, 'cache' | 'wechat' | 'clock' | 'waitUntil'>,
): Promise<Result<string, Failure>> {
  let found = await deps.cache.findAccessToken()
  for (let look = 1; found === 'busy' && look < LOOKS; look += 1) {
    await deps.clock.sleep(LOOK_MS)
    found = await deps.cache.findAccessToken()
  }
  if (typeof found === 'object' && 'kept' in found) return ok(found.kept)
  const lock = typeof found === 'object' ? found.lock : null
  const fetched = await deps.wechat.fetchAccessToken()
  deps.waitUntil(async () => {
    if (fetched.ok) await deps.cache.keepAccessToken(fetched.value)
    if (lock !== null) await deps.cache.release(lock)
  })
  return fetched.ok ? ok(fetched.value.token) : fetched
}
