import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cleanText } from '../../lib/wechat/text.ts'
import { readXml, writeXml } from '../../lib/wechat/xml.ts'
import { must } from '../support/must.ts'

const bytes = (xml: string) => Buffer.from(xml, 'utf8')
const echo = async (text: string) =>
  must(await readXml(bytes(writeXml(new Map([['attach', text]]))))).get('attach')

/**
 * Texts that break careless writers, and random texts. A carriage return is left out, because XML
 * turns it into a line feed.
 */
const piece = fc.oneof(
  fc.constantFrom(
    ']]>',
    ']]',
    '>',
    '&',
    '<',
    '"',
    "'",
    '&amp;',
    '<![CDATA[',
    '</attach>',
    '<!--',
    '<?xml?>',
    ' ',
    '\t',
    '\n',
    '中',
    '拿铁',
    '😀',
  ),
  fc.string({ unit: 'grapheme', maxLength: 5 }).filter((text) => !text.includes('\r')),
)
const value = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
const name = fc
  .stringMatching(/^[a-z][a-z0-9_]{0,11}$/)
  .filter((text) => !(text in Object.prototype))
const message = fc
  .uniqueArray(fc.tuple(name, value), { minLength: 1, maxLength: 8, selector: ([own]) => own })
  .map((all) => new Map(all))

describe('the XML that we write', () => {
  test('is one line without a prologue, with every value in CDATA', () => {
    expect(writeXml(new Map(Object.entries({ appid: 'wx1', total_fee: '101' })))).toBe(
      '<xml><appid><![CDATA[wx1]]></appid><total_fee><![CDATA[101]]></total_fee></xml>',
    )
  })

  test('splits a ]]> over two sections', () => {
    expect(writeXml(new Map([['a', 'x]]>y']]))).toBe(
      '<xml><a><![CDATA[x]]]]><![CDATA[>y]]></a></xml>',
    )
  })

  test('is read back unchanged, with any values', async () => {
    await fc.assert(
      fc.asyncProperty(message, async (fields) => {
        expect(must(await readXml(bytes(writeXml(fields))))).toEqual(fields)
      }),
      { numRuns: 300 },
    )
  })

  test('is refused when it is truncated', async () => {
    await fc.assert(
      fc.asyncProperty(message, fc.nat(), async (fields, cut) => {
        const whole = bytes(writeXml(fields))
        expect((await readXml(whole.subarray(0, cut % whole.length))).ok).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})

describe('the text of a payer', () => {
  const hostile = fc.constantFrom(
    '<!',
    '<',
    '!',
    'DOCTYPE',
    'doctype',
    '<!DOCTYPE',
    '<!ENTITY',
    'ENTITY',
    '\u0007',
    '😀',
    ' ',
  )
  const anything = fc
    .array(fc.oneof(piece, hostile), { maxLength: 8 })
    .map((pieces) => pieces.join(''))

  test('comes back from WeChat unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(anything, async (written) => {
        const sent = cleanText(written, 127)
        expect(await echo(sent)).toBe(sent)
      }),
      { numRuns: 500 },
    )
  })

  test.each(['<!DOCTYPE xml>', '<!doctype', 'a<!ENTITY b', '<!\u0007DOCTYPE'])(
    'is cleaned of %s, because the notification would be unreadable',
    async (written) => {
      const sent = cleanText(written, 127)
      expect(await readXml(bytes(writeXml(new Map([['attach', sent]]))))).toMatchObject({
        ok: true,
      })
    },
  )
})
