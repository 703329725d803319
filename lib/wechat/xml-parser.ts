/** Reads any form of XML that WeChat may use. It is loaded for a message in an unusual form. */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import type { Fields } from './fields.ts'

const parser = new XMLParser({
  preserveOrder: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  cdataPropName: '#cdata',
})

type XmlNode = Readonly<Record<string, unknown>>

/** Null for a message that is not plain XML of one level: see xml.ts. */
export function readFields(text: string, rootName: string): Fields | null {
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
