import type { Period } from '../ports.ts'

/**
 * The conditions of a period on a column. `param` adds a parameter to the statement and returns its
 * placeholder.
 */
export const isWithin = (
  column: string,
  { from, to }: Period,
  param: (value: unknown, type: string) => string,
): readonly string[] => [
  ...(from === null ? [] : [`${column} >= ${param(from, 'timestamptz')}`]),
  ...(to === null ? [] : [`${column} < ${param(to, 'timestamptz')}`]),
]
