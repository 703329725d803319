/** What `npm run migrate` says when it fails: one sentence each, without addresses or statements. */
import { ConfigError, Unavailable } from '../lib/core/failure.ts'
import { DatabaseError } from '../lib/stores/neon.ts'
import { IndexNotBuilt } from './build-indexes.ts'
import { PlainError } from './plain-error.ts'

export class MigrationFailed extends Error {
  readonly migration: string

  constructor(migration: string, cause: unknown) {
    super(`migration ${migration} failed`, { cause })
    this.migration = migration
  }
}

/** Anything unexpected stays as it is. */
export function toPlainError(error: unknown, deadlineMs: number): unknown {
  const chain = [error, causeOf(error), causeOf(causeOf(error))]
  const misconfigured = chain.find((one) => one instanceof ConfigError)
  if (misconfigured !== undefined) return new PlainError(`${misconfigured.message}.`)

  const index = chain.find((one) => one instanceof IndexNotBuilt)?.index
  const migration = chain.find((one) => one instanceof MigrationFailed)?.migration
  const unavailable = chain.find((one) => one instanceof Unavailable)
  if (unavailable?.why === 'TimeoutError') return new PlainError(explainTimeout(index, migration, deadlineMs))
  if (unavailable !== undefined) {
    return new PlainError(
      'The database of DATABASE_URL did not answer over HTTP, as Neon does (a stand-in needs NEON_HTTP_ENDPOINT). Nothing is half done: run it again once it is reachable.',
    )
  }
  const refused = chain.find((one) => one instanceof DatabaseError)
  return refused === undefined ? error : new PlainError(explainRefusal(index, migration, refused))
}

function explainTimeout(index: string | undefined, migration: string | undefined, deadlineMs: number): string {
  const time = deadlineMs < 120_000 ? `${deadlineMs / 1000} s` : `${deadlineMs / 60_000} minutes`
  if (index !== undefined)
    return `Timeout: index ${index} was not built within ${time}. The tables are as before and stay in use. Run it again: what is half built is built anew.`
  if (migration !== undefined) return `Timeout: migration ${migration} did not end within ${time}. Nothing is half done: run it again.`
  return 'Timeout: the database of DATABASE_URL took the request and did not answer in time. Nothing is half done: run it again.'
}

function explainRefusal(index: string | undefined, migration: string | undefined, { code, constraint }: DatabaseError): string {
  const answer = `PostgreSQL answered ${code}${constraint === '' ? '' : ` (${constraint})`}.`
  if (index !== undefined) return `Index ${index} was not built: ${answer} The tables are as before and stay in use.`
  if (migration !== undefined) return `Migration ${migration} failed and was undone: ${answer}`
  return `The table of migrations could not be made or read: ${answer}`
}

const causeOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined)
