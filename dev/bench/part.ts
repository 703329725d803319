/** What `npm run bench` consists of: each part measures one thing, in a process of its own, and leaves one table. */
import type { Cleanups } from '../world/cleanups.ts'
import type { Table } from './table.ts'

export interface Part {
  /** As `--only` names it. */
  readonly name: string
  readonly measure: (bench: Bench) => Promise<Table>
}

export interface Bench {
  /** So little that it only shows that everything works: such figures are good for nothing else. */
  readonly isQuick: boolean
  /** How often everything is measured; of that the median counts. */
  readonly rounds: number
  /** What is being done, for whoever waits. */
  readonly progress: (text: string) => void
  /** What has to be undone in any case, also when the run is broken off. */
  readonly cleanups: Cleanups
}
