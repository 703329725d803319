/**
 * The parts in the order of their tables. A further one is a file that exports a `Part`, and a line here.
 *
 * Each is loaded only where it runs: one must not be measured among the modules of another.
 */
import type { Part } from './part.ts'

export const parts: Readonly<Record<string, () => Promise<Part>>> = {
  hops: async () => (await import('./hops.ts')).hops,
  'cold-start': async () => (await import('./cold-start.ts')).coldStart,
  messages: async () => (await import('./messages.ts')).messages,
  load: async () => (await import('./load.ts')).load,
  growth: async () => (await import('./growth.ts')).growth,
  memory: async () => (await import('./memory.ts')).memory,
  bill: async () => (await import('./bill.ts')).bill,
}
