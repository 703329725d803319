/** Reads a pushed message. A setting in the console decides whether it is XML or JSON. */
import * as v from 'valibot'
import type { MessageCheck } from '../../core/failure.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { findRepeatedKey } from '../../validation/repeated-key.ts'
import { readXml } from '../xml.ts'

/** The fields by WeChat's names. A number becomes its decimal text. */
export type PushFields = ReadonlyMap<string, string>

const MAX_BYTES = 64 * 1024
const TAG_START = '<'.charCodeAt(0)

const fields = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown()))

/** The text and number fields of a message. */
export async function readFields(bytes: Uint8Array): Promise<Result<PushFields, MessageCheck>> {
  if (bytes[0] === TAG_START) return readXml(bytes)
  if (bytes.byteLength > MAX_BYTES) return err('size')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return err('encoding')
  }
  const read = v.safeParse(fields, text)
  if (!read.success || findRepeatedKey(text) !== null) return err('syntax')
  return ok(
    new Map(
      Object.entries(read.output).flatMap(([name, value]) => {
        const scalar = toText(value)
        return scalar === null ? [] : [[name, scalar] as const]
      }),
    ),
  )
}

/** Null for anything but text and whole numbers. JSON.parse rounds larger numbers. */
function toText(value: unknown): string | null {
  if (typeof value === 'string') return value
  return Number.isSafeInteger(value) ? String(value) : null
}
