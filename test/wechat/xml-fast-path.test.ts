import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Fields } from '../../lib/wechat/fields.ts'
import { readUsual } from '../../lib/wechat/xml-fast-path.ts'
import { readXml } from '../../lib/wechat/xml.ts'

const fieldsOf = async (text: string, root: 'xml' | 'root'): Promise<Fields | null> => {
  const read = await readXml(Buffer.from(text), root)
  return read.ok ? read.value : null
}

/**
 * A declaration has no meaning and is not on the fast path, so it sends the message to the parser.
 */
const parseSlowly = (text: string, root: 'xml' | 'root') =>
  fieldsOf(`<?xml version="1.0"?>${text}`, root)

describe('the fast path of XML', () => {
  const usualMessage =
    '<xml><appid><![CDATA[wx1]]></appid>\n<total_fee>101</total_fee>\r\n<attach><![CDATA[]]></attach><a></a></xml>\n'

  test('accepts the messages that WeChat writes', () => {
    expect(readUsual(usualMessage, 'xml')).toEqual(
      new Map(Object.entries({ appid: 'wx1', total_fee: '101', attach: '', a: '' })),
    )
  })

  test('accepts the content of a refund notification', () => {
    expect(readUsual('<root><refund_fee>1</refund_fee></root>', 'root')).toEqual(
      new Map([['refund_fee', '1']]),
    )
  })

  test.each([
    ['a declaration', `<?xml version="1.0"?>${usualMessage}`],
    ['an entity', '<xml><a>&lt;</a></xml>'],
    ['a self-closing element', '<xml><a/></xml>'],
    ['CDATA beside text', '<xml><a>1<![CDATA[2]]></a></xml>'],
    ['a ] in a value', '<xml><a><![CDATA[1]2]]></a></xml>'],
    ['a carriage return in a value', '<xml><a>1\r\n2</a></xml>'],
    ['a field given twice', '<xml><a>1</a><a>1</a></xml>'],
    ['the name "constructor"', '<xml><constructor>1</constructor></xml>'],
    ['the name "prototype"', '<xml><prototype>1</prototype></xml>'],
    ['the start tag of another root', '<abc><a>1</a></xml>'],
    ['the end tag of another root', '<xml><a>1</a></root>'],
    ['no end tag', '<xml><a>1</a>'],
    ['text after the end', '<xml><a>1</a></xml>x'],
  ])('leaves %s to the parser', (_, text) => {
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

  test('reads what the parser reads, and refuses what the parser refuses', async () => {
    await fc.assert(
      fc.asyncProperty(message, async (text) => {
        expect(await fieldsOf(text, 'xml')).toEqual(await parseSlowly(text, 'xml'))
      }),
      { numRuns: 2_000 },
    )
  })
})
