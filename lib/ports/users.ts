import type { User } from '../core/caller.ts'

export interface Login extends User {
  readonly unionid: string | null
  readonly nickname: string | null
  readonly avatarUrl: string | null
  /**
   * SHA-256 of the whole login request. It recognizes a repeat, while an intercepted code alone
   * gives no session.
   */
  readonly requestHash: string
  readonly at: Date
}

export interface Users {
  /** Idempotent. Fields that a login omits keep their stored values. */
  remember(login: Login): Promise<void>
  findLogin(requestHash: string, since: Date): Promise<(User & { readonly at: Date }) | null>
}

/** Our own user tokens. */
export interface Tokens {
  issue(
    user: User,
    at: Date,
  ): Promise<{ readonly token: string; readonly expiresInSeconds: number }>
  /** The user that the token was issued to; null for a forged, foreign or expired token. */
  read(token: string, now: Date): Promise<User | null>
}
