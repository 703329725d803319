/** Messages from the tests of other WeChat Pay libraries, in the file that `PEER_VECTORS` names. */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import type { Fields } from '../../../lib/wechat/fields.ts'
import { sign, verify } from '../../../lib/wechat/v2/sign.ts'
import { isRightlySigned, openData } from '../../../lib/wechat/user-data.ts'
import { readXml } from '../../../lib/wechat/xml.ts'
import { must } from '../../support/must.ts'

const path = process.env['PEER_VECTORS'] ?? ''

const vector = v.object({
  source: v.string(),
  kind: v.string(),
  key: v.string(),
  signType: v.picklist(['MD5', 'HMAC-SHA256']),
  fields: v.record(v.string(), v.string()),
  expectedSign: v.string(),
  xml: v.optional(v.string()),
})
const rawData = v.object({
  key: v.string(),
  fields: v.object({ rawData: v.string() }),
  expectedSign: v.string(),
})
const decryption = v.object({
  kind: v.string(),
  key: v.string(),
  iv: v.optional(v.string(), ''),
  ciphertext: v.optional(v.string(), ''),
  expectedPlaintext: v.optional(v.string(), ''),
  appid: v.optional(v.string(), ''),
})
const loose = v.object({ source: v.string(), kind: v.string(), xml: v.optional(v.string()) })
const collection = v.object({
  vectors: v.array(vector),
  derived: v.array(vector),
  mini: v.array(rawData),
  decrypt: v.array(decryption),
  samples: v.array(loose),
})

const peers: v.InferOutput<typeof collection> =
  path === ''
    ? { vectors: [], derived: [], mini: [], decrypt: [], samples: [] }
    : v.parse(collection, JSON.parse(readFileSync(path, 'utf8')))
const signedOnes = [...peers.vectors, ...peers.derived].map((one, at) => ({ ...one, at }))
const onWire = signedOnes.flatMap((one) =>
  one.xml === undefined ? [] : [{ ...one, xml: one.xml }],
)
const withXml = peers.samples.flatMap((one, at) =>
  one.xml === undefined ? [] : [{ ...one, xml: one.xml, at }],
)
const hostile = withXml.filter(({ kind }) => kind === 'hostile-xml')
/** Real messages without their key. They test which shapes the reader accepts. */
const withoutKey = withXml.filter(({ kind }) => kind !== 'hostile-xml')

const bytes = (text: string) => Buffer.from(text, 'utf8')
const without = (fields: Fields, name: string) =>
  Object.fromEntries([...fields].filter(([other]) => other !== name))
const isNested = (xml: string) => xml.includes('<hblist>')
const isOtherRoot = (xml: string) => xml.startsWith('<root>')
const refusedShapes = withoutKey.filter(({ xml }) => isNested(xml) || isOtherRoot(xml))
const acceptedShapes = withoutKey.filter(({ xml }) => !isNested(xml) && !isOtherRoot(xml))

describe.skipIf(path === '')('the messages of other libraries', () => {
  test('are all present', () => {
    expect([
      signedOnes.length,
      onWire.length,
      hostile.length,
      acceptedShapes.length,
      refusedShapes.length,
    ]).toEqual([124, 39, 4, 21, 2])
  })

  test.for(signedOnes)(
    'no. $at, $kind: our signature is the same ($signType)',
    ({ fields, key, signType, expectedSign }) => {
      expect(sign(new Map(Object.entries(fields)), key, signType)).toBe(expectedSign)
    },
  )

  test.for(onWire)(
    'no. $at, $kind: its XML verifies ($signType)',
    async ({ xml, key, signType }) => {
      expect(verify(must(await readXml(bytes(xml))), key)).toBe(signType)
    },
  )

  test.for(onWire)('no. $at, $kind: its XML has the listed fields', async ({ xml, fields }) => {
    expect(without(must(await readXml(bytes(xml))), 'sign')).toEqual(fields)
  })

  test.for(hostile)('no. $at, hostile XML is refused ($source)', async ({ xml }) => {
    expect((await readXml(bytes(xml))).ok).toBe(false)
  })

  test.for(acceptedShapes)(
    'no. $at, a flat message is read, whatever its key ($source)',
    async ({ xml }) => {
      expect((await readXml(bytes(xml))).ok).toBe(true)
    },
  )

  test.for(acceptedShapes)('no. $at, a message is refused under another key', async ({ xml }) => {
    expect(verify(must(await readXml(bytes(xml))), 'DemoV2ApiKey00000000000000000001')).toBeNull()
  })

  test.for(refusedShapes)(
    'no. $at, a message with nested lists or another root is refused ($source)',
    async ({ xml }) => {
      expect(await readXml(bytes(xml))).toEqual({ ok: false, error: 'syntax' })
    },
  )

  test('blanks around a value belong to the value, because they are signed', async () => {
    const padded = acceptedShapes.find(({ source }) => source.includes('ProfitSharing'))
    expect(must(await readXml(bytes(padded?.xml ?? ''))).get('mch_id')).toBe('\n\t\taseedwq\n\t')
  })

  test.for(peers.mini)(
    'the profile in the Mini Program manual has a valid signature',
    ({ fields, key, expectedSign }) => {
      expect(isRightlySigned(fields.rawData, expectedSign, key)).toBe(true)
    },
  )

  test('the encrypted profile in the Mini Program manual is decrypted', () => {
    const [encrypted] = peers.decrypt.filter(({ kind }) => kind === 'miniapp-encryptedData')
    const opened =
      encrypted === undefined
        ? null
        : openData(encrypted.ciphertext, encrypted.iv, encrypted.key, encrypted.appid)
    expect(opened).toEqual({
      openId: 'oGZUI0egBJY1zhBYw2KhdUfwVJJE',
      unionId: 'ocMvos6NjeKLIBqg5Mr9QjxrP1FA',
      watermark: { timestamp: 1477314187, appid: 'wx4f4bc4dec97d474b' },
    })
  })
})
