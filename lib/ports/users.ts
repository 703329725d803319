import type { User } from '../core/caller.ts'

export interface Login extends User {
  readonly unionid: string | null
  readonly nickname: string | null
  readonly avatarUrl: string | null
  /** SHA-256 of the whole login request, so that a repeat is recognised and an eavesdropped code is worth nothing. */
  readonly requestHash: string
  readonly at: Date
}

export interface Users {
  /** Idempotent. What a login leaves out is kept from an earlier one. */
  remember(login: Login): Promise<void>
  findLogin(requestHash: string, since: Date): Promise<(User & { readonly at: Date }) | null>
}

/** Our own user tokens. */
export interface Tokens {
  issue(
    user: User,
    at: Date,
  ): Promise<{ readonly token: string; readonly expiresInSeconds: number }>
  /** The user a token was issued to; null for anything forged, foreign or expired. */
  read(token: string, now: Date): Promise<User | null>
}
