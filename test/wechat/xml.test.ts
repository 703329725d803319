import { describe, expect, test } from 'vitest'
import { MAX_XML_BYTES, readXml } from '../../lib/wechat/xml.ts'

const read = (xml: string | Uint8Array) =>
  readXml(typeof xml === 'string' ? Buffer.from(xml, 'utf8') : xml)
const fields = async (xml: string | Uint8Array) => {
  const result = await read(xml)
  return result.ok ? Object.fromEntries(result.value) : result.error
}
const inElement = (...inside: readonly number[]) =>
  Buffer.concat([Buffer.from('<xml><a>'), Buffer.from(inside), Buffer.from('</a></xml>')])

describe('a message is read', () => {
  test.each([
    [
      'plain values and CDATA alike',
      '<xml><total_fee>101</total_fee><a><![CDATA[101]]></a></xml>',
      { total_fee: '101', a: '101' },
    ],
    [
      'an empty element as an empty value',
      '<xml><a></a><b><![CDATA[]]></b><c/></xml>',
      { a: '', b: '', c: '' },
    ],
    [
      'numbers as text',
      '<xml><a>007</a><b>1e3</b><c>0x10</c><d>1.10</d></xml>',
      { a: '007', b: '1e3', c: '0x10', d: '1.10' },
    ],
    ['true and null as text', '<xml><a>true</a><b>null</b></xml>', { a: 'true', b: 'null' }],
    [
      'blanks around a value as part of it',
      '<xml><a>  x </a><b><![CDATA[ y\t]]></b></xml>',
      { a: '  x ', b: ' y\t' },
    ],
    [
      'CDATA and text in one value as one text',
      '<xml><a>x<![CDATA[&lt;]]>&lt;</a></xml>',
      { a: 'x&lt;<' },
    ],
    [
      'a ]]> split over two CDATA sections',
      '<xml><a><![CDATA[x]]]]><![CDATA[>y]]></a></xml>',
      { a: 'x]]>y' },
    ],
    [
      'elements inside CDATA as text',
      '<xml><a><![CDATA[</a><b>1</b>]]></a></xml>',
      { a: '</a><b>1</b>' },
    ],
    ['the five entities', '<xml><a>&lt;&gt;&amp;&quot;&apos;</a></xml>', { a: `<>&"'` }],
    ['character references', '<xml><a>&#65;&#x4E2D;&#x1F600;</a></xml>', { a: 'A中😀' }],
    ['references to white space', '<xml><a>&#9;&#10;&#13;&#32;</a></xml>', { a: '\t\n\r ' }],
    [
      'references to the characters around the surrogates',
      '<xml><a>&#xD7FF;&#xE000;</a></xml>',
      { a: '\uD7FF\uE000' },
    ],
    [
      'references to the last characters of Unicode',
      '<xml><a>&#xFFFD;&#x10000;&#x10FFFF;</a></xml>',
      { a: '\uFFFD\u{10000}\u{10FFFF}' },
    ],
    ['an escaped entity once, not twice', '<xml><a>&amp;lt;</a></xml>', { a: '&lt;' }],
    [
      'an XML declaration',
      '<?xml version="1.0" encoding="UTF-8"?>\n<xml><a>1</a></xml>',
      { a: '1' },
    ],
    ['a byte order mark', '\uFEFF<xml><a>1</a></xml>', { a: '1' }],
    ['Windows line breaks between elements', '<xml>\r\n<a>1</a>\r\n</xml>\r\n', { a: '1' }],
    [
      'a Windows line break inside a value as a line feed, as XML requires',
      '<xml><a><![CDATA[1\r\n2]]></a></xml>',
      { a: '1\n2' },
    ],
    [
      'a name of 64 characters',
      `<xml><a${'b'.repeat(63)}>1</a${'b'.repeat(63)}></xml>`,
      { [`a${'b'.repeat(63)}`]: '1' },
    ],
    ['no fields at all', '<xml></xml>', {}],
  ])('with %s', async (_, xml, expected) => {
    expect(await fields(xml)).toEqual(expected)
  })
})

describe('a message is refused', () => {
  test.each([
    ['an empty text', ''],
    ['blanks only', ' \n '],
    ['JSON', '{"return_code":"SUCCESS"}'],
    ['the error page of a gateway', '<html><body><h1>502 Bad Gateway</h1></body></html>'],
    ['another root', '<root><a>1</a></root>'],
    ['a root in capitals', '<XML><a>1</a></XML>'],
    ['two roots', '<xml><a>1</a></xml><xml><b>1</b></xml>'],
    ['text before the root', 'x<xml><a>1</a></xml>'],
    ['text after the root', '<xml><a>1</a></xml>x'],
    ['text between its elements', '<xml>x<a>1</a></xml>'],
    ['a written-out \\n between its elements', '<xml>\\n<a>1</a></xml>'],
    ['CDATA between its elements', '<xml><![CDATA[x]]><a>1</a></xml>'],
    ['an attribute on the root', '<xml a="1"><a>1</a></xml>'],
    ['an attribute on a field', '<xml><a b="1">1</a></xml>'],
    ['an attribute without a value', '<xml><a b>1</a></xml>'],
    ['a namespace', '<xml xmlns="urn:x"><a>1</a></xml>'],
    ['a prefixed name', '<xml><x:a>1</x:a></xml>'],
    ['a comment before the root', '<!-- x --><xml><a>1</a></xml>'],
    ['a comment after the root', '<xml><a>1</a></xml><!-- x -->'],
    ['a comment between its elements', '<xml><!-- x --><a>1</a></xml>'],
    ['a comment inside a value', '<xml><total_fee>1<!-- x -->01</total_fee></xml>'],
    ['a processing instruction before the root', '<?php x ?><xml><a>1</a></xml>'],
    ['a processing instruction inside a value', '<xml><a>1<?php x ?>2</a></xml>'],
    ['an element inside a field', '<xml><a><b>1</b></a></xml>'],
    ['a field given twice', '<xml><total_fee>1</total_fee><total_fee>101</total_fee></xml>'],
    [
      'a field given twice, once empty',
      '<xml><total_fee></total_fee><total_fee>101</total_fee></xml>',
    ],
    ['a name with a dash', '<xml><a-b>1</a-b></xml>'],
    ['a Chinese name', '<xml><金额>1</金额></xml>'],
    ['a name of 65 characters', `<xml><a${'b'.repeat(64)}>1</a${'b'.repeat(64)}></xml>`],
    ['a field called __proto__', '<xml><__proto__>1</__proto__></xml>'],
    ['a field called constructor', '<xml><constructor>1</constructor></xml>'],
    ['a field called hasOwnProperty', '<xml><hasOwnProperty>1</hasOwnProperty></xml>'],
    ['an end tag of another name', '<xml><a>1</b></xml>'],
    ['a field that is not closed', '<xml><a>1</xml>'],
    ['a root that is not closed', '<xml><a>1</a>'],
    ['CDATA that is not closed', '<xml><a><![CDATA[1</a></xml>'],
    ['an unknown entity', '<xml><a>&xxe;</a></xml>'],
    ['a bare ampersand', '<xml><a>a & b</a></xml>'],
    ['an entity without its semicolon', '<xml><a>a &amp b</a></xml>'],
    ['a reference to no character', '<xml><a>&#0;</a></xml>'],
    ['a reference to a control character', '<xml><a>&#31;</a></xml>'],
    ['a reference to a high surrogate', '<xml><a>&#xD800;</a></xml>'],
    ['a reference to a low surrogate', '<xml><a>&#xDFFF;</a></xml>'],
    ['a reference to the noncharacter U+FFFE', '<xml><a>&#xFFFE;</a></xml>'],
    ['a reference to the noncharacter U+FFFF', '<xml><a>&#xFFFF;</a></xml>'],
    ['a reference beyond Unicode', '<xml><a>&#x110000;</a></xml>'],
    ['a reference with a letter before it', '<xml><a>&a#65;</a></xml>'],
    ['a hexadecimal reference with a letter before it', '<xml><a>&a#x41;</a></xml>'],
    ['a reference with a letter after it', '<xml><a>&#65z;</a></xml>'],
    ['a hexadecimal reference with a letter after it', '<xml><a>&#x41z;</a></xml>'],
    ['a reference with too many leading zeros', '<xml><a>&#000000065;</a></xml>'],
    ['a hexadecimal reference with too many leading zeros', '<xml><a>&#x000000041;</a></xml>'],
    ['a NUL', '<xml><a>1\0</a></xml>'],
    ['a control character inside a value', '<xml><a>1\u0007</a></xml>'],
    ['a control character inside CDATA', '<xml><a><![CDATA[1\u001F]]></a></xml>'],
    ['a control character above U+007F', '<xml><a>1\u0085</a></xml>'],
    ['a declaration inside', '<xml><!ELEMENT xml ANY><a>1</a></xml>'],
    ['a section that is not CDATA', '<xml><a><![XDATA[1]]></a></xml>'],
    ['a Unicode blank inside a tag', '<xml><a\u2003>1</a></xml>'],
    ['an entity after the root', '<xml><a>1</a></xml>&amp;'],
    ['a declaration after the root', '<xml><a>1</a></xml><?xml version="1.0"?>'],
    ['two roots, the first one empty', '<xml/><xml><a>1</a></xml>'],
    ['only a declaration', '<?xml version="1.0"?>'],
    ['UTF-16', Buffer.from('<xml><a>1</a></xml>', 'utf16le')],
  ])('for %s', async (_, xml) => {
    expect(await fields(xml)).toBe('syntax')
  })

  test.each([
    ['a DOCTYPE', '<!DOCTYPE xml><xml><a>1</a></xml>'],
    ['a doctype in lower case', '<!doctype xml><xml><a>1</a></xml>'],
    [
      'an external entity',
      '<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/hostname">]><xml><a>&x;</a></xml>',
    ],
    ['an entity declared anywhere', '<xml><a>1</a><!Entity x "y"></xml>'],
    ['a DOCTYPE after a byte order mark', '\uFEFF<!DOCTYPE xml><xml><a>1</a></xml>'],
    [
      'a DOCTYPE inside CDATA, because parsers may differ about its end',
      '<xml><a><![CDATA[<!DOCTYPE xml>]]></a></xml>',
    ],
  ])('for %s, before it is parsed', async (_, xml) => {
    expect(await fields(xml)).toBe('doctype')
  })

  test.each([
    ['a byte that is never UTF-8', inElement(0xff)],
    ['GBK', inElement(0xd6, 0xd0)],
    ['an overlong <', inElement(0xc0, 0xbc)],
    ['a truncated Chinese character', inElement(0xe4, 0xb8)],
    ['an encoded surrogate', inElement(0xed, 0xa0, 0x80)],
  ])('for %s, before it is parsed', async (_, bytes) => {
    expect(await fields(bytes)).toBe('encoding')
  })
})

describe('the size of a message', () => {
  const ofBytes = (size: number) =>
    `<xml><a>${'x'.repeat(size - '<xml><a></a></xml>'.length)}</a></xml>`

  test('is at most 64 KiB', () => {
    expect(MAX_XML_BYTES).toBe(65_536)
  })

  test('may be exactly 64 KiB', async () => {
    expect((await read(ofBytes(65_536))).ok).toBe(true)
  })

  test('may not be 64 KiB and one byte', async () => {
    expect(await fields(ofBytes(65_537))).toBe('size')
  })

  test('is measured in bytes, not in characters', async () => {
    expect(await fields(`<xml><a>${'中'.repeat(21_840)}</a></xml>`)).toBe('size')
  })
})
