import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useTexts } from '../base/language.tsx'
import { readTakings, type Takings } from './answers.ts'
import { toYuan } from './money.ts'
import { useSession } from './session.tsx'
import { Show } from './show.tsx'
import { useAnswer } from './use-answer.ts'

const DAYS = 30
const HEIGHT = 220

const texts = {
  title: ['Takings of the last 30 days', '近 30 天收款'],
  day: ['Day', '日期'],
  payments: ['Payments', '收款'],
  refunds: ['Refunds', '退款'],
  number: ['Number', '笔数'],
  table: ['Show as a table', '以表格查看'],
  sum: ['{payments} received, {refunds} refunded', '收款 {payments}，退款 {refunds}'],
} as const

export function TakingsPlot() {
  const say = useTexts(texts)
  const { client } = useSession()
  const [loaded, reload] = useAnswer('takings', () =>
    client.get('/api/console/takings', { days: DAYS }, readTakings),
  )
  return (
    <section class="card" aria-labelledby="takings">
      <h2 id="takings">{say('title')}</h2>
      <Show loaded={loaded} retry={reload}>
        {({ days }) => (
          <>
            <p class="quiet">
              {say('sum', {
                payments: toYuan(days.reduce((sum, day) => sum + day.payments.totalFee, 0)),
                refunds: toYuan(days.reduce((sum, day) => sum + day.refunds.refundFee, 0)),
              })}
            </p>
            <Plot
              days={days.toReversed()}
              day={say('day')}
              payments={say('payments')}
              refunds={say('refunds')}
            />
            <details>
              <summary>{say('table')}</summary>
              <table class="plain">
                <thead>
                  <tr>
                    <th scope="col">{say('day')}</th>
                    <th scope="col">{say('payments')}</th>
                    <th scope="col">{say('number')}</th>
                    <th scope="col">{say('refunds')}</th>
                    <th scope="col">{say('number')}</th>
                  </tr>
                </thead>
                <tbody>
                  {days.map(({ day, payments, refunds }) => (
                    <tr key={day}>
                      <th scope="row">{day}</th>
                      <td>{toYuan(payments.totalFee)}</td>
                      <td>{payments.count}</td>
                      <td>{toYuan(refunds.refundFee)}</td>
                      <td>{refunds.count}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </details>
          </>
        )}
      </Show>
    </section>
  )
}

interface PlotProps {
  /** Oldest first. */
  readonly days: readonly Takings[]
  /** The labels of the legend. */
  readonly day: string
  readonly payments: string
  readonly refunds: string
}

/** Screen readers skip the plot, because the table below has the same data. */
function Plot({ days, day, payments, refunds }: PlotProps) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const element = place.current
    if (element === null) return undefined
    const dark = matchMedia('(prefers-color-scheme: dark)')
    let plot: uPlot | null = null
    const draw = () => {
      plot?.destroy()
      plot = new uPlot(optionsFor(element, { days, day, payments, refunds }), dataOf(days), element)
    }
    draw()
    const resized = new ResizeObserver(() =>
      plot?.setSize({ width: element.clientWidth, height: HEIGHT }),
    )
    resized.observe(element)
    dark.addEventListener('change', draw)
    return () => {
      resized.disconnect()
      dark.removeEventListener('change', draw)
      plot?.destroy()
    }
  }, [days, day, payments, refunds])
  return <div ref={place} class="plot" aria-hidden="true" />
}

const dataOf = (days: readonly Takings[]): uPlot.AlignedData => [
  days.map((_, index) => index),
  days.map(({ payments }) => payments.totalFee / 100),
  days.map(({ refunds }) => refunds.refundFee / 100),
]

function optionsFor(
  element: HTMLElement,
  { days, day, payments, refunds }: PlotProps,
): uPlot.Options {
  const style = getComputedStyle(element)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const axis = {
    stroke: colour('--quiet'),
    font: `12px ${style.fontFamily}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
  }
  const today = days.at(-1)
  const bars = (size: number) => uPlot.paths.bars?.({ size: [size, 40] })
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { live: true },
    cursor: { drag: { x: false, y: false } },
    scales: { x: { time: false, range: [-0.6, days.length - 0.4] }, y: { range: yRange } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        values: (_, splits) => splits.map((index) => days[index]?.day.slice(5) ?? ''),
        incrs: [1, 2, 5, 7, 10],
        splits: (_plot, _axis, _first, _last, step) => splitsBackFrom(days.length - 1, step),
      },
      { ...axis, size: 64, values: (_, splits) => splits.map((yuan) => `¥${shorten(yuan)}`) },
    ],
    series: [
      { label: day, value: (_, index: number | null) => days.at(index ?? -1)?.day ?? '' },
      seriesOf(payments, colour('--accent'), bars(0.7), today?.payments.totalFee),
      seriesOf(refunds, colour('--bad'), bars(0.35), today?.refunds.refundFee),
    ],
  }
}

/** The legend shows the day under the pointer, otherwise today. */
const seriesOf = (
  label: string,
  fill: string,
  paths: uPlot.Series.PathBuilder | undefined,
  todayFen = 0,
) => ({
  label,
  fill,
  stroke: fill,
  width: 0,
  ...(paths === undefined ? {} : { paths }),
  points: { show: false },
  value: (_: uPlot, yuan: number | null) =>
    toYuan(yuan === null ? todayFen : Math.round(yuan * 100)),
})

/** Every `step`th day before the last one, oldest first. So today always has a label. */
const splitsBackFrom = (last: number, step: number): number[] =>
  Array.from(
    { length: Math.floor(last / step) + 1 },
    (_, index) => last - index * step,
  ).toReversed()

/** The axis starts at zero and has a height without data, too. */
const yRange = (_: uPlot, __: number | null, most: number | null): [number, number] => [
  0,
  Math.max(1, (most ?? 0) * 1.1),
]

const shorten = (yuan: number): string =>
  new Intl.NumberFormat('en-US', { notation: 'compact' }).format(yuan)
