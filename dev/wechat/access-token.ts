/** Access tokens from `stable_token`: which are valid, and until when. */
import { randomBytes } from 'node:crypto'
import { apiError, type ApiError } from './json-answer.ts'
import type { Simulation } from './simulation.ts'
import type { AccessToken, State } from './state.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const LIFE_MS = 120 * MINUTE_MS
/**
 * A token that expires sooner is replaced by a new one. The old one stays valid until it expires.
 */
const RENEWED_BEFORE_MS = 5 * MINUTE_MS
const FORCED_APART_MS = 30_000
const MOST_FORCED_A_DAY = 20

/** Returns the current token, or a new one if it is missing or about to expire. */
export function stableToken(simulation: Simulation): AccessToken {
  const left = simulation.now() + RENEWED_BEFORE_MS
  return (
    simulation.state.tokens.find((token) => !token.revoked && token.expiresAt >= left) ??
    issueToken(simulation, { forced: false })
  )
}

/** Returns a new token and revokes all others, or an error if this is requested too often. */
export function forcedToken(simulation: Simulation): AccessToken | ApiError {
  const now = simulation.now()
  const forced = simulation.state.tokens.filter(
    (token) => token.forced && now - token.issuedAt < DAY_MS,
  )
  if (forced.some(({ issuedAt }) => now - issuedAt < FORCED_APART_MS)) return apiError(44990)
  if (forced.length >= MOST_FORCED_A_DAY) return apiError(45009)
  revokeTokens(simulation.state)
  return issueToken(simulation, { forced: true })
}

export function revokeTokens(state: State): void {
  for (const token of state.tokens) token.revoked = true
}

/** Returns the error for a token that came with a call, or null if the token is valid. */
export function findBadToken({ state, now }: Simulation, given: string): ApiError | null {
  if (given === '') return apiError(41001)
  const known = state.tokens.find(({ token }) => token === given)
  if (known === undefined || known.revoked) return apiError(40001)
  return now() >= known.expiresAt ? apiError(42001) : null
}

function issueToken({ state, now }: Simulation, { forced }: { forced: boolean }): AccessToken {
  const issuedAt = now()
  const token = {
    token: newToken(),
    issuedAt,
    expiresAt: issuedAt + LIFE_MS,
    forced,
    revoked: false,
  }
  state.tokens = [token, ...state.tokens.filter((old) => issuedAt - old.expiresAt < DAY_MS)]
  return token
}

/** As long as WeChat's tokens. */
const newToken = (): string => `99_${randomBytes(100).toString('base64url').slice(0, 133)}`
