/** Many at once, each beginning again as soon as it is done, until the time is up. */
export interface Crowd {
  readonly perSecond: number
  /** How long each took. */
  readonly ms: readonly number[]
  /** How many came to nothing: they took their time and count for nothing else. */
  readonly failures: number
}

/** @param once ends with false when there is nothing left to do. */
export async function rush(
  atOnce: number,
  forMs: number,
  once: () => Promise<boolean>,
): Promise<Crowd> {
  const ms: number[] = []
  let failures = 0
  const fail = (error: unknown) => {
    failures += 1
    // A machine that stops for a moment, as they do, stops everybody of that moment, and no more.
    if (failures > 2 * atOnce) throw error
    return 'failed' as const
  }
  const work = async () => {
    const begun = performance.now()
    let [count, now] = [0, begun]
    while (now - begun < forMs) {
      const outcome = await once().catch(fail)
      if (outcome === false) break
      const end = performance.now()
      if (outcome === true) {
        ms.push(end - now)
        count += 1
      }
      now = end
    }
    // Each by its own time: what is under way when the time is up is waited for, and counts with the time it took.
    return count === 0 ? 0 : count / ((now - begun) / 1_000)
  }
  const rates = await Promise.all(Array.from({ length: atOnce }, work))
  return { perSecond: rates.reduce((sum, rate) => sum + rate, 0), ms, failures }
}
