/**
 * The message of `npm run migrate` when it fails: one or two sentences, without addresses or
 * statements.
 */
import { ConfigError, Unavailable } from '../../lib/core/failure.ts'
import { DatabaseError } from '../../lib/stores/database-failure.ts'
import { IndexNotBuilt } from './build-indexes.ts'
import { readRefusal, refusals } from '../doctor/database-refusals.ts'
import { PlainError } from '../program/plain-error.ts'

export class MigrationFailed extends Error {
  readonly migration: string

  constructor(migration: string, cause: unknown) {
    super(`migration ${migration} failed`, { cause })
    this.migration = migration
  }
}

/** Returns an unexpected error unchanged. */
export function toPlainError(error: unknown, deadlineMs: number): unknown {
  const chain = [error, causeOf(error), causeOf(causeOf(error))]
  const index = chain.find((one) => one instanceof IndexNotBuilt)?.index
  const migration = chain.find((one) => one instanceof MigrationFailed)?.migration
  const failure = chain.find(
    (one) =>
      one instanceof ConfigError || one instanceof Unavailable || one instanceof DatabaseError,
  )
  if (failure === undefined) return error
  if (failure instanceof DatabaseError)
    return new PlainError(explainOurs(index, migration, failure.code, failure.constraint))
  if (failure.why === 'not_migrated')
    return new PlainError(explainOurs(index, migration, failure.code ?? '', ''))
  if (failure.why === 'timeout') return new PlainError(explainTimeout(index, migration, deadlineMs))
  if (failure.code === '55P03' && migration !== undefined)
    return new PlainError(
      `Migration ${migration} waited for a table that is in use, and gave up. Nothing is half done: run it again.`,
    )
  const refusal = readRefusal(failure)
  if (refusal === null) return new PlainError(`${failure.message}.`)
  const { what, where } = refusals[refusal.code]
  const fill = (text: string) =>
    text.replaceAll(/\{(\w+)\}/g, (_, name: string) => refusal.found[name] ?? '')
  return new PlainError(
    `${beginningOf(index, migration)}: ${fill(what)}.\n${fill(where)}. Nothing is half done: run npm run migrate again after that.`,
  )
}

function beginningOf(index: string | undefined, migration: string | undefined): string {
  if (index !== undefined) return `Index ${index} was not built`
  return migration === undefined
    ? 'The database of DATABASE_URL was not migrated'
    : `Migration ${migration} was not run`
}

function explainTimeout(
  index: string | undefined,
  migration: string | undefined,
  deadlineMs: number,
): string {
  const time = deadlineMs < 120_000 ? `${deadlineMs / 1000} s` : `${deadlineMs / 60_000} minutes`
  if (index !== undefined)
    return `Timeout: index ${index} was not built within ${time}. The tables are unchanged and stay in use. Run it again: a half-built index is dropped and built again.`
  if (migration !== undefined)
    return `Timeout: migration ${migration} did not end within ${time}. Nothing is half done: run it again.`
  return 'Timeout: the database of DATABASE_URL accepted the request and did not answer in time. Nothing is half done: run it again.'
}

function explainOurs(
  index: string | undefined,
  migration: string | undefined,
  code: string,
  constraint: string,
): string {
  const answer = `PostgreSQL answered ${code}${constraint === '' ? '' : ` (${constraint})`}.`
  if (index !== undefined)
    return `Index ${index} was not built: ${answer} The tables are unchanged and stay in use.`
  if (migration !== undefined) return `Migration ${migration} failed and was undone: ${answer}`
  return `The table of migrations could not be made or read: ${answer}`
}

const causeOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined)
