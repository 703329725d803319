/**
 * Measures in rounds. Candidates take turns, because the speed of a machine changes, and the median
 * of the rounds counts.
 */

/**
 * Measures each candidate once a round. Every round begins with another candidate. Returns the
 * results of a candidate, oldest first.
 */
export async function takeTurns<C, T>(
  candidates: readonly C[],
  rounds: number,
  measure: (candidate: C, round: number) => Promise<T> | T,
): Promise<(candidate: C) => readonly T[]> {
  const measured = new Map<C, T[]>(candidates.map((candidate) => [candidate, []]))
  for (let round = 0; round < rounds; round += 1) {
    const first = round % candidates.length
    for (const candidate of [...candidates.slice(first), ...candidates.slice(0, first)])
      measured.get(candidate)?.push(await measure(candidate, round))
  }
  return (candidate) => measured.get(candidate) ?? []
}

export const median = (numbers: readonly number[]): number => quantile(numbers, 0.5)

/**
 * The value below which this share of the numbers lies, interpolated between two of them. NaN
 * without numbers.
 */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const [below, above] = [sorted[Math.floor(at)] ?? NaN, sorted[Math.ceil(at)] ?? NaN]
  return below + (above - below) * (at - Math.floor(at))
}

/**
 * The CPU time of one call in microseconds: the average of as many calls as fill the time, after as
 * many to warm up. Only the time of this thread counts.
 */
export async function timeOne(work: () => unknown, batchMs: number): Promise<number> {
  let calls = 1
  for (let ms = 0; ms < batchMs;) {
    calls = Math.ceil(ms > 0 ? Math.min(calls * 10, (calls * batchMs * 1.2) / ms) : calls * 10)
    ms = await timeCalls(work, calls)
  }
  return ((await timeCalls(work, calls)) / calls) * 1_000
}

/** Awaits promises only: awaiting any other value would take longer than some calls do. */
async function timeCalls(work: () => unknown, calls: number): Promise<number> {
  const before = process.threadCpuUsage()
  for (let call = 0; call < calls; call += 1) {
    const result = work()
    if (result instanceof Promise) await result
  }
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}

export interface Crowd {
  readonly perSecond: number
  /** The latency of each success. */
  readonly ms: readonly number[]
  /** They take their time, and are in no other figure. */
  readonly failures: number
}

/**
 * Runs `once` in so many loops until the time is up, or until it returns false because no work is
 * left.
 */
export async function rush(
  loops: number,
  forMs: number,
  once: () => Promise<boolean>,
): Promise<Crowd> {
  const ms: number[] = []
  let failures = 0
  const fail = (error: unknown) => {
    failures += 1
    // A machine that pauses for a moment fails every request of that moment, and no more.
    if (failures > 2 * loops) throw error
    return 'failed' as const
  }
  const loop = async () => {
    const begun = performance.now()
    let [successes, now] = [0, begun]
    while (now - begun < forMs) {
      const outcome = await once().catch(fail)
      if (outcome === false) break
      const end = performance.now()
      if (outcome === true) {
        ms.push(end - now)
        successes += 1
      }
      now = end
    }
    // By the time of this loop, because the last one ends after the window.
    return successes === 0 ? 0 : successes / ((now - begun) / 1_000)
  }
  const rates = await Promise.all(Array.from({ length: loops }, loop))
  return { perSecond: rates.reduce((sum, rate) => sum + rate, 0), ms, failures }
}
