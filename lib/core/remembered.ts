/** An answer, and when it expires, in milliseconds of `Clock`. */
export interface Lasting<T> {
  readonly value: T
  readonly until: number
}

/**
 * Returns the last answer until it expires. Concurrent calls share one `ask`. A failure is not remembered.
 *
 * A clock that is set back expires the answer, so none lives longer than intended.
 */
export function createMemory<T>(now: () => Date): (ask: () => Promise<Lasting<T>>) => Promise<T> {
  let last: (Lasting<T> & { readonly since: number }) | undefined
  let asking: Promise<T> | undefined
  return (ask) => {
    const at = now().getTime()
    if (last !== undefined && last.since <= at && at < last.until) return Promise.resolve(last.value)
    asking ??= ask()
      .then((answer) => {
        last = { ...answer, since: at }
        return answer.value
      })
      .finally(() => (asking = undefined))
    return asking
  }
}
