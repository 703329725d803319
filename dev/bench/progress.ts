let last = ''

/** A line that is written over for a person, and for a log a line each. The empty text clears it. */
export function showProgress(text: string): void {
  if (text === last) return
  last = text
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\x1b[K`)
  else if (text !== '') process.stderr.write(`${text}\n`)
}
