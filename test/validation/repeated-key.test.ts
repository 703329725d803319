import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findRepeatedKey } from '../../lib/validation/repeated-key.ts'

describe('a repeated key is found, and named by its path', () => {
  test.each([
    ['{"a":1,"a":1}', 'a'],
    ['{"a":1,"b":{"a":2},"a":3}', 'a'],
    ['{"items":[{"sku":"x"},{"sku":"y","sku":"z"}]}', 'items.1.sku'],
    ['[[],[{},{"a":[1,2,{"b":0,"b":0}]}]]', '1.1.a.2.b'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"\\"":1,"\\u0022":2}', '"'],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
    ['{"constructor":1,"constructor":2}', 'constructor'],
    ['{"":1,"":2}', ''],
    ['{ "a" \n:\t1 , "a" \r\n: 2 }', 'a'],
    ['{"a":"\\\\","a":"\\""}', 'a'],
  ])('%s', (text, path) => {
    expect(findRepeatedKey(text)).toBe(path)
  })
})

describe('no repeated key is found in', () => {
  test.each([
    '{}',
    '[]',
    '"a"',
    '1',
    'null',
    '{"a":"a","b":"a"}',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":"\\"a\\":1,\\"a\\":2"}',
    '{"a":"{\\"a\\":1","b":"}"}',
    '{"a":["a","a","a"]}',
    '{"a":1,"A":2}',
    '{"toString":1,"hasOwnProperty":2}',
  ])('%s', (text) => {
    expect(findRepeatedKey(text)).toBeNull()
  })
})

/** Similar keys, their escapes, and the punctuation of JSON. */
const key = fc.oneof(
  fc.constantFrom('a', 'b', '', '"', '\\', '\u0061\u0301', '__proto__', '{', '}:', ',', '"a":'),
  fc.string({ unit: 'binary' }),
)
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), key),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc
      .uniqueArray(fc.tuple(key, tie('tree')), { maxLength: 4, selector: ([name]) => name })
      .map((pairs) => Object.fromEntries(pairs)),
  ),
}))

const escapeAll = (text: string): string =>
  `"${[...Array(text.length).keys()].map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`

test('no repeated key is found in the output of JSON.stringify, with any spacing', () => {
  fc.assert(
    fc.property(tree, fc.constantFrom('', ' ', '\t'), (value, space) => {
      expect(findRepeatedKey(JSON.stringify(value, null, space))).toBeNull()
    }),
  )
})

test('a repeated key is found anywhere, in any escaping', () => {
  const repeated = fc.record({
    before: tree,
    name: key,
    first: tree,
    between: tree,
    second: tree,
    isEscaped: fc.boolean(),
  })
  fc.assert(
    fc.property(
      repeated,
      fc.nat(5),
      ({ before, name, first, between, second, isEscaped }, depth) => {
        const [one, other, middle] = [
          JSON.stringify(name),
          isEscaped ? escapeAll(name) : JSON.stringify(name),
          `${name}-`,
        ]
        const object = `{${one}:${JSON.stringify(first)},${JSON.stringify(middle)}:${JSON.stringify(between)},${other} :${JSON.stringify(second)}}`
        const text = `[${JSON.stringify(before)},${'{"k":'.repeat(depth)}${object}${'}'.repeat(depth)}]`
        expect(JSON.parse(text)).toBeDefined()
        expect(findRepeatedKey(text)).toBe(['1', ...Array<string>(depth).fill('k'), name].join('.'))
      },
    ),
  )
})

test.each([
  ['lists', '['.repeat(32_768) + ']'.repeat(32_768)],
  ['objects', `${'{"":'.repeat(13_000)}1${'}'.repeat(13_000)}`],
])('as many nested %s as fit into a body do not overflow the stack', (_, text) => {
  expect(text.length).toBeLessThanOrEqual(65_536)
  expect(findRepeatedKey(text)).toBeNull()
})

test('the longest possible body is checked quickly', () => {
  expect(findRepeatedKey(`{"a":"${'\\"'.repeat(32_000)}","a":1}`)).toBe('a')
})
