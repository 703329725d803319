/** Returns a function that says true at most once in this time. */
export function everySoOften(ms: number, clock: { readonly now: () => Date }): () => boolean {
  let last = 0
  return () => {
    const now = clock.now().getTime()
    // If the clock is set back, it is due.
    if (now >= last && now - last < ms) return false
    last = now
    return true
  }
}
