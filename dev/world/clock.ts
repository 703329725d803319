/**
 * The clock of the local world, which can be moved ahead.
 *
 * It replaces `Date` in this process, and so moves everything that runs here: the functions, the
 * simulator, the embedded PostgreSQL and the embedded Redis. An external service would not follow,
 * so the clock cannot be moved if one is in use.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import * as v from 'valibot'
import { Conflict } from '../wechat/control-route.ts'
import { PlainError } from '../program/plain-error.ts'

export interface WorldClock {
  /** The offset to the clock of this machine. */
  readonly aheadMs: number
  /**
   * The variables that name services whose clocks cannot be moved; empty if the clock can be moved.
   */
  readonly fixedBy: readonly string[]
  /**
   * @throws Conflict beside a service whose clock cannot be moved, TypeError for a move that is not
   *   ahead
   */
  advance(ms: number): void
  /** Restores the original `Date` of the process. */
  stop(): void
}

export interface WorldClockOptions {
  /** Stores the clock across restarts, because the data of a moved world belongs to its time. */
  readonly file?: string | undefined
  /** The shift if the file is missing: that of the simulator's own clock, from earlier versions. */
  readonly earlierMs: number
  /** The variables that name services whose clocks cannot be moved. */
  readonly fixedBy: readonly string[]
  /** Called after each move. */
  readonly onMove?: (() => void) | undefined
}

/** Longer than every period of the protocol, and within the range of `Date`. */
const FURTHEST_MS = 10 * 366 * 86_400_000

const kept = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ aheadMs: v.pipe(v.number(), v.minValue(0), v.maxValue(FURTHEST_MS)) }),
)

/** @throws PlainError if the data is from a moved world and an external service cannot follow */
export function openWorldClock({
  file,
  earlierMs,
  fixedBy,
  onMove,
}: WorldClockOptions): WorldClock {
  let aheadMs = file !== undefined && existsSync(file) ? read(file) : earlierMs
  if (aheadMs > 0 && fixedBy.length > 0)
    throw new PlainError(
      `The clock of the data in .data was moved ahead, and the services of ${fixedBy.join(' and ')} cannot follow. Remove ${fixedBy.join(' and ')}, or start empty: npm start -- --fresh`,
    )
  let stop: (() => void) | undefined
  const move = (ms: number): void => {
    aheadMs = ms
    if (aheadMs > 0) stop ??= shiftDate(() => aheadMs)
    if (file !== undefined) save(file, aheadMs)
  }
  if (aheadMs > 0) move(aheadMs)
  return {
    get aheadMs() {
      return aheadMs
    },
    fixedBy,
    advance: (ms) => {
      if (fixedBy.length > 0)
        throw new Conflict(
          `the clock cannot be moved, because the services of ${fixedBy.join(' and ')} cannot follow`,
        )
      if (!(ms >= 0 && aheadMs + ms <= FURTHEST_MS))
        throw new TypeError('the clock moves ahead only, and no further than ten years')
      move(aheadMs + ms)
      onMove?.()
    },
    stop: () => stop?.(),
  }
}

/** Replaces the `Date` of the process. Returns a function that restores it. */
function shiftDate(aheadMs: () => number): () => void {
  const own = globalThis.Date
  const now = () => own.now() + aheadMs()
  const shifted = new Proxy(own, {
    construct: (target, args, newTarget) => {
      const made: unknown = Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget)
      if (!(made instanceof own)) throw new TypeError('this is no Date')
      return made
    },
    apply: () => new own(now()).toString(),
    get: (target, name): unknown => (name === 'now' ? now : Reflect.get(target, name)),
  })
  globalThis.Date = shifted
  return () => {
    if (globalThis.Date === shifted) globalThis.Date = own
  }
}

function read(file: string): number {
  const parsed = v.safeParse(kept, readFileSync(file, 'utf8'))
  if (parsed.success) return parsed.output.aheadMs
  throw new PlainError(
    `The clock kept in ${file} cannot be read. Start empty: npm start -- --fresh`,
  )
}

/** Writes a temporary file and renames it, so that a crash leaves the old or the new clock. */
function save(file: string, aheadMs: number): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.tmp`, JSON.stringify({ aheadMs }))
  renameSync(`${file}.tmp`, file)
}
