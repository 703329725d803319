/** Keeps the simulator's state in a file across restarts. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import * as v from 'valibot'
import { stateSchema, type State } from './state.ts'

const EMPTY = { version: 1, logins: [], orders: [], notifications: [] } as const

/** @throws Error if the file cannot be read as a state. A missing file gives an empty state. */
export function loadState(file: string | undefined): State {
  if (file === undefined || !existsSync(file)) return v.parse(stateSchema, EMPTY)
  const parsed = v.safeParse(stateSchema, parseJson(readFileSync(file, 'utf8')))
  if (parsed.success) return parsed.output
  throw new Error(
    `The WeChat simulator cannot read its state in ${file}: it is damaged or of another version. Move it away to start empty.`,
  )
}

/** Writes a temporary file and renames it, so that a crash leaves the old state or the new one. */
export function saveState(file: string, state: State): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.tmp`, JSON.stringify(state))
  renameSync(`${file}.tmp`, file)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
