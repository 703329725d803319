/** Mutations of a signed message: its fields, their notation, its text and its bytes. */
import fc from 'fast-check'
import { hostileName, hostileText } from './hostile-values.ts'

export type Entry = readonly [name: string, value: string]
export type Entries = readonly Entry[]
type Change<T> = (from: T) => T

const at = (list: readonly unknown[], position: number): number =>
  list.length === 0 ? 0 : position % list.length
const position = fc.nat({ max: 1_000 })

/**
 * Merges two fields without changing the signed text: `a=1&b=2` is also the text of one field `a`
 * with the value `1&b=2`. An attacker without the key can do this to a signed message.
 */
function merge(entries: Entries, where: number): Entries {
  const sorted = entries
    .filter(([name, value]) => name !== 'sign' && value !== '')
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  const index = at(sorted, where)
  const [first, second] = [sorted[index], sorted[index + 1]]
  if (first === undefined || second === undefined) return entries
  const merged: Entry = [first[0], `${first[1]}&${second.join('=')}`]
  return entries.flatMap((entry) => (entry === first ? [merged] : entry === second ? [] : [entry]))
}

/** The reverse of `merge`: a value that contains `&name=` becomes two fields. */
const split = (entries: Entries): Entries =>
  entries.flatMap((entry): Entry[] => {
    const parts = /^([^&]*)&([A-Za-z]\w*)=([^]*)$/u.exec(entry[1])
    return parts === null
      ? [entry]
      : [
          [entry[0], parts[1] ?? ''],
          [parts[2] ?? '', parts[3] ?? ''],
        ]
  })

/** Changes to the fields that keep the signed text, so that they need no key. */
export const recut: fc.Arbitrary<Change<Entries>> = fc.oneof(
  position.map((where) => (entries: Entries) => merge(entries, where)),
  fc.constant(split),
)

export const fieldChange: fc.Arbitrary<Change<Entries>> = fc.oneof(
  position.map((where) => (entries: Entries) => entries.toSpliced(at(entries, where), 1)),
  fc.tuple(position, position).map(([from, to]) => (entries: Entries) => {
    const entry = entries[at(entries, from)]
    return entry === undefined ? entries : entries.toSpliced(at(entries, to), 0, entry)
  }),
  fc.tuple(position, position, hostileText).map(([from, to, value]) => (entries: Entries) => {
    const name = entries[at(entries, from)]?.[0]
    return name === undefined ? entries : entries.toSpliced(at(entries, to), 0, [name, value])
  }),
  fc.tuple(position, hostileName).map(([where, name]) => (entries: Entries) => {
    const index = at(entries, where)
    return entries.map((entry, other): Entry => (other === index ? [name, entry[1]] : entry))
  }),
  fc.tuple(position, hostileText).map(([where, value]) => (entries: Entries) => {
    const index = at(entries, where)
    return entries.map((entry, other): Entry => (other === index ? [entry[0], value] : entry))
  }),
  fc.tuple(position, hostileName, hostileText).map(
    ([where, name, value]) =>
      (entries: Entries) =>
        entries.toSpliced(at(entries, where), 0, [name, value]),
  ),
  fc.constant((entries: Entries) => entries.toReversed()),
  recut,
)

/** Writes one field as XML. Some styles are invalid. */
export type Style = (entry: Entry) => string

const escape = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const cdata = (value: string): string => `<![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
const element = (name: string, content: string): string => `<${name}>${content}</${name}>`
const codes = (value: string, write: (code: number) => string) =>
  Array.from(value)
    .map((character) => write(character.codePointAt(0) ?? 0))
    .join('')

const wechatStyle: Style = ([name, value]) =>
  element(name, /^\d+$/.test(value) ? value : cdata(value))

const validStyles: readonly Style[] = [
  ([name, value]) => element(name, cdata(value)),
  ([name, value]) => element(name, escape(value)),
  ([name, value]) =>
    element(
      name,
      codes(value, (code) => `&#${code};`),
    ),
  ([name, value]) =>
    element(
      name,
      codes(value, (code) => `&#x${code.toString(16)};`),
    ),
  ([name, value]) => element(name, Array.from(value).map(cdata).join('')),
  ([name, value]) => element(name, escape(value.slice(0, 2)) + cdata(value.slice(2))),
  ([name, value]) => element(name, cdata(value.slice(0, 2)) + escape(value.slice(2))),
  ([name, value]) => (value === '' ? `<${name}/>` : `<${name} \n>${cdata(value)}</${name}\t>`),
]

const invalidStyles: readonly Style[] = [
  ([name, value]) => element(name, value),
  ([name, value]) => element(name, `<![CDATA[${value}]]>`),
  ([name, value]) => element(name, ` ${escape(value)} `),
  ([name, value]) => element(name, `\n${cdata(value)}\n`),
  ([name, value]) => element(name, `${cdata(value.slice(0, 1))} ${cdata(value.slice(1))}`),
  ([name, value]) => element(name, `${escape(value.slice(0, 1))}<!-- -->${escape(value.slice(1))}`),
  ([name, value]) => element(name, `${escape(value)}<?x y?>`),
  ([name, value]) => element(name, element(name, escape(value))),
  ([name, value]) => element(name, element('#cdata', escape(value))),
  ([name, value]) => element(name, element('#text', escape(value))),
  ([name, value]) => element(name, `<![cdata[${value}]]>`),
  ([name, value]) => element(name, `<![IGNORE[${value}]]>`),
  ([name, value]) => element(name, `<![CDATA[]]>${escape(value)}<b/>`),
  ([name, value]) => element(name, escape(escape(value))),
  ([name, value]) => `<${name} a="1">${cdata(value)}</${name}>`,
  ([name, value]) => `<${name}>${cdata(value)}</${name.toUpperCase()}>`,
  ([name, value]) => `<${name}>${cdata(value)}`,
  ([name, value]) => `<${name} xmlns="urn:x">${cdata(value)}</${name}>`,
]

export const style: fc.Arbitrary<Style> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(wechatStyle) },
  { weight: 3, arbitrary: fc.constantFrom(...validStyles) },
  { weight: 1, arbitrary: fc.constantFrom(...invalidStyles) },
)

const SNIPPETS = [
  [
    '<!-- x -->',
    '<?x y?>',
    '<?xml version="1.0"?>',
    '<!DOCTYPE xml>',
    '<!doctype xml SYSTEM "x">',
    '<!DOCTYPE xml [<!ENTITY x "1">]>',
  ],
  [
    '<!ENTITY x "1">',
    '<! DOCTYPE xml>',
    '<!ELEMENT xml ANY>',
    '<![CDATA[',
    ']]>',
    '<![CDATA[x]]>',
    '<![IGNORE[x]]>',
  ],
  [
    '<total_fee>1</total_fee>',
    '<total_fee/>',
    '<a>',
    '</a>',
    '</xml>',
    '<xml>',
    '<',
    '>',
    '&',
    '&lt;',
    '&#65;',
    '&x;',
    ' ',
    '\n',
    '\r\n',
  ],
  [
    '\u00a0',
    '\ufeff',
    'x',
    '"',
    '<sign></sign>',
    '<sign>A</sign>',
    '<x:a xmlns:x="u">1</x:a>',
    '<__proto__>1</__proto__>',
  ],
  ['\u0000', '\u0085', '<>', '</>', '<a', '/>'],
].flat()

const TAG_ENDS = /(?<=>)|(?=<)/gu

export const textChange: fc.Arbitrary<Change<string>> = fc.oneof(
  // At the border of a tag.
  fc.tuple(position, fc.constantFrom(...SNIPPETS)).map(([where, snippet]) => (text: string) => {
    const pieces = text.split(TAG_ENDS)
    return pieces.toSpliced(at(pieces, where), 0, snippet).join('')
  }),
  // Anywhere.
  fc.tuple(position, fc.constantFrom(...SNIPPETS)).map(([where, snippet]) => (text: string) => {
    const index = text.length === 0 ? 0 : Math.floor((where / 1_001) * text.length)
    return text.slice(0, index) + snippet + text.slice(index)
  }),
  position.map(
    (where) => (text: string) => text + text.slice(Math.floor((where / 1_001) * text.length)),
  ),
  fc.constantFrom<Change<string>[]>(
    (text) => `\ufeff${text}`,
    (text) => `<?xml version="1.0" encoding="UTF-8"?>\n${text}\n`,
    (text) => `<?xml version="1.0" encoding="GBK"?>${text}`,
    (text) => text + text,
    (text) => `<a>${text}</a>`,
    (text) => text.replaceAll('xml>', 'root>'),
    (text) => text.replaceAll('><', '>\r\n  <'),
    (text) => text.replaceAll('<![CDATA[', '').replaceAll(']]>', ''),
    (text) => text.replaceAll('<', ' <'),
    (text) => text.replace('<xml>', '<xml a="1">'),
    (text) => text.replace('<xml>', '<!DOCTYPE xml [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><xml>'),
    (text) => text.toUpperCase(),
    (text) => JSON.stringify(text),
  ),
  // Sizes up to the limit of a message and above it.
  fc.tuple(fc.constantFrom(...SNIPPETS), fc.constantFrom(10, 300, 3_000, 60_000)).map(
    ([snippet, bytes]) =>
      (text: string) =>
        text.replace('<xml>', `<xml>${snippet.repeat(Math.ceil(bytes / snippet.length))}`),
  ),
)

const BYTES = [
  0x00, 0x01, 0x09, 0x0a, 0x0d, 0x20, 0x26, 0x3c, 0x3e, 0x5d, 0x7f, 0x80, 0xc0, 0xc3, 0xe4, 0xed,
  0xef, 0xf4, 0xff,
]

const inside = (bytes: Buffer, where: number): number =>
  bytes.length === 0 ? 0 : where % bytes.length

export const byteChange: fc.Arbitrary<Change<Buffer>> = fc.oneof(
  fc.tuple(fc.nat(), fc.nat({ max: 7 })).map(([where, bit]) => (bytes: Buffer) => {
    const changed = Buffer.from(bytes)
    const index = inside(bytes, where)
    if (changed.length > 0) changed[index] = (changed[index] ?? 0) ^ (1 << bit)
    return changed
  }),
  fc.tuple(fc.nat(), fc.constantFrom(...BYTES)).map(([where, byte]) => (bytes: Buffer) => {
    const index = inside(bytes, where)
    return Buffer.concat([bytes.subarray(0, index), Buffer.from([byte]), bytes.subarray(index)])
  }),
  fc.nat().map((where) => (bytes: Buffer) => bytes.subarray(0, inside(bytes, where))),
  fc.tuple(fc.nat(), fc.nat({ max: 12 })).map(([where, count]) => (bytes: Buffer) => {
    const index = inside(bytes, where)
    return Buffer.concat([bytes.subarray(0, index), bytes.subarray(index + count)])
  }),
  fc.constantFrom<Change<Buffer>[]>(
    (bytes) => Buffer.from(`\ufeff${bytes.toString('utf8')}`, 'utf16le'),
    (bytes) => Buffer.from(bytes.toString('utf8'), 'latin1'),
    (bytes) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]),
    (bytes) => Buffer.concat([bytes, Buffer.from([0])]),
  ),
)
