/** An axis: where a value goes between 0 and 1, and which round numbers stand below it. */
export interface Scale {
  readonly place: (value: number) => number
  readonly ticks: readonly number[]
}

/** More numbers than this would stand in each other's way. */
const MOST_TICKS = 10

/** A linear one begins at nought, one of logarithms at the round number below the least value. */
export function createScale(kind: 'linear' | 'log', values: readonly number[]): Scale {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  if (kind === 'linear') {
    const step = roundStep((most || 1) / 5)
    const ticks = Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, at) => at * step)
    const end = ticks.at(-1) || step
    return { place: (value) => value / end, ticks }
  }
  const round = Array.from({ length: 40 }, (_, at) =>
    [1, 2, 5].map((digit) => digit * 10 ** (at - 20)),
  ).flat()
  const first = round.findLastIndex((one) => one <= least * (1 + 1e-9))
  const last = Math.max(
    first + 1,
    round.findIndex((one) => one >= most * (1 - 1e-9)),
  )
  const [begin, end] = [round[first] ?? least, round[last] ?? most]
  const ticks = round.slice(first, last + 1)
  const powers = ticks.filter((_, at) => (first + at) % 3 === 0)
  return {
    place: (value) => Math.log(value / begin) / Math.log(end / begin),
    ticks: ticks.length > MOST_TICKS ? powers : ticks,
  }
}

/** The least of 1, 2, 5 times a power of ten that is not below. */
function roundStep(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size))
  return power * ([1, 2, 5].find((digit) => digit * power >= size * (1 - 1e-9)) ?? 10)
}
