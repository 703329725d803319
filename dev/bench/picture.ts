/** The plots of all tables in one SVG, a panel each, for light and dark pages. */
import type { Plot } from './table.ts'

const WIDTH = 900
const LABELS = 290
const RIGHT = 30
const LINE = 24
/** Title and legend above the lines of a panel, and the axis below them. */
const HEAD = 58
const FOOT = 44

/** Told apart without colours as well. Half a mark's size is five. */
const shapes: readonly string[] = [
  'M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0',
  'M-5-5H5V5H-5Z',
  'M0-6L6 0L0 6L-6 0Z',
  'M0-6L6 5H-6Z',
  'M0 6L6-5H-6Z',
]
const STROKE = 'M-1.5-9H1.5V9H-1.5Z'

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px }
  .small { font-size: 12px; fill: #57606a }
  .page { fill: #ffffff }
  .grid { stroke: #d0d7de }
  .s0 { fill: #0969da } .s1 { fill: #bc4c00 } .s2 { fill: #8250df } .s3 { fill: #1a7f37 } .s4 { fill: #9a6700 } .limit { fill: #57606a }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .page { fill: #0d1117 }
    .grid { stroke: #3d444d }
    .s0 { fill: #58a6ff } .s1 { fill: #f0883e } .s2 { fill: #bc8cff } .s3 { fill: #3fb950 } .s4 { fill: #d29922 } .limit { fill: #9198a1 }
  }`

export function draw(plots: readonly Plot[]): string {
  let y = 10
  const panels = plots.map((plot) => {
    const panel = `<g transform="translate(0 ${y})">${drawPanel(plot)}</g>`
    y += HEAD + plot.rows.length * LINE + FOOT
    return panel
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-label="${escape(plots.map(({ title }) => title).join('; '))}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" width="${WIDTH}" height="${y}"/>`,
    ...panels,
    '</svg>\n',
  ].join('\n')
}

function drawPanel(plot: Plot): string {
  const scale = createScale(
    plot.scale,
    plot.rows.flatMap(({ marks }) => marks.map(({ value }) => value)),
  )
  const toX = (value: number) => (LABELS + scale.place(value) * (WIDTH - LABELS - RIGHT)).toFixed(1)
  const bottom = HEAD + plot.rows.length * LINE
  return [
    text(16, 22, plot.title, 'title'),
    ...drawLegend(plot),
    ...drawAxis(scale, toX, bottom),
    text(LABELS, bottom + 34, plot.unit, 'small'),
    ...plot.rows.flatMap(({ label, marks }, at) => {
      const y = HEAD + (at + 0.5) * LINE
      // Ours last, so that nothing hides it.
      const drawn = marks
        .toReversed()
        .map(({ series, value }) =>
          drawMark(plot, series, toX(value), y, `${label}, ${series}: ${round(value)}`),
        )
      return [
        `<path class="grid" d="M${LABELS} ${y}H${WIDTH - RIGHT}"/>`,
        text(LABELS - 12, y + 4, label, '', 'end'),
        ...drawn,
      ]
    }),
  ].join('\n')
}

function drawLegend(plot: Plot): string[] {
  let x = LABELS
  return plot.series.flatMap((series) => {
    const here = x
    x += 28 + series.length * 7
    return [
      drawMark(plot, series, String(here + 6), 42, series),
      text(here + 17, 46, series, 'small'),
    ]
  })
}

function drawAxis({ ticks }: Scale, toX: (value: number) => string, bottom: number): string[] {
  return ticks.flatMap((tick) => [
    `<path class="grid" d="M${toX(tick)} ${HEAD}V${bottom}"/>`,
    text(Number(toX(tick)), bottom + 16, round(tick), 'small', 'middle'),
  ])
}

function drawMark(
  { series, limit }: Plot,
  name: string,
  x: string,
  y: number,
  says: string,
): string {
  const at = series.filter((one) => one !== limit).indexOf(name)
  const [shape, style] = name === limit ? [STROKE, 'limit'] : [shapes[at] ?? '', `s${at}`]
  return `<path class="${style}" transform="translate(${x} ${y})" d="${shape}"><title>${escape(says)}</title></path>`
}

const text = (x: number, y: number, words: string, style: string, anchor = 'start'): string =>
  `<text x="${x}" y="${y}"${style === '' ? '' : ` class="${style}"`}${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}>${escape(words)}</text>`

const escape = (words: string): string =>
  words
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')

/** 12000 as 12k: an axis has little room. */
function round(value: number): string {
  const [size, letter] = value >= 1e6 ? [1e6, 'M'] : value >= 1e4 ? [1e3, 'k'] : [1, '']
  return `${Number((value / size).toPrecision(3))}${letter}`
}

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
  const candidates = Array.from({ length: 40 }, (_, at) =>
    [1, 2, 5].map((digit) => digit * 10 ** (at - 20)),
  ).flat()
  const first = candidates.findLastIndex((one) => one <= least * (1 + 1e-9))
  const last = Math.max(
    first + 1,
    candidates.findIndex((one) => one >= most * (1 - 1e-9)),
  )
  const [begin, end] = [candidates[first] ?? least, candidates[last] ?? most]
  const ticks = candidates.slice(first, last + 1)
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
