/** An answer and the moment it becomes too old to be given again, by `Clock`. */
export interface Lasting<T> {
  readonly value: T
  readonly until: number
}

/**
 * Gives the last answer again until it is too old; calls at once share one question. A failed question is not remembered.
 *
 * A clock that is set back makes an answer old, so none lasts longer than it was meant to.
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
