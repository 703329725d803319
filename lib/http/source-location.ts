/**
 * Finds where an error was thrown, such as `settle.ts:33`. The log shows this instead of the
 * message, which could quote a secret.
 *
 * A function is deployed as one file with a source map of our own code. The result is the first
 * location in our own code, or the first of all if none is known.
 */
import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'

export function sourceLocation(error: Error): string | undefined {
  // The message is skipped, because it may look like a location.
  const lines = (error.stack ?? '').slice(error.message.length).split('\n')
  const frames = lines.map((line) => FRAME.exec(line)).filter((frame) => frame !== null)
  for (const [, file = '', line = '', column = ''] of frames) {
    const location = file.endsWith('.ts')
      ? `${basename(file)}:${line}`
      : readOrigin(file, Number(line), Number(column))
    if (location !== undefined) return location
  }
  return frames.map(([, file = '', line = '']) => `${basename(file)}:${line}`)[0]
}

const FRAME = /^ +at .*?((?:file:\/\/|[A-Za-z]:|\/)[^\s()]+\.[cm]?[jt]s):(\d+):(\d+)\)?$/

const mapSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ sources: v.array(v.string()), names: v.array(v.string()), mappings: v.string() }),
)

function readOrigin(file: string, line: number, column: number): string | undefined {
  try {
    const map = v.parse(
      mapSchema,
      readFileSync(`${file.startsWith('file:') ? fileURLToPath(file) : file}.map`, 'utf8'),
    )
    const origin = new SourceMap({
      ...map,
      file: '',
      version: 3,
      sourcesContent: [],
      sourceRoot: '',
    }).findOrigin(line, column)
    return 'fileName' in origin ? `${basename(origin.fileName)}:${origin.lineNumber}` : undefined
  } catch {
    return undefined
  }
}
