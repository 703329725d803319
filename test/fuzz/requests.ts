/**
 * Generates the requests of careless and hostile clients: JSON bodies, forms, query strings and
 * headers.
 */
import fc from 'fast-check'
import { headerValue, hostileJson, hostileName, hostileText } from './hostile-values.ts'

export type Fields = Readonly<Record<string, unknown>>
type Pairs = readonly (readonly [name: string, value: string])[]

const position = fc.nat({ max: 1_000 })
const pick = <T>(list: readonly T[], where: number): T | undefined =>
  list[where % Math.max(1, list.length)]

/** Genuine fields with up to two changes: a hostile value, a missing field or an extra one. */
const hostileFields = (genuine: fc.Arbitrary<Fields>): fc.Arbitrary<Fields> =>
  fc
    .tuple(genuine, fc.array(fieldChange, { maxLength: 2 }))
    .map(([fields, changes]) => changes.reduce((all, change) => change(all), fields))

const fieldChange = fc.oneof(
  fc.tuple(position, hostileJson).map(([where, value]) => (fields: Fields): Fields => {
    const name = pick(Object.keys(fields), where)
    return name === undefined ? fields : { ...fields, [name]: value }
  }),
  position.map((where) => (fields: Fields): Fields => {
    const name = pick(Object.keys(fields), where)
    return Object.fromEntries(Object.entries(fields).filter(([other]) => other !== name))
  }),
  fc.tuple(hostileName, hostileJson).map(
    ([name, value]) =>
      (fields: Fields): Fields =>
        Object.fromEntries([...Object.entries(fields), [name, value]]),
  ),
  // A change inside an item of a list.
  fc
    .tuple(position, hostileName, hostileJson)
    .map(([where, name, value]) => (fields: Fields): Fields => {
      const [list, content] = Object.entries(fields).find(([, held]) => Array.isArray(held)) ?? []
      if (list === undefined || !Array.isArray(content)) return fields
      const items: unknown[] = content
      const first: unknown = pick(items, where)
      if (typeof first !== 'object' || first === null) return fields
      const key = where % 2 === 0 ? name : (pick(Object.keys(first), where) ?? name)
      return { ...fields, [list]: [...items.slice(1), { ...first, [key]: value }] }
    }),
  fc.integer({ min: 2, max: 600 }).map((times) => (fields: Fields): Fields => {
    const [list, content] = Object.entries(fields).find(([, held]) => Array.isArray(held)) ?? []
    if (list === undefined || !Array.isArray(content)) return fields
    const items: unknown[] = content
    return {
      ...fields,
      [list]: Array.from({ length: times }, (_, index) => items[index % items.length]),
    }
  }),
)

const textChange: fc.Arbitrary<(text: string) => string> = fc.oneof(
  { weight: 12, arbitrary: fc.constant((text: string) => text) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<((text: string) => string)[]>(
      (text) => text.replace('{', '{"__proto__":{"totalFee":1},'),
      (text) => text.replace('{', '{"constructor":{"prototype":{"x":1}},'),
      (text) => text.replace('}', ',"totalFee":1,"outTradeNo":"another0"}'),
      (text) => text.replaceAll(/:(\d+)/g, ':1e999'),
      (text) => text.replaceAll(/:(\d+)/g, ':$1.0'),
      (text) => text.replaceAll(/:(\d+)/g, ':0$1'),
      (text) => text.replaceAll(/:(\d+)/g, ':-0'),
      (text) => text.replaceAll(/:"[^"]*"/g, ':"\\ud800"'),
      (text) => text.replaceAll(/:"[^"]*"/g, ':"a\\u0000b"'),
      (text) => `\ufeff${text}`,
      (text) => `[${text}]`,
      (text) => JSON.stringify(text),
      (text) => text + text,
      (text) => `${text}//`,
      (text) => text.replace('}', ',}'),
      (text) => text.slice(0, -1),
      (text) => text.padEnd(70_000),
      (text) => '['.repeat(30_000) + text,
      () => '',
      () => 'null',
      () => '"',
    ),
  },
  {
    weight: 1,
    arbitrary: position.map(
      (where) => (text: string) => text.slice(0, Math.floor((where / 1_001) * text.length)),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(position, fc.string({ maxLength: 3 }))
      .map(([where, noise]) => (text: string) => {
        const index = Math.floor((where / 1_001) * text.length)
        return text.slice(0, index) + noise + text.slice(index + 1)
      }),
  },
)

const toForm = (fields: Fields): string =>
  new URLSearchParams(
    Object.entries(fields).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : (JSON.stringify(value) ?? ''),
    ]),
  ).toString()

const formChange = fc.oneof(
  { weight: 4, arbitrary: fc.constant((text: string) => text) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<((text: string) => string)[]>(
      (text) => `${text}&${text}`,
      (text) => `&&=&${text}`,
      (text) => text.replaceAll('=', '[]='),
      (text) => text.replaceAll('%', '%%'),
      (text) => text.replaceAll('%', ''),
      (text) => `${text}&%ff%fe=%`,
      (text) => `${text}&__proto__=1&constructor=2`,
      (text) => text.replaceAll('&', ';'),
      (text) => text.replaceAll(/=\w/g, '=+'),
      (text) => `?${text}`,
      (text) => `${text}&items=[`,
      (text) => 'a=1&'.repeat(5_000) + text,
      (text) => text.padEnd(70_000, '&a=1'),
      (text) =>
        [text, ...Array.from({ length: 12_000 }, (_, index) => index.toString(36))].join('&'),
    ),
  },
)

export interface Body {
  readonly type: string
  readonly bytes: Buffer
  /** Headers that belong to the bytes, such as a signature. */
  readonly headers?: Readonly<Record<string, string>>
}

const JSON_TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'APPLICATION/JSON;x="',
  ' application/json ',
]
const OTHER_TYPES = [
  'text/plain',
  '',
  'application/json, text/xml',
  'multipart/form-data; boundary=x',
  'application/xml',
  'application/jsonx',
  ';',
]
const contentType = (valid: readonly string[]) =>
  fc.oneof(
    { weight: 16, arbitrary: fc.constantFrom(...valid) },
    { weight: 1, arbitrary: fc.constantFrom(...OTHER_TYPES) },
  )

const noise = fc.oneof(
  { weight: 20, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.tuple(position, fc.constantFrom(0xff, 0x00, 0xc0, 0x80, 0xed)) },
)

/** A JSON or form body for one request. */
export const hostileBody = (genuine: fc.Arbitrary<Fields>): fc.Arbitrary<Body> =>
  fc
    .oneof(
      {
        weight: 3,
        arbitrary: fc
          .tuple(hostileFields(genuine), textChange, contentType(JSON_TYPES))
          .map(([fields, change, type]) => ({ text: change(JSON.stringify(fields)), type })),
      },
      {
        weight: 2,
        arbitrary: fc
          .tuple(
            hostileFields(genuine),
            formChange,
            contentType(['application/x-www-form-urlencoded']),
          )
          .map(([fields, change, type]) => ({ text: change(toForm(fields)), type })),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(hostileJson, contentType(JSON_TYPES))
          .map(([value, type]) => ({ text: JSON.stringify(value) ?? '', type })),
      },
    )
    .chain(({ text, type }) =>
      noise.map((changedByte) => {
        const bytes = Buffer.from(text, 'utf8')
        if (changedByte !== null && bytes.length > 0)
          bytes[changedByte[0] % bytes.length] = changedByte[1]
        return { type, bytes }
      }),
    )

const encoding = fc.constantFrom<((text: string) => string)[]>(
  (text) => encodeURIComponent(text.toWellFormed()),
  (text) => encodeURIComponent(text.toWellFormed()).replaceAll('%20', '+'),
  (text) => text.replaceAll('#', ''),
  (text) => encodeURIComponent(text.toWellFormed()).replaceAll('%', '%25'),
  (text) => `${encodeURIComponent(text.toWellFormed())}%`,
  (text) => `%zz${text.replaceAll('#', '')}%e4%b8`,
)

/** A query string without its question mark. */
export const hostileQuery = (genuine: fc.Arbitrary<Fields>): fc.Arbitrary<string> =>
  fc
    .tuple(
      genuine.map((fields): Pairs =>
        Object.entries(fields).map(([name, value]) => [name, String(value)]),
      ),
      fc.array(fc.tuple(position, hostileName, hostileText, fc.nat({ max: 3 })), { maxLength: 2 }),
      encoding,
    )
    .map(([pairs, changes, encode]) => {
      const changed = changes.reduce<Pairs>((all, [where, name, value, kind]) => {
        const own = pick(all, where)
        if (kind === 0 || own === undefined) return [...all, [name, value]]
        if (kind === 1) return [...all, own]
        return all.map((pair) => (pair === own ? [pair[0], value] : pair))
      }, pairs)
      return changed.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
    })

/** Headers about the caller's address, the length of the body and the idempotency key. */
export const hostileHeaders: fc.Arbitrary<Readonly<Record<string, string>>> = fc
  .array(
    fc.oneof(
      fc.tuple(
        fc.constantFrom(
          'x-real-ip',
          'x-forwarded-for',
          'x-vercel-id',
          'idempotency-key',
          'origin',
          'referer',
          'cookie',
          'accept',
        ),
        headerValue,
      ),
      fc.tuple(
        fc.constant('content-length'),
        fc.constantFrom(
          '0',
          '-1',
          '65537',
          '1e9',
          'NaN',
          '',
          '0x10',
          '99999999999999999999',
          '1, 2',
        ),
      ),
      fc.tuple(
        fc.constantFrom(
          'content-encoding',
          'transfer-encoding',
          'expect',
          'x-http-method-override',
        ),
        fc.constantFrom('gzip', 'br', 'DELETE', ''),
      ),
    ),
    { maxLength: 3 },
  )
  .map((pairs) => Object.fromEntries(pairs))
