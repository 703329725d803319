/** Mutations of a JSON message: its values, its text, and texts in Base64. */
import fc from 'fast-check'
import { hostileJson, hostileName } from './hostile-values.ts'
import { byteChange } from './mutations.ts'

type Change<T> = (from: T) => T

const position = fc.nat({ max: 1_000 })

type Path = readonly string[]

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The paths of all fields, those of nested objects and of items of lists too. */
const pathsIn = (value: unknown): readonly Path[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, inner]) => [
        ...(isObject(value) ? [[name]] : []),
        ...pathsIn(inner).map((path) => [name, ...path]),
      ])
    : []

function changeAt(
  value: unknown,
  [name = '', ...rest]: Path,
  change: (entry: [string, unknown]) => readonly [string, unknown][],
): unknown {
  if (Array.isArray(value))
    return value.map((item: unknown, index) =>
      String(index) === name ? changeAt(item, rest, change) : item,
    )
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap((entry) => {
      if (entry[0] !== name) return [entry]
      return rest.length === 0 ? change(entry) : [[entry[0], changeAt(entry[1], rest, change)]]
    }),
  )
}

const atField =
  (where: number, change: (entry: [string, unknown]) => readonly [string, unknown][]) =>
  (value: unknown): unknown => {
    const paths = pathsIn(value)
    const path = paths[where % Math.max(1, paths.length)]
    return path === undefined ? value : changeAt(value, path, change)
  }

/** A field is removed, renamed, repeated under another name, or gets another value. */
export const jsonChange: fc.Arbitrary<Change<unknown>> = fc.oneof(
  fc
    .tuple(position, hostileJson)
    .map(([where, value]) => atField(where, ([name]) => [[name, value]])),
  position.map((where) => atField(where, () => [])),
  fc
    .tuple(position, hostileName)
    .map(([where, name]) => atField(where, ([, value]) => [[name, value]])),
  fc
    .tuple(position, hostileName, hostileJson)
    .map(([where, name, value]) => atField(where, (entry) => [entry, [name, value]])),
  position.map((where) => atField(where, ([name, value]) => [[name, String(value)]])),
  position.map((where) => atField(where, ([name, value]) => [[name, [value]]])),
)

const SNIPPETS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  '/* x */',
  '// x\n',
  ' ',
  '\n',
  '\u00a0',
  '\ufeff',
  '\u2028',
  '\u0000',
  '-0',
  '1e3',
  'NaN',
  'null,',
  '"out_trade_no":"ANOTHER",',
  '"amount":{"total":1,"refund":1},',
  '"trade_state":"SUCCESS",',
  '"mchid":"1",',
  '"__proto__":{"mchid":"1900000109"},',
  '"event_type":"TRANSACTION.SUCCESS",',
  '"resource":{},',
]

const PIECE_ENDS = /(?<=[{,])|(?=[}])/gu

/** Writes each character of the names and strings as an escape. JSON reads the same value. */
const escaped = (text: string): string =>
  text.replaceAll(/"((?:[^"\\]|\\.)*)"/gu, (whole, inner: string) =>
    inner.includes('\\')
      ? whole
      : `"${Array.from(
          { length: inner.length },
          (_, index) => String.raw`\u` + inner.charCodeAt(index).toString(16).padStart(4, '0'),
        ).join('')}"`,
  )

export const jsonTextChange: fc.Arbitrary<Change<string>> = fc.oneof(
  // Where a field begins or an object ends.
  fc.tuple(position, fc.constantFrom(...SNIPPETS)).map(([where, snippet]) => (text: string) => {
    const pieces = text.split(PIECE_ENDS)
    return pieces.toSpliced(where % Math.max(1, pieces.length), 0, snippet).join('')
  }),
  // Anywhere.
  fc.tuple(position, fc.constantFrom(...SNIPPETS)).map(([where, snippet]) => (text: string) => {
    const index = Math.floor((where / 1_001) * text.length)
    return text.slice(0, index) + snippet + text.slice(index)
  }),
  fc.constantFrom<Change<string>[]>(
    (text) => `\ufeff${text}`,
    (text) => `\n${text} \n`,
    (text) => text.replaceAll(',', ' ,\r\n\t'),
    (text) => text.replaceAll(/([{,])/g, '$1 '),
    escaped,
    (text) => text + text,
    (text) => `${text}\u0000`,
    (text) => `[${text}]`,
    (text) => JSON.stringify(text),
    (text) => text.replaceAll('"', "'"),
    (text) => text.toUpperCase(),
    (text) => text.slice(1),
    (text) => text.slice(0, -1),
    (text) => `<xml>${text}</xml>`,
    (text) => text.replaceAll(/:(\d+)/g, ':$1.0'),
    (text) => text.replaceAll(/:(\d+)/g, ':$1e0'),
    (text) => text.replaceAll(/:(\d+)/g, ':"$1"'),
  ),
  // Sizes up to the limit of a message and above it.
  fc.constantFrom(300, 3_000, 70_000).map((size) => (text: string) => `${' '.repeat(size)}${text}`),
  fc
    .constantFrom(300, 3_000, 30_000)
    .map((depth) => (text: string) => '{"a":'.repeat(depth) + text + '}'.repeat(depth)),
)

/** Other notations of the same bytes, and texts that are nearly Base64. */
const NOTATIONS: readonly Change<string>[] = [
  (text) => text.replaceAll('+', '-').replaceAll('/', '_'),
  (text) => text.replaceAll('=', ''),
  (text) => `${text}=`,
  (text) => `${text}==`,
  (text) => `${text}AAAA`,
  (text) => `AAAA${text}`,
  (text) => text.replace(/.{20}/u, '$& '),
  (text) => text.replace(/.{20}/u, '$&%'),
  (text) => text.replace(/.{20}/u, '$&='),
  (text) => text.replace(/[A-Za-z](?==*$)/u, (last) => String.fromCharCode(last.charCodeAt(0) + 1)),
  (text) => Buffer.from(text, 'base64').toString('hex'),
  (text) => Buffer.from(text, 'utf8').toString('base64'),
  (text) => `WECHATPAY/SIGNTEST/${text}`,
  (text) => text.toLowerCase(),
  (text) => `"${text}"`,
  () => '',
  () => '====',
  () => '\u0000',
]

/** The bytes or the notation of a text in Base64. */
export const base64Change: fc.Arbitrary<Change<string>> = fc.oneof(
  {
    weight: 3,
    arbitrary: byteChange.map(
      (change) => (text: string) => change(Buffer.from(text, 'base64')).toString('base64'),
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom(...NOTATIONS) },
  {
    weight: 1,
    arbitrary: fc
      .nat({ max: 20 })
      .map(
        (length) => (text: string) =>
          Buffer.from(text, 'base64').subarray(0, length).toString('base64'),
      ),
  },
)
