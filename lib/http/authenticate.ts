import { createHash, timingSafeEqual } from 'node:crypto'
import type { Caller } from '../core/caller.ts'
import type { Outcome } from '../core/failure.ts'
import { err, ok } from '../core/result.ts'
import type { Deps } from '../ports.ts'

/** Over hashes, so that the time it takes tells neither the length nor how much was right. */
const isSame = (a: string, b: string): boolean => {
  const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest()
  return timingSafeEqual(digest(a), digest(b))
}

/**
 * Who calls, from `Authorization: Bearer …`. No token or a bad one: 401; a good one of another kind
 * than `allowed`: 403.
 */
export async function requireCaller<K extends Caller['kind']>(
  request: Request,
  deps: Deps,
  allowed: readonly K[],
): Promise<Outcome<Extract<Caller, { kind: K }>>> {
  const token = readToken(request)
  const caller = token === undefined ? null : await identify(token, deps)
  if (caller === null) return err({ reason: 'not_signed_in', needs: allowed })
  if (caller.kind !== 'user') deps.answersMerchant()
  return isAllowed(caller, allowed) ? ok(caller) : err({ reason: 'wrong_token', needs: allowed })
}

/**
 * For functions that anyone may call but that show the merchant more. Any other token is ignored.
 */
export function isMerchant(request: Request, deps: Deps): boolean {
  const token = readToken(request)
  return token !== undefined && deps.merchantKey !== null && isSame(token, deps.merchantKey)
}

const readToken = (request: Request): string | undefined =>
  /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]

const isAllowed = <K extends Caller['kind']>(
  caller: Caller,
  allowed: readonly K[],
): caller is Extract<Caller, { kind: K }> => allowed.some((kind) => kind === caller.kind)

/** Each kind needs its own variable only: a missing or malformed one stops nobody else. */
async function identify(token: string, deps: Deps): Promise<Caller | null> {
  if (token.split('.').length === JWT_PARTS) {
    const user = await deps.tokens.read(token, deps.clock.now())
    if (user !== null) return { kind: 'user', ...user }
  }
  if (deps.cronSecret !== null && isSame(token, deps.cronSecret)) return { kind: 'cron' }
  return deps.merchantKey !== null && isSame(token, deps.merchantKey) ? { kind: 'merchant' } : null
}

const JWT_PARTS = 3
