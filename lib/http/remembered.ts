/** An answer, and the time at which it expires, in epoch milliseconds. */
export interface Remembered<T> {
  readonly value: T
  readonly until: number
}

/**
 * Returns the last answer until it expires. Concurrent calls share one `ask`. A failure is not
 * remembered.
 *
 * If the clock is set back, the answer expires immediately, so it never lives longer than intended.
 */
export function createMemory<T>(
  now: () => Date,
): (ask: () => Promise<Remembered<T>>) => Promise<T> {
  let last: (Remembered<T> & { readonly since: number }) | undefined
  let asking: Promise<T> | undefined
  return (ask) => {
    const at = now().getTime()
    if (last !== undefined && last.since <= at && at < last.until)
      return Promise.resolve(last.value)
    asking ??= ask()
      .then((answer) => {
        last = { ...answer, since: at }
        return answer.value
      })
      .finally(() => (asking = undefined))
    return asking
  }
}
