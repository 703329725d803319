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
  /**
   * Stores the phone number of a user who has logged in, and the SHA-256 of the code that was
   * exchanged for it. If no such user is stored, nothing changes.
   */
  keepPhoneNumber(
    user: User,
    given: { readonly phoneNumber: string; readonly codeHash: string; readonly at: Date },
  ): Promise<void>
  /** The number that the code of this user was exchanged for, if that happened after `since`. */
  findPhoneNumber(
    user: User,
    code: { readonly codeHash: string; readonly since: Date },
  ): Promise<string | null>
  /** The phone numbers of those among these users who gave one. */
  findPhoneNumbers(
    users: readonly User[],
  ): Promise<readonly (User & { readonly phoneNumber: string })[]>
  findLogin(requestHash: string, since: Date): Promise<(User & { readonly at: Date }) | null>
}

/** The user that a token was issued to, and the rest of its life. */
export interface ReadToken extends User {
  readonly expiresInSeconds: number
}

/** Our own user tokens. */
export interface Tokens {
  issue(
    user: User,
    at: Date,
  ): Promise<{ readonly token: string; readonly expiresInSeconds: number }>
  /** The content of a token; null for a forged, foreign or expired one. */
  read(token: string, now: Date): Promise<ReadToken | null>
}
