/**
 * Reads WeChat's flat XML into a map of fields, and writes it.
 *
 * The reader refuses, rather than interprets:
 *
 * - more than 64 KiB, and bytes that are not UTF-8
 * - any DOCTYPE or ENTITY (XXE, CVE-2018-13439), and unknown entities
 * - another root than the expected one
 * - attributes, comments and nesting
 * - repeated fields, because signer and reader could read different ones, and prototype names
 *
 * Values stay strings and are not trimmed, because the signature covers them as they are.
 */
import type { MessageCheck } from '../core/failure.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Fields } from './fields.ts'
import { readUsual } from './xml-fast-path.ts'

/** About ten times the largest message that WeChat documents. */
export const MAX_XML_BYTES = 64 * 1024

/** Reads one message from the bytes received. `verifyMessage` checks the signature afterwards. */
export async function readXml(
  bytes: Uint8Array,
  root: 'xml' | 'root' = 'xml',
): Promise<Result<Fields, MessageCheck>> {
  if (bytes.byteLength > MAX_XML_BYTES) return err('size')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return err('encoding')
  }
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) return err('doctype')
  if (/[^\P{Cc}\t\n\r]/u.test(text)) return err('syntax')
  const fields = readUsual(text, root) ?? (await readUnusual(text, root))
  return fields === null ? err('syntax') : ok(fields)
}

/** WeChat's messages have the usual form, so a cold start does not wait for the parser. */
async function readUnusual(text: string, root: string): Promise<Fields | null> {
  const { readFields } = await import('./xml-parser.ts')
  return readFields(text, root)
}

/** Writes a message on one line with every value in CDATA. `]]>` is split over two sections. */
export function writeXml(fields: Fields): string {
  const elements = [...fields].map(
    ([name, value]) =>
      `<${name}><![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]></${name}>`,
  )
  return `<xml>${elements.join('')}</xml>`
}
