/** The arithmetic and the output of the benchmarks. These tests time nothing. */
import { expect, test } from 'vitest'
import { median, quantile, takeTurns } from '../../dev/bench/measure.ts'
import { createScale, draw } from '../../dev/bench/picture.ts'
import { toMarkdown, type Plot } from '../../dev/bench/table.ts'

test('the median is the middle value, or the mean of the two middle values', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([7])]).toEqual([2, 2.5, 7])
})

test('a quantile lies between two values in proportion', () => {
  expect([
    quantile([10, 20, 30, 40, 50], 0.95),
    quantile([10, 20], 0),
    quantile([10, 20], 1),
  ]).toEqual([48, 10, 20])
})

test('compared variants take turns, and each round begins with another one', async () => {
  const order: string[] = []
  const measured = await takeTurns(['a', 'b', 'c'], 3, (name, round) => {
    order.push(name)
    return `${name}${round}`
  })
  expect(order.join('')).toBe('abcbcacab')
  expect(measured('b')).toEqual(['b0', 'b1', 'b2'])
})

test('a linear axis goes from zero to the next round number', () => {
  const { ticks, place } = createScale('linear', [0.4, 3.4])
  expect(ticks).toEqual([0, 1, 2, 3, 4])
  expect(place(2)).toBe(0.5)
})

test('a logarithmic axis begins and ends at round numbers, and a long one shows only powers of ten', () => {
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

test('a chart has a legend, and escapes its title', () => {
  const picture = draw([plot, plot])
  expect(picture).toContain('Waits &amp; &quot;times&quot; &lt;now&gt;')
  expect(picture.match(/<title>query, measured: 1.25<\/title>/g)).toHaveLength(2)
  expect(picture).not.toMatch(/NaN|undefined|Infinity/)
})

test('a table is Markdown that is also readable in a terminal', () => {
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
