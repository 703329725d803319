/**
 * WeChat's flat XML, to a map of fields and back.
 *
 * Refuses, rather than interprets: more than 64 KiB, bytes that are not UTF-8, any DOCTYPE or ENTITY (XXE,
 * CVE-2018-13439), a root other than the one
 * asked for, attributes, comments, nesting, repeated fields (signer and reader could
 * read different ones), prototype names, unknown entities. Values stay strings, untrimmed: they are what was signed.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import type { NotificationCheck } from '../../core/failure.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Fields } from './sign.ts'
import { readUsual } from './xml-fast-path.ts'

/** Ten times the largest message of the protocol sheet. */
export const MAX_XML_BYTES = 64 * 1024

const parser = new XMLParser({
  preserveOrder: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  cdataPropName: '#cdata',
})

type XmlNode = Readonly<Record<string, unknown>>

/** Reads one message from the exact bytes received. The message is not verified: see `verify`. */
export function readXml(
  bytes: Uint8Array,
  root: 'xml' | 'root' = 'xml',
): Result<Fields, NotificationCheck> {
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

/** The validator comes first: the parser alone accepts `<a>1</b>` and a message cut in half. */
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
 * Nothing but text, CDATA and tags without attributes. The validator and the parser let more pass: any `<![` as if it were `<![CDATA[`, blanks
 * of all Unicode inside a tag, entities and declarations behind the root. Only after the validator, which has seen to it
 * that every section ends.
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

/** The text of an element that holds nothing but text and CDATA; null for anything else. */
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

/** The five predefined entities and character references (XML 1.0, section 4.6 and 4.1); any other is a null. */
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

/** Writes one message on one line, every value in CDATA; `]]>` is split over two sections. */
export function writeXml(fields: Fields): string {
  const elements = [...fields].map(
    ([name, value]) =>
      `<${name}><![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]></${name}>`,
  )
  return `<xml>${elements.join('')}</xml>`
}
