import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Fields } from '../../../lib/wechat/v2/sign.ts'
import { readUsual } from '../../../lib/wechat/v2/xml-fast-path.ts'
import { readXml } from '../../../lib/wechat/v2/xml.ts'

const fieldsOf = (text: string, root: 'xml' | 'root'): Fields | null => {
  const read = readXml(Buffer.from(text), root)
  return read.ok ? read.value : null
}
/** A declaration before it is not usual, and says nothing: what it stands before goes to the parser. */
const asTheParserReads = (text: string, root: 'xml' | 'root') =>
  fieldsOf(`<?xml version="1.0"?>${text}`, root)

describe('the short way through a message', () => {
  const usual =
    '<xml><appid><![CDATA[wx1]]></appid>\n<total_fee>101</total_fee>\r\n<attach><![CDATA[]]></attach><a></a></xml>\n'

  test('is open to what WeChat writes', () => {
    expect(readUsual(usual, 'xml')).toEqual(
      new Map(Object.entries({ appid: 'wx1', total_fee: '101', attach: '', a: '' })),
    )
  })

  test('is open to the inside of a refund notice', () => {
    expect(readUsual('<root><refund_fee>1</refund_fee></root>', 'root')).toEqual(
      new Map([['refund_fee', '1']]),
    )
  })

  test.each([
    ['a declaration', `<?xml version="1.0"?>${usual}`],
    ['an entity', '<xml><a>&lt;</a></xml>'],
    ['an element that closes itself', '<xml><a/></xml>'],
    ['CDATA beside text', '<xml><a>1<![CDATA[2]]></a></xml>'],
    ['a ] in a value', '<xml><a><![CDATA[1]2]]></a></xml>'],
    ['a carriage return in a value', '<xml><a>1\r\n2</a></xml>'],
    ['a field given twice', '<xml><a>1</a><a>1</a></xml>'],
    ['a name every object has', '<xml><constructor>1</constructor></xml>'],
    ['the name of what it has them from', '<xml><prototype>1</prototype></xml>'],
    ['the beginning of another root', '<abc><a>1</a></xml>'],
    ['the end of another root', '<xml><a>1</a></root>'],
    ['no end', '<xml><a>1</a>'],
    ['something behind the end', '<xml><a>1</a></xml>x'],
  ])('is closed to %s', (_, text) => {
    expect(readUsual(text, 'xml')).toBeNull()
  })

  const piece = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        '<a>',
        '</a>',
        '<b>1</b>',
        '<c><![CDATA[2]]></c>',
        '<![CDATA[',
        ']]>',
        ' ',
        '\n',
        '</xml>',
      ),
    },
    fc.constantFrom(
      '<xml>',
      '<a/>',
      '</b>',
      '<d>',
      '</d>',
      '\r\n',
      '\t',
      ']',
      '>',
      '<',
      '&',
      '&amp;',
      '<!--',
      '-->',
      '<?xml?>',
      '<toString>x</toString>',
      '<prototype>x</prototype>',
    ),
    fc.constantFrom(
      '\uFEFF',
      '\uFFFE',
      '\u0085',
      '\u00A0',
      '\u2028',
      '中',
      '😀',
      'a',
      '=',
      '/',
      '</xml >',
      '<a >',
      '<A>',
      '</A>',
      '</root>',
      '<root>',
    ),
    fc.string({ unit: 'grapheme', maxLength: 3 }),
  )
  const message = fc
    .tuple(
      fc.array(piece, { maxLength: 8 }),
      fc.constantFrom('</xml>', '</xml>\n', '</xml> ', '</xml>\u00A0', ''),
    )
    .map(([pieces, end]) => `<xml>${pieces.join('')}${end}`)

  test('leads to what the parser reads, and to nothing where it refuses', () => {
    fc.assert(
      fc.property(message, (text) => {
        expect(fieldsOf(text, 'xml')).toEqual(asTheParserReads(text, 'xml'))
      }),
      { numRuns: 2_000 },
    )
  })
})
