import { describe, expect, test } from 'vitest'
import { parseLine, parseText } from '../../lib/validation/text.ts'
import { parseUnchanged } from '../../lib/wechat/text.ts'

describe('free text from a request', () => {
  const refused = ['a\0', '\0', '拿铁\ud83e', '\udd14', '\udd14\ud83e']
  const cleanedLater = ['a\u0007', 'a\nb', '\u0085']
  const taken = ['', '拿铁 & <b>', '🤔', '𠮷野家', 'e\u0301', '\u202eb', '\ufffe\uffff', ']]>']

  test.each(refused)('%j is refused', (text) => {
    expect([parseText(text).ok, parseLine(text).ok, parseUnchanged(127)(text).ok]).toEqual([
      false,
      false,
      false,
    ])
  })

  test.each(cleanedLater)('%j is accepted as text and refused as a line', (text) => {
    expect([parseText(text).ok, parseLine(text).ok, parseUnchanged(127)(text).ok]).toEqual([
      true,
      false,
      false,
    ])
  })

  test.each(taken)('%j is accepted unchanged', (text) => {
    expect([parseText(text), parseLine(text)]).toEqual([
      { ok: true, value: text },
      { ok: true, value: text },
    ])
  })
})
