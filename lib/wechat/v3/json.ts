import { isUtf8 } from 'node:buffer'
import { err, ok, type Result } from '../../core/result.ts'

/** Reads JSON from verified bytes. It must be valid UTF-8. */
export function readJson(bytes: Uint8Array): Result<unknown, 'encoding' | 'syntax'> {
  if (!isUtf8(bytes)) return err('encoding')
  const { buffer, byteOffset, byteLength } = bytes
  try {
    return ok(JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString('utf8')))
  } catch {
    return err('syntax')
  }
}
