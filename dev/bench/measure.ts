/** Measures in rounds. Candidates take turns, because the speed of a machine changes, and the median of the rounds counts. */

/** Measures each name once a round. Every round begins with another name. Returns the results of a name, oldest first. */
export async function takeTurns<N extends string, T>(
  names: readonly N[],
  rounds: number,
  measure: (name: N, round: number) => Promise<T> | T,
): Promise<(name: N) => readonly T[]> {
  const measured = new Map<N, T[]>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    const first = round % names.length
    for (const name of [...names.slice(first), ...names.slice(0, first)])
      measured.get(name)?.push(await measure(name, round))
  }
  return (name) => measured.get(name) ?? []
}

export const median = (numbers: readonly number[]): number => quantile(numbers, 0.5)

/** The value below which this share of the numbers lies, interpolated between two of them. NaN without numbers. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const [below, above] = [sorted[Math.floor(at)] ?? NaN, sorted[Math.ceil(at)] ?? NaN]
  return below + (above - below) * (at - Math.floor(at))
}

/**
 * The CPU time of one call in microseconds: the average of as many calls as fill the time, after as many to warm up. Only the
 * time of this thread counts.
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
