/** A failure the person at the keyboard can mend: its message is one plain sentence, shown without a stack trace. */
export class PlainError extends Error {
  override readonly name = 'PlainError'
}

/** What to print for a failure. Of anything unexpected only the stack: other properties may hold what must not be shown. */
export function explain(error: unknown): string {
  if (error instanceof PlainError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : 'An unknown failure.'
}
