/** Access tokens of the stable kind: which are good, and until when. */
import { randomBytes } from 'node:crypto'
import { apiError, type ApiError } from './json-answer.ts'
import type { Simulation } from './simulation.ts'
import type { AccessToken, State } from './state.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const LIFE_MS = 120 * MINUTE_MS
/** With less than that left a new token is handed out, and the old one stays good for what it has left. */
const RENEWED_BEFORE_MS = 5 * MINUTE_MS
const FORCED_APART_MS = 30_000
const MOST_FORCED_A_DAY = 20

/** The token there is, or a new one where there is none or it will soon be over. */
export function stableToken(simulation: Simulation): AccessToken {
  const left = simulation.now() + RENEWED_BEFORE_MS
  return (
    simulation.state.tokens.find((token) => !token.revoked && token.expiresAt >= left) ??
    issueToken(simulation, { forced: false })
  )
}

/** A new token that ends every other at once; null with the reason when that was asked for too often. */
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

/** What is wrong with a token as it came with a call, or null. */
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

/** As long as real ones tend to be. */
const newToken = (): string => `99_${randomBytes(100).toString('base64url').slice(0, 133)}`
