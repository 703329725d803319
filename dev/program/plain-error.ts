/**
 * An error that the user can fix. Its message is one plain sentence, shown without a stack trace.
 */
export class PlainError extends Error {
  override readonly name = 'PlainError'
}

/**
 * Returns the text to print for an error. An unexpected error is printed as its stack only, because
 * other properties may hold secrets.
 */
export function explain(error: unknown): string {
  if (error instanceof PlainError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : 'An unknown failure.'
}
