/**
 * The round trips of each step, over real TLS connections at two distances. The difference of the
 * two medians, divided by the difference of the distances, is how many round trips a step takes:
 * computing takes the same time at both.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from './child.ts'
import { distantSteps } from './distant-steps.ts'
import { openDistantServers, type Server } from './distant-servers.ts'
import { median } from './measure.ts'
import type { Part } from './part.ts'
import { toTable, type Situation } from './round-trips-table.ts'

const [NEAR_MS, FAR_MS] = [20, 60]
const [ROUNDS, QUICK_ROUNDS] = [5, 1]

/** The peers close when the freeze begins, so a longer one changes nothing. */
const FREEZE_MS = 10_000

/** Work after an answer has ended by then. */
const SETTLE_MS = 400

/** A process that does one step only. */
interface Process {
  readonly server: Server
  readonly step: (typeof distantSteps)[number]
  readonly ms: number
  readonly child: Child
  readonly url: string
}

/** Milliseconds of each success. */
type Times = Map<string, number[]>
const keyOf = (server: Server, step: string, situation: Situation, ms: number): string =>
  [server.name, step, situation, ms].join()

export const measure: Part = async (bench) => {
  const { servers, closeConnections } = await openDistantServers([NEAR_MS, FAR_MS], bench, false)
  const times: Times = new Map()
  const failed = new Map<string, number>()

  /** Failures are counted and not timed: a step that answers 503 has not done its work. */
  async function time(
    { server, step, ms, url }: Process,
    situation: Situation,
    begin: () => Promise<number> = async () => performance.now(),
  ): Promise<void> {
    const go = await step.prepare(server.near)
    const going = go(url).then(() => performance.now())
    const begun = await begin()
    try {
      const key = keyOf(server, step.name, situation, ms)
      times.set(key, [...(times.get(key) ?? []), (await going) - begun])
    } catch {
      const key = `${server.name}, ${situation}`
      failed.set(key, (failed.get(key) ?? 0) + 1)
    }
  }

  const rounds = bench.isQuick ? QUICK_ROUNDS : ROUNDS
  for (let round = 1; round <= rounds; round += 1) {
    const report = (text: string) => bench.progress(`round ${round} of ${rounds}, ${text}`)
    const processes: Process[] = []
    for (const server of servers)
      for (const step of distantSteps)
        for (const ms of [NEAR_MS, FAR_MS]) {
          report(`${server.name}, ${step.name}`)
          const begun = performance.now()
          const started = await server.start(ms)
          const one = { server, step, ms, ...started }
          processes.push(one)
          await time(one, 'cold', async () => (server.connectsAtStart ? begun : performance.now()))
          await sleep(SETTLE_MS)
          await time(one, 'warm')
        }
    for (const [situation, quietMs] of [
      ['after 7 s', 7_000],
      ['after 60 s', 60_000],
    ] as const) {
      report(situation)
      await sleep(bench.isQuick ? 0 : quietMs)
      for (const one of processes) await time(one, situation)
    }
    report('after a freeze')
    for (const { child } of processes) child.signal('SIGSTOP')
    await closeConnections()
    await sleep(bench.isQuick ? 0 : FREEZE_MS)
    for (const one of processes)
      await time(one, 'after a freeze', async () => {
        // As at Vercel, it is the request that ends the freeze.
        await sleep(5)
        one.child.signal('SIGCONT')
        return performance.now()
      })
    await Promise.all(processes.map(({ child }) => child.stop()))
  }

  return toTable(
    servers.map(({ name }) => name),
    (server, step, situation) => {
      const at = (ms: number) => median(times.get([server, step, situation, ms].join()) ?? [])
      return (at(FAR_MS) - at(NEAR_MS)) / (FAR_MS - NEAR_MS)
    },
    failed,
  )
}
