/** The result of a part: plain data, so that it can be stored and shown again. */
import * as v from 'valibot'

const texts = v.array(v.string())

/** One panel of the picture: a line for each row, with a mark for each series. */
const plotSchema = v.object({
  title: v.string(),
  /** The unit of the axis. */
  unit: v.string(),
  /** Ratios take `log`: twice as good is then as far from the middle as half as good. */
  scale: v.picklist(['linear', 'log']),
  /** The first one is ours. */
  series: texts,
  /** The series that is a limit and no measurement. It is drawn as a stroke. */
  limit: v.nullable(v.string()),
  rows: v.array(
    v.object({
      /** At most forty letters fit. */
      label: v.string(),
      marks: v.array(v.object({ series: v.string(), value: v.number() })),
    }),
  ),
})

export const tableSchema = v.object({
  title: v.string(),
  /** The workload and the meaning of the columns, in Markdown. */
  about: v.string(),
  /** The first column names the rows. */
  columns: texts,
  rows: v.array(texts),
  /** One line each, in Markdown. */
  notes: texts,
  plot: v.nullable(plotSchema),
  /** Each aim that was missed. With one the run fails, and the table is still shown. */
  missed: texts,
})

export type Plot = v.InferOutput<typeof plotSchema>
export type Table = v.InferOutput<typeof tableSchema>

/** Padded Markdown, which is readable in a terminal too. */
export function toMarkdown({ columns, rows }: Pick<Table, 'columns' | 'rows'>): string {
  const widths = columns.map((_, at) =>
    Math.max(3, ...[columns, ...rows].map((row) => row[at]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const toLine = (row: readonly string[]) =>
    line(
      widths.map((width, at) =>
        at === 0 ? (row[at] ?? '').padEnd(width) : (row[at] ?? '').padStart(width),
      ),
    )
  const rule = line(
    widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)),
  )
  return [toLine(columns), rule, ...rows.map(toLine)].join('\n')
}

export const count = (number: number): string => number.toLocaleString('en')
