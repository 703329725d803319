/**
 * Payments per second through the whole flow, notifications per second, how long they take, and what stays while the
 * merchant's webhook hangs: these functions and an Express server that does the same work, on the same PostgreSQL and Redis,
 * with everything 20 ms away and with everything next door. Servers, services and payers are processes of their own.
 */
import { availableParallelism } from 'node:os'
import { openStage } from './load-stage.ts'
import { toTable, type Measured } from './load-table.ts'
import { takeHangingTurn, takeTurn, type Windows } from './load-turn.ts'
import type { Bench, Part } from './part.ts'
import { installPeers } from './peers.ts'
import { takeTurns } from './rounds.ts'

const WINDOWS: Windows = {
  paymentsMs: 2_500,
  aloneMs: 1_000,
  notificationsMs: 2_000,
  againMs: 1_000,
  hangingMs: 12_000,
}
const QUICK: Windows = {
  paymentsMs: 200,
  aloneMs: 100,
  notificationsMs: 200,
  againMs: 100,
  hangingMs: 200,
}

/** One of these is longer than a round of all the rest. */
const HANGING_ROUNDS = 3

const ADDED_MS = [20, 0] as const

export const load: Part = {
  name: 'load',
  async measure(bench) {
    await installPeers(bench.progress)
    const measured: Measured[] = []
    for (const addedMs of ADDED_MS) measured.push(await measureAt(addedMs, bench))
    return toTable(measured, availableParallelism())
  },
}

async function measureAt(
  addedMs: number,
  { isQuick, rounds, progress, cleanups }: Bench,
): Promise<Measured> {
  const windows = isQuick ? QUICK : WINDOWS
  const where = addedMs === 0 ? 'next door' : `${addedMs} ms away`
  progress(`everything ${where}`)
  const stage = await openStage(addedMs, cleanups)
  progress(`${where}, loading`)
  if (!isQuick) for (const name of stage.names) await takeTurn(stage.server(name), windows)
  const turns = await takeTurns(stage.names, rounds, (name, round) => {
    progress(`${where}, round ${round + 1} of ${rounds}, ${name}`)
    return takeTurn(stage.server(name), windows)
  })
  const hangingRounds = isQuick ? 1 : HANGING_ROUNDS
  const hanging = await takeTurns(stage.names, hangingRounds, (name, round) => {
    progress(`${where}, the webhook hangs, round ${round + 1} of ${hangingRounds}, ${name}`)
    return takeHangingTurn(stage, stage.server(name), windows)
  })
  await stage.stop()
  return { addedMs, names: stage.names, turns, hanging }
}
