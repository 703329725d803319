import type { Account } from '../core/account.ts'

export interface Migration {
  readonly name: string
  /**
   * Run one by one, in one transaction. Rows that are older than accounts belong to `account`.
   */
  readonly statements: (account: Account) => readonly string[]
  /**
   * Built after all statements, outside a transaction, so that orders and payments can be written
   * meanwhile.
   */
  readonly indexes?: readonly Index[]
}

/** An index of a table that may have millions of rows by the time the migration runs. */
export interface Index {
  readonly name: string
  readonly table: string
  /**
   * The part of `create index` after the table: columns in parentheses, and an optional condition.
   */
  readonly by: string
}

/** PostgreSQL takes no parameters in a definition, so a value is written into it. */
export const literal = (text: string): string => `'${text.replaceAll(`'`, `''`)}'`
