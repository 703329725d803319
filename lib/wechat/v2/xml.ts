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
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import type { MessageCheck } from '../../core/failure.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Fields } from './sign.ts'
import { readUsual } from './xml-fast-path.ts'

/** About ten times the largest message that WeChat documents. */
export const MAX_XML_BYTES = 64 * 1024

const parser = new XMLParser({
  preserveOrder: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  cdataPropName: '#cdata',
})

type XmlNode = Readonly<Record<string, unknown>>

/** Reads one message from the bytes received. `verifyMessage` checks the signature afterwards. */
export function readXml(
  bytes: Uint8Array,
  root: 'xml' | 'root' = 'xml',
): Result<Fields, MessageCheck> {
  if (bytes.byteLength > MAX_XML_BYTES) return err('size')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return err('encoding')
  }
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) return err('doctype')
  if (/[^\P{Cc}\t\n\r]/u.test(text)) return err('syntax')
  const fields = readUsual(text, root) ?? readFields(text, root)
  return fields === null ? err('syntax') : ok(fields)
}

function readFields(text: string, rootName: string): Fields | null {
  const nodes = parse(text)
  if (nodes === null) return null
  const roots = nodes.filter((node) => nameOf(node) !== '?xml' && !isBlank(node))
  const [root] = roots
  if (root === undefined || roots.map(nameOf).join() !== rootName) return null
  const fields = new Map<string, string>()
  for (const node of childrenOf(root)) {
    if (isBlank(node)) continue
    const name = nameOf(node)
    const value = textOf(node)
    if (!/^[A-Za-z]\w{0,63}$/.test(name) || value === null || fields.has(name)) return null
    fields.set(name, value)
  }
  return fields
}

/**
 * The validator runs first, because the parser accepts `<a>1</b>` and a message that is cut in
 * half.
 */
function parse(text: string): readonly XmlNode[] | null {
  try {
    if (XMLValidator.validate(text) !== true || !isPlain(text)) return null
    const nodes: unknown = parser.parse(text)
    return isNodes(nodes) ? nodes : null
  } catch {
    return null
  }
}

const CDATA = /<!\[CDATA\[[^]*?\]\]>/g
const DECLARATION = /^[ \t\r\n]*<\?xml[^]*?\?>/
const TAG = /<\/?[A-Za-z]\w*[ \t\r\n]*\/?>/g

/**
 * Accepts only text, CDATA and tags without attributes. The validator and the parser accept more:
 * any `<![` as if it were `<![CDATA[`, all Unicode blanks inside a tag, and entities and
 * declarations after the root. This check runs after the validator, which has checked that every
 * section ends.
 */
function isPlain(text: string): boolean {
  const markup = text.replace(CDATA, '').replace(DECLARATION, '')
  return !markup.replace(TAG, '').includes('<') && markup.trimEnd().endsWith('>')
}

const isNodes = (value: unknown): value is readonly XmlNode[] => Array.isArray(value)
const nameOf = (node: XmlNode): string => Object.keys(node)[0] ?? ''
const isBlank = (node: XmlNode): boolean =>
  typeof node['#text'] === 'string' && /^[ \t\r\n]*$/.test(node['#text'])
const childrenOf = (node: XmlNode): readonly XmlNode[] => {
  const children = node[nameOf(node)]
  return isNodes(children) ? children : []
}

/** The text of an element with only text and CDATA; null for anything else. */
function textOf(element: XmlNode): string | null {
  let value = ''
  for (const part of childrenOf(element)) {
    const isRaw = '#cdata' in part
    for (const { '#text': text } of isRaw ? childrenOf(part) : [part]) {
      const decoded = typeof text !== 'string' ? null : isRaw ? text : decodeEntities(text)
      if (decoded === null) return null
      value += decoded
    }
  }
  return value
}

const PREDEFINED: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])

/**
 * Decodes the five predefined entities and character references (XML 1.0, 4.6 and 4.1). Null for
 * any other entity.
 */
function decodeEntities(text: string): string | null {
  let refused = false
  const decoded = text.replace(/&([^;&]*)(;?)/g, (_, name: string, end: string) => {
    const code = /^#x([0-9a-f]{1,6})$/i.test(name)
      ? parseInt(name.slice(2), 16)
      : /^#(\d{1,7})$/.test(name)
        ? Number(name.slice(1))
        : NaN
    const character =
      PREDEFINED.get(name) ?? (isXmlCharacter(code) ? String.fromCodePoint(code) : undefined)
    if (character === undefined || end === '') refused = true
    return character ?? ''
  })
  return refused ? null : decoded
}

const isXmlCharacter = (code: number): boolean =>
  code === 9 ||
  code === 10 ||
  code === 13 ||
  (code >= 32 && code < 0xd800) ||
  (code > 0xdfff && code < 0xfffe) ||
  (code > 0xffff && code <= 0x10ffff)

/** Writes a message on one line with every value in CDATA. `]]>` is split over two sections. */
export function writeXml(fields: Fields): string {
  const elements = [...fields].map(
    ([name, value]) =>
      `<${name}><![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]></${name}>`,
  )
  return `<xml>${elements.join('')}</xml>`
}
