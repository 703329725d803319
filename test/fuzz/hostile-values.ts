/** What somebody would write where a name, a number or a text is expected. */
import fc from 'fast-check'

/** Names that mean something to JavaScript, to the parser or to the signature, and near misses of real ones. */
const NAMES = [
  ['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf', '__defineGetter__', 'then'],
  ['#text', '#cdata', '#comment', ':@', '@_a', '?xml', 'xml', 'root', 'length', 'name', '0', '1a', '', ' ', 'a b', 'a=b', 'a&b', '-'],
  ['sign', 'Sign', 'SIGN', 'sign_type', 'key', 'total_fee', 'TOTAL_FEE', 'total-fee', 'total_fee ', 'total_fee\u200b', 'x:total_fee'],
  ['cash_fee', 'fee_type', 'out_trade_no', 'return_code', 'result_code', 'req_info', 'appid', 'mch_id', 'nonce_str', 'attach', 'zz'],
  ['b'.repeat(64), 'b'.repeat(65), 'n'.repeat(20_000), '金额', 'ｔotal_fee'],
].flat()

export const hostileName = fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 8 }))

/** Texts that a careless reader takes for something else. */
const TEXTS = [
  ['', ' ', '0', '-0', '1', '101', ' 101', '101 ', '0101', '+101', '-1', '1e2', '0x65', '１０１', '101.0', '1e999', 'NaN', 'true', 'null'],
  ['2147483647', '2147483648', '9007199254740993', '\u0000', 'a\u0000b', '\u0007', '\r', '\r\n', '\t', '\u0085', '\u00a0', '\u2028'],
  ['\ufeff', '\ufeff101', '\u200b', '\ufffe', '\uffff', '\ufffd', '\ud800', '\udc00x', '😀', '拿铁', 'é', 'e\u0301', '\u202e101'],
  [']]>', ']]', ']]]]><![CDATA[>', '<![CDATA[1]]>', '&amp;', '&lt;', '&#65;', '&#x41;', '&#0;', '&x;', '&', '<', '>', '"', "'", '<a>1</a>'],
  ['<!DOCTYPE x>', '<!ENTITY', '<!-- -->', '<?x?>', '</xml>', 'SUCCESS', 'FAIL', 'CNY', 'USD', 'MD5', 'HMAC-SHA256', '20250102030405'],
  [
    'x&total_fee=1',
    'x&fee_type=CNY',
    '1&sign=2',
    '=',
    '&key=',
    '%',
    '%00',
    '%zz',
    '${x}',
    '{{x}}',
    '../../etc/passwd',
    "'; drop table x;--",
  ],
  ['__proto__', 'constructor', 'javascript:alert(1)', 'http://127.0.0.1/', '\\', '\\u0000', '\n\nInjected: header', 'x'.repeat(130)],
].flat()

export const hostileText = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.array(fc.nat({ max: 0xffff }), { maxLength: 12 }).map((units) => String.fromCharCode(...units)),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.nat().map(String),
  fc.integer({ min: 1_000, max: 70_000 }).map((length) => 'x'.repeat(length)),
)

/** Of the wrong type, or of the right one and out of bounds. */
const ROWS: readonly (readonly unknown[])[] = [
  [0, -0, 1, -1, 0.1, 101.5, 1e308, 5e-324, 2 ** 31 - 1, 2 ** 31, 2 ** 53, 2 ** 53 + 2, -(2 ** 63), 1e21, 10_000, 9_999],
  [true, false, null, [], {}, [[]], [null], [{}], '', [''], { length: 1 }, { toString: 'x' }, { valueOf: 1 }],
  [{ 0: 'a' }, ['101'], [101], { value: 101 }, { toJSON: 'x' }],
]

/** Deep enough for a reader that follows it down; a deeper one comes as text, for writing it is slow. */
const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))

export const hostileJson: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: hostileText },
  { weight: 3, arbitrary: fc.constantFrom(...ROWS.flat()) },
  { weight: 1, arbitrary: fc.double() },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 200 }).map(nested) },
  { weight: 1, arbitrary: fc.array(hostileText, { maxLength: 4 }) },
)

/** What a header can carry at all: the rest no client can send. */
export const headerValue = fc.oneof(
  fc.string({ maxLength: 40 }).map((text) => text.replaceAll(/[^\x20-\x7e]/gu, '')),
  fc.stringMatching(/^[\x21-\x7e\x80-\xff]{0,40}$/),
  fc.constantFrom('', ' ', ',', ';', '"', '\\', '127.0.0.1', '::1', '8.8.8.8, 9.9.9.9', '::ffff:8.8.8.8', '999.1.1.1', 'x'.repeat(9_000)),
)
