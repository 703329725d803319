/** The common part of `npm run bench`. Each part measures one thing in a process of its own. */
import type { Cleanups } from '../world/cleanups.ts'
import type { Table } from './table.ts'

/** In the order of their tables. */
export const partNames = [
  'hops',
  'round-trips',
  'commands',
  'cold-start',
  'messages',
  'messages-v3',
  'load',
  'growth',
  'memory',
  'bill',
] as const
export type PartName = (typeof partNames)[number]

export type Part = (bench: Bench) => Promise<Table>

export interface Bench {
  /** The least work that shows that everything works. The figures of such a run mean nothing. */
  readonly isQuick: boolean
  /** How often everything is measured. The median counts. */
  readonly rounds: number
  /** Shows what is being done. */
  readonly progress: (text: string) => void
  /** Also run when the user interrupts the benchmark. */
  readonly cleanups: Cleanups
}
