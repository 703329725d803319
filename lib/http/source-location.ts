/**
 * Where an error was thrown, as `settle.ts:33`: what the log may say of an error whose message
 * could quote anything.
 *
 * A function is deployed as one file, with a map of our own code beside it that is read only here.
 * The place is the first in our own code; where none is known, the first at all.
 */
import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'

export function placeOf(error: Error): string | undefined {
  // Without the message, which may look like a place.
  const lines = (error.stack ?? '').slice(error.message.length).split('\n')
  const frames = lines.map((line) => FRAME.exec(line)).filter((frame) => frame !== null)
  for (const [, file = '', line = '', column = ''] of frames) {
    const place = file.endsWith('.ts')
      ? `${basename(file)}:${line}`
      : readOrigin(file, Number(line), Number(column))
    if (place !== undefined) return place
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
