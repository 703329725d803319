/**
 * Reads a file of variables as editors and shells write it: in UTF-8 or UTF-16, with or without a
 * byte order mark.
 */
import { parseEnv } from 'node:util'

/** An irregularity of the file that is corrected when it is read. */
export interface Oddity {
  readonly what: string
  readonly where: string
}

const SAVE = 'save it as UTF-8 without a byte order mark'
const RETYPE = 'type the line again'

/** `\s` includes characters that look like a space, such as U+00A0. */
const BEFORE_NAME = /^[\s\u00ad\u200b-\u200f\u2060\ufeff]+/

/** @param name the name of the file, for messages. Messages never quote its content. */
export function readEnvFile(
  bytes: Uint8Array,
  name: string,
): { readonly env: Record<string, string>; readonly odd: readonly Oddity[] } {
  const { text, odd } = decode(bytes, name)
  const told = [...odd]
  const lines = text.split('\n').map((line, index) => {
    const at = `line ${index + 1} of ${name}`
    const [before = ''] = BEFORE_NAME.exec(line) ?? []
    const isOdd = /[^\t\r ]/.test(before)
    if (isOdd)
      told.push({ what: `${at} has an invisible character before its name`, where: RETYPE })
    const visible = isOdd ? line.slice(before.length) : line
    const plain = visible.replace(/^(\s*(?:export\s+)?[A-Z][A-Z0-9_]*\s*)[＝：﹦]/, '$1=')
    if (plain !== visible)
      told.push({ what: `${at} has a full-width character in place of =`, where: RETYPE })
    return plain
  })
  const env = Object.entries(parseEnv(lines.join('\n'))).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  )
  return { env: Object.fromEntries(env), odd: told }
}

function decode(
  bytes: Uint8Array,
  name: string,
): { readonly text: string; readonly odd: readonly Oddity[] } {
  const utf16 = { what: `${name} is in UTF-16, which other programs cannot read`, where: SAVE }
  const [first, second, third] = bytes
  if (first === 0xff && second === 0xfe)
    return { text: new TextDecoder('utf-16le').decode(bytes), odd: [utf16] }
  if (first === 0xfe && second === 0xff)
    return { text: new TextDecoder('utf-16be').decode(bytes), odd: [utf16] }
  const isMarked = first === 0xef && second === 0xbb && third === 0xbf
  const mark = {
    what: `${name} begins with a byte order mark, which hides its first variable from other programs`,
    where: SAVE,
  }
  // The decoder removes the byte order mark.
  return { text: new TextDecoder().decode(bytes), odd: isMarked ? [mark] : [] }
}
