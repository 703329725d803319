/** Rounds: machines have moods, so what is compared takes turns, and of what each came to the median counts. */

/** Measures each of the names once a round, every round beginning with another one; gives what each came to, oldest first. */
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

/** The value below which this share of the numbers lies, between two of them in proportion. NaN without any. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const [below, above] = [sorted[Math.floor(place)] ?? NaN, sorted[Math.ceil(place)] ?? NaN]
  return below + (above - below) * (place - Math.floor(place))
}
