import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cleanText, parseUnchanged } from '../../lib/wechat/text.ts'

describe('text for WeChat', () => {
  test.each([
    ['Chinese is kept', '示例商城-咖啡', '示例商城-咖啡'],
    ['an emoji is removed', '拿铁😀咖啡', '拿铁咖啡'],
    ['a rare character of four bytes is removed', '𠮷野家', '野家'],
    ['line feeds, tabs and bells are removed', 'a\nb\tc\u0007d', 'abcd'],
    ['half of a surrogate pair is removed', 'a\uD83Db', 'ab'],
    ['a noncharacter is removed', 'a\uFFFEb\uFFFFc', 'abc'],
    ['spaces at both ends are removed', '  latte ', 'latte'],
    ['a text of emoji alone becomes empty', '😀😀', ''],
    ['markup is kept', '<b>&]]', '<b>&]]'],
    [
      'the end of a CDATA section is removed, because WeChat returns the text inside one',
      'a]]>b]]]>>c',
      'a]]b]]]c',
    ],
    ['a query string is kept', 'store=1&src=mp', 'store=1&src=mp'],
  ])('%s', (_, text, clean) => {
    expect(cleanText(text, 127)).toBe(clean)
  })

  test('is cut at 127 bytes: 42 Chinese characters', () => {
    expect(cleanText('茶'.repeat(50), 127)).toBe('茶'.repeat(42))
  })

  test('is cut before the first character that does not fit, even if a later one would fit', () => {
    expect(cleanText('aa茶b', 4)).toBe('aa')
  })

  test('is kept whole if its bytes equal the limit', () => {
    expect(cleanText('a茶', 4)).toBe('a茶')
  })
})

describe('any text, once cleaned,', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: 'grapheme', maxLength: 60 }),
  )
  const limit = fc.integer({ min: 0, max: 130 })

  test('fits its limit in bytes', () => {
    fc.assert(
      fc.property(anyText, limit, (text, maxBytes) => {
        expect(Buffer.byteLength(cleanText(text, maxBytes), 'utf8')).toBeLessThanOrEqual(maxBytes)
      }),
    )
  })

  test('is never cut inside a character', () => {
    fc.assert(
      fc.property(anyText, limit, (text, maxBytes) => {
        const clean = cleanText(text, maxBytes)
        expect([clean.isWellFormed(), cleanText(text, 1_000).includes(clean)]).toEqual([true, true])
      }),
    )
  })

  test('contains no character of four bytes and no control character', () => {
    fc.assert(
      fc.property(anyText, limit, (text, maxBytes) => {
        expect(cleanText(text, maxBytes)).not.toMatch(/[\u{10000}-\u{10FFFF}\p{Cc}]/u)
      }),
    )
  })

  test('does not change when it is cleaned again', () => {
    fc.assert(
      fc.property(anyText, limit, (text, maxBytes) => {
        const clean = cleanText(text, maxBytes)
        expect(cleanText(clean, maxBytes)).toBe(clean)
      }),
    )
  })

  test('text that must come back unchanged is accepted if and only if cleaning does not change it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.integer({ min: 0, max: 130 }),
        (text, maxBytes) => {
          expect(parseUnchanged(maxBytes)(text).ok).toBe(cleanText(text, maxBytes) === text)
        },
      ),
    )
  })
})
