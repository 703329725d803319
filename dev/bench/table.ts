/** What a part of the benchmark leaves behind: plain data, so that it can be kept and shown again. */
import * as v from 'valibot'

const cells = v.array(v.string())

/** One panel of the picture: a line for each row, and on it a mark for each series. */
const plotSchema = v.object({
  title: v.string(),
  /** What the axis counts. */
  unit: v.string(),
  /** A ratio wants a logarithm: twice as good is then as far from the middle as half as good. */
  scale: v.picklist(['linear', 'log']),
  /** As the legend lists them; the first is what is measured, the others are what it is compared with. */
  series: v.array(v.string()),
  /** The series that is no measurement but where the others should not, or cannot, go: drawn as a stroke. */
  limit: v.nullable(v.string()),
  /** A label has room for some forty letters. */
  rows: v.array(
    v.object({
      label: v.string(),
      marks: v.array(v.object({ series: v.string(), value: v.number() })),
    }),
  ),
})

export const tableSchema = v.object({
  title: v.string(),
  /** What was done and what the columns mean, in Markdown. */
  about: v.string(),
  /** The first one names the rows, the others hold figures. */
  columns: cells,
  rows: v.array(cells),
  /** What else is worth knowing, a line each, in Markdown. */
  notes: cells,
  plot: v.nullable(plotSchema),
  /** Each aim that was missed, in words. With one the run fails; the table is shown all the same. */
  missed: cells,
})

export type Plot = v.InferOutput<typeof plotSchema>
export type Table = v.InferOutput<typeof tableSchema>

/** Rows and columns in Markdown, padded so that a terminal shows them as well. */
export function toMarkdown({ columns, rows }: Table): string {
  const all = [columns, ...rows]
  const widths = columns.map((_, at) => Math.max(3, ...all.map((row) => (row[at] ?? '').length)))
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, at) => (at === 0 ? (row[at] ?? '').padEnd(width) : (row[at] ?? '').padStart(width))).join(' | ')} |`
  const rule = `| ${widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(columns), rule, ...rows.map(line)].join('\n')
}
