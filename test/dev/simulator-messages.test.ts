/**
 * The simulator signs, writes and reads the messages of v2 with code of its own. It is checked here
 * with WeChat's vectors, with the samples, and against the product's code.
 */
import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import {
  parseBeijingDigits,
  parseRfc3339,
  startOfDay,
  toBeijingDigits,
  toBeijingText,
  toRfc3339,
} from '../../dev/wechat/beijing.ts'
import { findRepeatedKey } from '../../dev/wechat/repeated-key.ts'
import { isSigned, signatureOf, withSignature } from '../../dev/wechat/signature.ts'
import { readXml, writeXml } from '../../dev/wechat/xml.ts'
import * as product from '../../lib/core/time.ts'
import { sign } from '../../lib/wechat/v2/sign.ts'
import * as productXml from '../../lib/wechat/xml.ts'
import { jsonSample, sample, samples } from '../support/samples.ts'

const KEY = 'DemoV2ApiKey00000000000000000001'
const bytes = (text: string) => Buffer.from(text, 'utf8')
const types = ['MD5', 'HMAC-SHA256'] as const

describe('the signature', () => {
  const vector = v.object({
    note: v.optional(v.string(), 'the published example'),
    params: v.record(v.string(), v.string()),
    key: v.optional(v.string(), KEY),
    md5: v.string(),
    hmacSha256: v.string(),
  })
  const vectors = [
    jsonSample('v2-sign-official-vector.json', vector),
    ...jsonSample('v2-sign-vectors.json', v.array(vector)),
  ]

  test.each(vectors)('is WeChat’s: $note', ({ params, key, md5, hmacSha256 }) => {
    const fields = new Map(Object.entries(params))
    expect(types.map((type) => signatureOf(fields, key, type))).toEqual([md5, hmacSha256])
  })

  test('of wx.requestPayment follows the same rule', () => {
    const { v2md5, v2hmac } = jsonSample(
      'second-sign.json',
      v.object({
        v2md5: v.record(v.string(), v.string()),
        v2hmac: v.record(v.string(), v.string()),
      }),
    )
    for (const { stringA, paySign, ...args } of [v2md5, v2hmac]) {
      expect(stringA).toBeDefined()
      const type = args['signType'] === 'MD5' ? 'MD5' : 'HMAC-SHA256'
      expect(signatureOf(new Map(Object.entries(args)), KEY, type)).toBe(paySign)
    }
  })

  const signedSamples = samples.filter(({ file, signType }) => signType && file.endsWith('.xml'))

  test.each(signedSamples)('of $file is read and checked', ({ file, signType, valid }) => {
    const read = readXml(sample(file))
    const type = signType === 'MD5' ? 'MD5' : 'HMAC-SHA256'
    expect(read.ok && isSigned(read.value, KEY, type)).toBe(valid)
  })

  test('is missing or empty in two samples, which are refused', () => {
    for (const file of ['pay-notify.no-sign.xml', 'pay-notify.empty-sign.xml']) {
      const read = readXml(sample(file))
      expect(read.ok && types.some((type) => isSigned(read.value, KEY, type))).toBe(false)
    }
  })
})

const value = fc
  .array(
    fc.oneof(
      fc.constantFrom(']]>', '&', '<', '&amp;', '<![CDATA[', '</a>', ' ', '中', '0'),
      fc.string({ unit: 'grapheme', maxLength: 4 }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join('').replaceAll(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, ''))
const fields = fc
  .dictionary(fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,11}$/), value, { maxKeys: 8 })
  .map((object) => new Map(Object.entries(object)))

describe('the simulator and the product agree', () => {
  test('on signatures', () => {
    fc.assert(
      fc.property(fields, fc.constantFrom(...types), (message, type) => {
        expect(signatureOf(message, KEY, type)).toBe(sign(message, KEY, type))
        expect(isSigned(withSignature(message, KEY, type), KEY, type)).toBe(true)
      }),
    )
  })

  test('on XML: each reads what the other writes', async () => {
    await fc.assert(
      fc.asyncProperty(fields, async (message) => {
        expect(readXml(bytes(productXml.writeXml(message)))).toEqual({ ok: true, value: message })
        expect(await productXml.readXml(bytes(writeXml(message)))).toEqual({
          ok: true,
          value: message,
        })
      }),
    )
  })

  test('on moments', () => {
    const moment = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2100, 0) })
    fc.assert(
      fc.property(moment, (at) => {
        const date = new Date(at)
        expect(toBeijingDigits(at)).toBe(product.toBeijingDigits(date))
        expect(toRfc3339(at)).toBe(product.toRfc3339(date))
        expect(parseBeijingDigits(toBeijingDigits(at))).toBe(Math.floor(at / 1000) * 1000)
        expect(parseRfc3339(toRfc3339(at))).toBe(Math.floor(at / 1000) * 1000)
      }),
    )
  })
})

describe('XML is refused', () => {
  test.each([
    ['a DOCTYPE', '<!DOCTYPE xml><xml><a>1</a></xml>'],
    ['an entity of a DOCTYPE', '<!DOCTYPE xml [<!ENTITY b "1">]><xml><a>&b;</a></xml>'],
    ['an unknown entity', '<xml><a>&b;</a></xml>'],
    ['another root', '<root><a>1</a></root>'],
    ['two roots', '<xml/><xml/>'],
    ['no root', ' '],
    ['an attribute of the root', '<xml a="1"/>'],
    ['an attribute of a field', '<xml><a b="1">1</a></xml>'],
    ['a nested field', '<xml><a><b>1</b></a></xml>'],
    ['a field that is given twice', '<xml><a>1</a><a>1</a></xml>'],
    ['a field with an odd name', '<xml><a-b>1</a-b></xml>'],
    ['text between the fields', '<xml>\\n<a>1</a></xml>'],
    ['a comment', '<xml><a>1<!-- --></a></xml>'],
    ['a processing instruction', '<xml><a>1<?b?></a></xml>'],
    ['a control character', '<xml><a>1\u0007</a></xml>'],
    ['half a message', '<xml><a>1</a>'],
    ['an end tag of another name', '<xml><a>1</b></xml>'],
  ])('with %s', (_, xml) => {
    expect(readXml(bytes(xml))).toEqual({ ok: false, error: 'syntax' })
  })

  test('of more than 64 KiB', () => {
    const longest = bytes(`<xml><a>${'1'.repeat(64 * 1024 - 18)}</a></xml>`)
    expect(readXml(longest).ok).toBe(true)
    expect(readXml(Buffer.concat([longest, bytes('\n')])).ok).toBe(false)
  })

  test('in another encoding', () => {
    const gbk = Buffer.concat([bytes('<xml><a>'), Buffer.from([0xd6, 0xd0]), bytes('</a></xml>')])
    expect(readXml(gbk)).toEqual({ ok: false, error: 'encoding' })
  })
})

describe('a moment', () => {
  test.each([
    '20250230000000',
    '20250101240000',
    '20250101006000',
    '2025010100000',
    '2025-01-01T00:00:00',
    '',
  ])('%s does not exist', (digits) => {
    expect(parseBeijingDigits(digits)).toBeNull()
  })

  test.each(['2025-02-30T00:00:00Z', '2025-01-01T00:00:00', '2025-01-01 00:00:00Z', '2025-01-01'])(
    '%s is not RFC 3339',
    (text) => {
      expect(parseRfc3339(text)).toBeNull()
    },
  )

  test('is written in Beijing time, and its day begins at midnight there', () => {
    const at = Date.UTC(2024, 11, 31, 16, 0, 1)
    expect(toBeijingText(at)).toBe('2025-01-01 00:00:01')
    expect(startOfDay(at)).toBe(Date.UTC(2024, 11, 31, 16))
    expect(startOfDay(at - 2000)).toBe(Date.UTC(2024, 11, 30, 16))
  })
})

test.each([
  ['{"a":1,"a":2}', 'a'],
  [String.raw`{"a":1,"\u0061":2}`, 'a'],
  ['{"a":{"b":1,"b":2}}', 'b'],
  ['[{"a":1},{"a":1}]', null],
  ['{"a":"\\"a\\":1","b":"a"}', null],
  ['{"a":{"a":1}}', null],
])('a repeated key in %s: %s', (json, key) => {
  expect(findRepeatedKey(json)).toBe(key)
})
