/**
 * A message in the form WeChat writes nearly all of them, read in a tenth of the parser's time. Null for any other, which is
 * for the parser to judge: this never reads what the parser would refuse, and nothing otherwise than it would.
 */
import type { Fields } from './sign.ts'

/** A field whose value has nothing to decode: one CDATA section, or nothing but text. */
const FIELD = /[ \t\r\n]*<([A-Za-z]\w{0,63})>(?:<!\[CDATA\[([^\]\r]*)\]\]>|([^<&\]\r]*))<\/\1>/y
const END = /[ \t\r\n]*<\/(xml|root)>[ \t\r\n]*$/y

export function readUsual(text: string, rootName: string): Fields | null {
  if (!text.startsWith(`<${rootName}>`)) return null
  const fields = new Map<string, string>()
  let at = rootName.length + 2
  for (;;) {
    FIELD.lastIndex = at
    const [, name, raw, plain = ''] = FIELD.exec(text) ?? []
    if (name === undefined) break
    if (fields.has(name) || name === 'prototype' || name in Object.prototype) return null
    fields.set(name, raw ?? plain)
    at = FIELD.lastIndex
  }
  END.lastIndex = at
  return END.exec(text)?.[1] === rootName ? fields : null
}
