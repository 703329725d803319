import { distantSteps } from './distant-steps.ts'
import type { Table } from './table.ts'

export const situations = ['cold', 'warm', 'after 7 s', 'after 60 s', 'after a freeze'] as const
export type Situation = (typeof situations)[number]

/** Round trips; NaN without a measurement. */
type Measured = (server: string, step: string, situation: Situation) => number

const LIMITS: Readonly<Partial<Record<Situation, 'cold' | 'quiet'>>> = {
  cold: 'cold',
  'after 7 s': 'quiet',
  'after 60 s': 'quiet',
}

/** @param failed how many steps failed, by server and situation */
export function toTable(
  servers: readonly string[],
  measured: Measured,
  failed: ReadonlyMap<string, number>,
): Table {
  const [ours = ''] = servers
  const cell = (...which: Parameters<Measured>) => {
    const trips = measured(...which)
    return Number.isNaN(trips) ? 'failed' : trips.toFixed(1)
  }
  return {
    title: 'Round trips',
    about:
      'Each step over TLS 1.3, through a proxy that delays every byte, with 20 ms and with 60 ms there ' +
      'and back. Connecting takes a round trip, TLS another one, and then each request one. The ' +
      'difference of both medians, divided by 40 ms, is the round trips of the step: computing does ' +
      'not count. A cold process has done nothing before. A warm one has just done the same step. ' +
      'Then it was quiet for 7 s and for 60 s. A frozen one was stopped (SIGSTOP), and its peers ' +
      'closed their connections before the request that ended the freeze. The aims are for this ' +
      'project, cold and after 7 s or 60 s.',
    columns: ['', 'aims', ...situations],
    rows: distantSteps.flatMap(({ name, aims }) =>
      servers.map((server) => [
        `${name}: ${server}`,
        server === ours ? `${aims.cold}, ${aims.quiet}` : '',
        ...situations.map((situation) => cell(server, name, situation)),
      ]),
    ),
    notes: [
      'Every step runs in a process of its own, because each function is one. Express connects to PostgreSQL and Redis before it takes requests, so its start counts as part of its first step.',
      'The distance between the client and the functions is not included. Without `prepay: true`, “order with prepay” is two requests, and the client pays for one more round trip.',
      'The stand-ins keep an idle connection for longer than 60 s, and WeChat Pay closes one after 8 s. So after 60 s of quiet, a step that asks WeChat Pay opens a new connection while it waits for the database. It takes one round trip more than the table shows.',
      ...[...failed].map(([which, times]) => `Failed: ${which}, ${times} times.`),
    ],
    plot: null,
    missed: distantSteps.flatMap(({ name, aims }) =>
      situations.flatMap((situation) => {
        const limit = LIMITS[situation]
        const trips = measured(ours, name, situation)
        if (limit === undefined || trips <= aims[limit]) return []
        return [`${name}, ${situation}: ${trips.toFixed(1)} round trips, aim ${aims[limit]}`]
      }),
    ),
  }
}
