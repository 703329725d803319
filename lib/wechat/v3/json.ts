import { err, ok, type Result } from '../../core/result.ts'

/** Reads JSON from verified bytes. It must be valid UTF-8. */
export function readJson(bytes: Uint8Array): Result<unknown, 'encoding' | 'syntax'> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return err('encoding')
  }
  try {
    return ok(JSON.parse(text))
  } catch {
    return err('syntax')
  }
}
