/** Answers of Neon's endpoint: a result, or an error with PostgreSQL's message. */
import type { QueryArrayResult } from 'pg'
import * as v from 'valibot'

export function toAnswer(result: QueryArrayResult<unknown[]>, arrayMode: boolean) {
  const { fields, rows, command, rowCount } = result
  return {
    rowAsArray: arrayMode,
    fields: fields.map(
      ({ name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier }) => ({
        name,
        dataTypeID,
        tableID,
        columnID,
        dataTypeSize,
        dataTypeModifier,
        format: 'text',
      }),
    ),
    rows: arrayMode
      ? rows
      : rows.map((row) => Object.fromEntries(fields.map(({ name }, index) => [name, row[index]]))),
    command,
    rowCount,
  }
}

/** By its shape and not by its class, because the embedded server has an error class of its own. */
const postgresError = v.looseObject({ message: v.string(), severity: v.string(), code: v.string() })

const details = [
  'code',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'severity',
  'where',
  'table',
  'column',
  'schema',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const

/** 400 if PostgreSQL refused the statement, 500 if PostgreSQL was not reached. */
export function toErrorBody(error: unknown): { status: 400 | 500; body: Record<string, unknown> } {
  if (!v.is(postgresError, error))
    return { status: 500, body: { message: 'could not connect to the database', code: null } }
  return {
    status: 400,
    body: {
      message: error.message,
      ...Object.fromEntries(details.map((name) => [name, error[name] ?? null])),
    },
  }
}
