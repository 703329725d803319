import { createHash, timingSafeEqual } from 'node:crypto'
import type { Caller } from '../core/caller.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { ReadToken } from '../ports.ts'
import type { Edge } from './edge.ts'
import { addressOf } from './limit.ts'

/** Compares hashes, so that the duration discloses neither the length nor a matching prefix. */
const isSame = (a: string, b: string): boolean => {
  const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest()
  return timingSafeEqual(digest(a), digest(b))
}

/**
 * Reads the caller from `Authorization: Bearer …`. Without a valid token the answer is 401; with a
 * valid one of a kind that is not `allowed` it is 403. After ten wrong keys within a minute the
 * answer is 429 for the rest of that minute, even with the right key.
 */
export async function requireCaller<K extends Caller['kind']>(
  request: Request,
  edge: Edge,
  allowed: readonly K[],
): Promise<Outcome<Extract<Caller, { kind: K }>>> {
  const token = readToken(request)
  const caller = token === undefined ? null : await identify(token, request, edge, allowed)
  if (caller === null) return err({ reason: 'not_signed_in', needs: allowed })
  if ('retryAfterSeconds' in caller) return err({ reason: 'too_many_requests', ...caller })
  if (caller.kind !== 'user') edge.markReaderAsMerchant()
  return isAllowed(caller, allowed) ? ok(caller) : err({ reason: 'wrong_token', needs: allowed })
}

/** Reads a user's own token. Other callers are refused, as in `requireCaller`. */
export async function requireUserToken(
  request: Request,
  edge: Edge,
): Promise<Outcome<ReadToken & { readonly token: string }>> {
  const caller = await requireCaller(request, edge, ['user'])
  if (!caller.ok) return caller
  const token = readToken(request) ?? ''
  const read = await edge.tokens.read(token, edge.clock.now())
  return read === null ? err({ reason: 'not_signed_in', needs: ['user'] }) : ok({ ...read, token })
}

/**
 * For functions that anyone may call and that show the merchant more. Other tokens are ignored. A
 * wrong key counts as a guess here too. After too many guesses a caller from that address does not
 * count as the merchant.
 */
export function isMerchant(request: Request, edge: Edge): boolean {
  const token = readToken(request)
  if (token === undefined || edge.merchantKey === null) return false
  if (looksLikeUserToken(token)) return false
  if (waitAfterGuesses(request, edge) !== null) return false
  const isRight = isSame(token, edge.merchantKey)
  if (!isRight) countGuess(request, edge)
  return isRight
}

/** Seconds until the address may present a key again; null if it may now. */
function waitAfterGuesses(request: Request, { limits }: Edge): number | null {
  const callers = addressOf(request)
  return callers.length === 0 ? null : limits.secondsLeft('key', callers)
}

function countGuess(request: Request, { limits, waitUntil }: Edge): void {
  const callers = addressOf(request)
  if (callers.length > 0) waitUntil(() => limits.count('key', callers))
}

const readToken = (request: Request): string | undefined =>
  /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]

const isAllowed = <K extends Caller['kind']>(
  caller: Caller,
  allowed: readonly K[],
): caller is Extract<Caller, { kind: K }> => allowed.some((kind) => kind === caller.kind)

/**
 * A malformed variable stops only the callers who use it. So the variable of an allowed kind is
 * read first. A user's token is compared with neither key, so an expired one is not a guess.
 */
async function identify(
  token: string,
  request: Request,
  edge: Edge,
  allowed: readonly Caller['kind'][],
): Promise<Caller | { readonly retryAfterSeconds: number } | null> {
  if (looksLikeUserToken(token)) {
    const read = await edge.tokens.read(token, edge.clock.now())
    return read === null ? null : { kind: 'user', appid: read.appid, openid: read.openid }
  }
  const retryAfterSeconds = waitAfterGuesses(request, edge)
  if (retryAfterSeconds !== null) return { retryAfterSeconds }
  for (const kind of allowed.includes('cron') ? CRON_FIRST : MERCHANT_FIRST) {
    const secret = kind === 'cron' ? edge.cronSecret : edge.merchantKey
    if (secret !== null && isSame(token, secret)) return { kind }
  }
  countGuess(request, edge)
  return null
}

const CRON_FIRST = ['cron', 'merchant'] as const
const MERCHANT_FIRST = ['merchant', 'cron'] as const

/** A JSON Web Token has three parts. `lib/config` refuses a key or secret with three parts. */
const looksLikeUserToken = (token: string): boolean => token.split('.').length === 3
