/**
 * Times the same work of several libraries, and compares this project with each of them.
 *
 * The bare cryptography, over a prepared text, is the lower limit of every candidate.
 */
import { median, takeTurns, timeOne } from './measure.ts'
import type { Bench } from './part.ts'
import type { Table } from './table.ts'

const [BATCH_MS, QUICK_BATCH_MS] = [200, 40]

export interface Task {
  readonly label: string
  /** Ours first, the limit last. */
  readonly works: readonly { readonly name: string; readonly work: () => unknown }[]
  /** The least ratio of our speed to the limit. Default: none. */
  readonly leastOfLimit?: number
}

export interface Row extends Pick<Task, 'label' | 'leastOfLimit'> {
  readonly speeds: readonly { readonly name: string; readonly perSecond: number }[]
}

export async function timeTasks(
  tasks: readonly Task[],
  { isQuick, rounds, progress }: Pick<Bench, 'isQuick' | 'rounds' | 'progress'>,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const { works, ...task } of tasks) {
    const microseconds = await takeTurns(works, rounds, ({ work }, round) => {
      progress(`${task.label}, round ${round + 1} of ${rounds}`)
      return timeOne(work, isQuick ? QUICK_BATCH_MS : BATCH_MS)
    })
    const speeds = works.map((one) => ({
      name: one.name,
      perSecond: 1e6 / median(microseconds(one)),
    }))
    rows.push({ ...task, speeds })
  }
  return rows
}

/** @param limit the name of the last candidate of each row */
export function toContestTable(
  {
    title,
    about,
    notes,
    limit,
  }: Pick<Table, 'title' | 'about' | 'notes'> & { readonly limit: string },
  rows: readonly Row[],
): Table {
  const names = rows[0]?.speeds.map(({ name }) => name) ?? []
  const compared = rows.map(({ speeds: [ours, ...others], ...row }) => ({
    ...row,
    ours: ours?.perSecond ?? NaN,
    others: others.map((other) => ({
      ...other,
      times: (ours?.perSecond ?? NaN) / other.perSecond,
    })),
  }))
  return {
    title,
    about,
    columns: ['', ...names],
    rows: compared.map(({ label, ours, others }) => [
      label,
      thousands(ours),
      ...others.map(({ perSecond, times }) => `${thousands(perSecond)} (${times.toFixed(2)})`),
    ]),
    notes,
    plot: {
      title: `${title}: per second on one core`,
      unit: 'messages per second, logarithmic',
      scale: 'log',
      series: names,
      limit,
      rows: rows.map(({ label, speeds }) => ({
        label,
        marks: speeds.map(({ name, perSecond }) => ({ series: name, value: perSecond })),
      })),
    },
    missed: compared.flatMap(({ label, others, leastOfLimit = 0 }) =>
      others
        .filter(({ name, times }) => !(name === limit ? times >= leastOfLimit : times > 1))
        .map(({ name, times }) =>
          name === limit
            ? `${label}: ${times.toFixed(2)} of ${limit}, and the aim is ${leastOfLimit}`
            : `${label}: ${name} is ahead (${times.toFixed(2)})`,
        ),
    ),
  }
}

const thousands = (perSecond: number): string => `${(perSecond / 1_000).toFixed(1)}k`
