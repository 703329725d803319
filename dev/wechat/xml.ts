/**
 * Reads and writes the XML of v2.
 *
 * A message is one flat element `xml`: no DOCTYPE, no attributes, no comments, no repeated field.
 * It is read with another parser than in `lib/wechat`.
 */
import { parseXml, XmlElement, XmlText, type XmlNode } from '@rgrove/parse-xml'
import { err, ok, type Result } from './result.ts'
import type { Fields } from './signature.ts'

export type Unreadable = 'size' | 'encoding' | 'syntax'

const MAX_BYTES = 64 * 1024
const NAME = /^[A-Za-z]\w{0,63}$/

export function readXml(bytes: Uint8Array): Result<Fields, Unreadable> {
  if (bytes.byteLength > MAX_BYTES) return err('size')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return err('encoding')
  }
  const fields = readFields(text)
  return fields === null ? err('syntax') : ok(fields)
}

function readFields(text: string): Fields | null {
  const [root, ...others] = parse(text)
  if (others.length > 0 || !isPlainElement(root) || root.name !== 'xml') return null
  const fields = new Map<string, string>()
  for (const node of root.children) {
    if (node instanceof XmlText && node.text.trim() === '') continue
    if (!isPlainElement(node) || !NAME.test(node.name) || fields.has(node.name)) return null
    if (!node.children.every((child) => child instanceof XmlText)) return null
    fields.set(node.name, node.text)
  }
  return fields
}

/** The parts of the document, or none if it is not well-formed. */
function parse(text: string): readonly XmlNode[] {
  try {
    return parseXml(text, { preserveComments: true, preserveDocumentType: true }).children
  } catch {
    return []
  }
}

const isPlainElement = (node: XmlNode | undefined): node is XmlElement =>
  node instanceof XmlElement && Object.keys(node.attributes).length === 0

/** Writes every value in CDATA. */
export function writeXml(fields: Fields): string {
  const lines = Array.from(fields, ([name, value]) => `<${name}>${toCdata(value)}</${name}>`)
  return `<xml>${lines.join('')}</xml>`
}

export const toCdata = (value: string): string =>
  `<![CDATA[${value.split(']]>').join(']]]]><![CDATA[>')}]]>`
