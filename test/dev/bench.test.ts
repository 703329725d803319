/** What the benchmark computes with, and what it shows. That it measures is not tested: nothing is timed here. */
import { expect, test } from 'vitest'
import { draw } from '../../dev/bench/picture.ts'
import { median, quantile, takeTurns } from '../../dev/bench/rounds.ts'
import { createScale } from '../../dev/bench/scale.ts'
import { toMarkdown, type Plot } from '../../dev/bench/table.ts'

test('the median is the middle one, or lies between the two in the middle', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([7])]).toEqual([2, 2.5, 7])
})

test('a quantile lies between two values in proportion', () => {
  expect([
    quantile([10, 20, 30, 40, 50], 0.95),
    quantile([10, 20], 0),
    quantile([10, 20], 1),
  ]).toEqual([48, 10, 20])
})

test('what is compared takes turns, each round beginning with another one', async () => {
  const order: string[] = []
  const measured = await takeTurns(['a', 'b', 'c'], 3, (name, round) => {
    order.push(name)
    return `${name}${round}`
  })
  expect(order.join('')).toBe('abcbcacab')
  expect(measured('b')).toEqual(['b0', 'b1', 'b2'])
})

test('a linear axis goes from nought to the next round number', () => {
  const { ticks, place } = createScale('linear', [0.4, 3.4])
  expect(ticks).toEqual([0, 1, 2, 3, 4])
  expect(place(2)).toBe(0.5)
})

test('an axis of logarithms goes from round number to round number, and over many powers of ten shows only these', () => {
  expect(createScale('log', [12, 90]).ticks).toEqual([10, 20, 50, 100])
  expect(createScale('log', [1, 1_000_000]).ticks).toEqual([
    1, 10, 100, 1_000, 10_000, 100_000, 1_000_000,
  ])
  expect(createScale('log', [12, 90]).place(10 * Math.sqrt(10))).toBeCloseTo(0.5)
})

const plot: Plot = {
  title: 'Waits & "times" <now>',
  unit: 'ms',
  scale: 'linear',
  series: ['measured', 'budget'],
  limit: 'budget',
  rows: [
    {
      label: 'query',
      marks: [
        { series: 'measured', value: 1.25 },
        { series: 'budget', value: 1 },
      ],
    },
  ],
}

test('a picture says what its marks are, and no title breaks it', () => {
  const picture = draw([plot, plot])
  expect(picture).toContain('Waits &amp; &quot;times&quot; &lt;now&gt;')
  expect(picture.match(/<title>query, measured: 1.25<\/title>/g)).toHaveLength(2)
  expect(picture).not.toMatch(/NaN|undefined|Infinity/)
})

test('a table is Markdown that a terminal shows as well', () => {
  const table = {
    title: '',
    about: '',
    columns: ['step', 'hops'],
    rows: [['query, open', '3']],
    notes: [],
    plot: null,
    missed: [],
  }
  expect(toMarkdown(table)).toBe(
    '| step        | hops |\n| ----------- | ---: |\n| query, open |    3 |',
  )
})
