/** The bill reader accepts everything that WeChat writes, and nothing else. */
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { createGzip, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Failure } from '../../../lib/core/failure.ts'
import type { BillRow } from '../../../lib/ports.ts'
import { readAnswer, readBill } from '../../../lib/wechat/v2/bill.ts'
import type { PaySettings } from '../../../lib/wechat/v2/keys.ts'
import { Damaged, gunzip } from '../../../lib/wechat/gunzip.ts'
import { verify } from '../../../lib/wechat/v2/sign.ts'
import { readXml } from '../../../lib/wechat/xml.ts'
import { openBillHost, type BillHost } from './bill-host.ts'
import {
  ALL_COLUMNS,
  refusal,
  writeBill,
  type BillLine,
  type BillStyle,
} from '../../support/bill.ts'

const ours: PaySettings = {
  appid: 'wx00000000demo0001',
  mchId: '1900000109',
  key: 'DemoV2ApiKey00000000000000000001',
  signType: 'HMAC-SHA256',
  hosts: ['http://127.0.0.1:9'],
}

const sample = (name: string): Buffer =>
  readFileSync(new URL(`../../fixtures/${name}`, import.meta.url))

async function* pieces(...parts: readonly Uint8Array[]) {
  for (const part of parts) yield part
}

/** All rows, or the last failure. */
async function collect(
  batches: ReturnType<typeof readAnswer>,
): Promise<readonly BillRow[] | Failure> {
  const rows: BillRow[] = []
  for await (const batch of batches) {
    if (!batch.ok) return batch.error
    rows.push(...batch.value)
  }
  return rows
}

const read = (content: string | Uint8Array) =>
  collect(readAnswer(ours, pieces(Buffer.from(content))))
const untrusted = (check: string) => ({ reason: 'wechat_untrusted', check })

const payment = (number: number): BillLine => ({
  outTradeNo: `2026112012000000000000000000${String(number).padStart(4, '0')}`,
  transactionId: `42000025002026112000000${String(number).padStart(5, '0')}`,
  totalFee: 2800 + number,
})

describe('the recorded bill', () => {
  const bill = v.parse(
    v.object({ text: v.string(), gzipBase64: v.string(), bom: v.string() }),
    JSON.parse(sample('downloadbill-response.all.json').toString('utf8')),
  )
  const rows = [
    {
      kind: 'payment',
      outTradeNo: '20250102030405000000000000000001',
      transactionId: '4200002500202501020000000001',
      totalFee: 101,
      feeType: 'CNY',
    },
    {
      kind: 'refund',
      outTradeNo: '20250102030405000000000000000001',
      transactionId: '4200002500202501020000000001',
      outRefundNo: 'R20250102030405000000000000000001',
      refundId: '50300002502025010200000000001',
      refundFee: 50,
      refundStatus: 'SUCCESS',
    },
  ]

  test.each([
    ['as text', Buffer.from(bill.text)],
    ['compressed', Buffer.from(bill.gzipBase64, 'base64')],
    ['with a byte order mark', Buffer.from(bill.bom)],
    ['with a byte order mark, compressed', gzipSync(bill.bom)],
    ['with bare line feeds', Buffer.from(bill.text.replaceAll('\r\n', '\n'))],
    ['without its last line end', Buffer.from(bill.text.trimEnd())],
  ])('is a payment and a refund, %s', async (_how, bytes) => {
    expect(await read(bytes)).toEqual(rows)
  })

  test('is refused if it is truncated at any byte', async () => {
    const counted = bill.text.lastIndexOf('`2,') + 2
    for (let length = 0; length < counted; length += 1)
      expect(await read(bill.text.slice(0, length))).toMatchObject({ reason: 'wechat_untrusted' })
  })

  test('is refused if its compressed form is truncated at any byte', async () => {
    const bytes = Buffer.from(bill.gzipBase64, 'base64')
    for (let length = 0; length < bytes.length; length += 1)
      expect(await read(bytes.subarray(0, length))).toMatchObject({ reason: 'wechat_untrusted' })
  })
})

test('the recorded "No Bill Exist" is a day without transactions', async () => {
  expect(await read(sample('downloadbill-response.no-bill.xml'))).toEqual([])
})

test.each([
  ['NO BILL EXIST', []],
  ['Bill Creating', { reason: 'bill_not_ready' }],
  ['SYSTEMERROR', { reason: 'wechat_unknown' }],
  ['CompressGZip Error', { reason: 'wechat_unknown' }],
  ['UnCompressGZip Error', { reason: 'wechat_unknown' }],
  ['invalid bill_type', { reason: 'wechat_refused', code: 'FAIL', text: 'invalid bill_type' }],
  ['SIGN ERROR', expect.objectContaining({ reason: 'wechat_misconfigured', code: 'SIGNERROR' })],
])('the refusal %j is recognised, compressed or not', async (text, expected) => {
  expect(await read(refusal(text))).toEqual(expected)
  expect(await read(gzipSync(refusal(text)))).toEqual(expected)
})

describe('a bill is refused', () => {
  const good = writeBill([payment(1), payment(2)])
  test.each([
    [
      'that is an error page of a gateway',
      '<!DOCTYPE html><html><body>502 Bad Gateway</body></html>',
      'doctype',
    ],
    [
      'that is an XML message of success',
      '<xml><return_code>SUCCESS</return_code></xml>',
      'content',
    ],
    ['that is empty', '', 'content'],
    ['that is another text', 'OK', 'content'],
    ['whose summary counts more rows', writeBill([payment(1)], { count: 2 }), 'content'],
    ['whose summary counts fewer rows', writeBill([payment(1)], { count: 0 }), 'content'],
    ['that continues after its summary', `${good}${good}`, 'syntax'],
    ['with a row that is too short', good.replace(',`CNY', ''), 'syntax'],
    ['with an extra field', good.replace(',`CNY', ',`CNY,`CNY'), 'syntax'],
    ['of another merchant', good.replace('`1900000109', '`1900000999'), 'merchant'],
    ['with an amount in another form', good.replaceAll('`28.01', '`2.801e1'), 'content'],
    ['with an amount of three decimals', good.replaceAll('`28.01', '`28.010'), 'content'],
    [
      'without an amount of the order',
      writeBill([payment(1)], { columns: ALL_COLUMNS.filter((name) => name !== '订单金额') }),
      'content',
    ],
    [
      'without order numbers',
      writeBill([payment(1)], { columns: ALL_COLUMNS.filter((name) => name !== '商户订单号') }),
      'content',
    ],
    ['with a line break inside a row', good.replace('`拿铁', '`拿\n铁'), 'syntax'],
    ['with a NUL in a number', good.replace('`4200', '`4\x00200'), 'content'],
    ['with an endless line', `${good.split('\r\n')[0]}\r\n\`${'8'.repeat(200_000)}`, 'size'],
  ])('%s', async (_what, text, check) => {
    expect(await read(text)).toEqual(untrusted(check))
    expect(await read(gzipSync(text))).toEqual(untrusted(check))
  })

  test('that is not UTF-8', async () => {
    expect(await read(Buffer.from(good, 'utf16le'))).toEqual(untrusted('content'))
  })

  test('whose compressed form is damaged', async () => {
    const bytes = gzipSync(good)
    bytes[bytes.length - 6] = (bytes[bytes.length - 6] ?? 0) ^ 1
    expect(await read(bytes)).toEqual(untrusted('encoding'))
  })

  test('that expands without limit', async () => {
    const gzip = createGzip()
    const zeros = Buffer.alloc(1 << 20, 0x30)
    const fill = () => {
      while (gzip.write(zeros));
    }
    gzip.on('drain', fill)
    fill()
    expect(await collect(readAnswer(ours, gzip))).toEqual(untrusted('size'))
    gzip.destroy()
  })
})

test('the expansion of compressed data stops at its limit', async () => {
  const expand = async () => {
    for await (const piece of gunzip(pieces(gzipSync(Buffer.alloc(1_000_000))), 500_000))
      expect(piece.byteLength).toBeLessThanOrEqual(65_536)
  }
  await expect(expand()).rejects.toBeInstanceOf(Damaged)
})

test('the rows of the merchant’s other apps are counted and left out', async () => {
  const lines = [payment(1), { ...payment(2), appid: 'wx00000000other001' }, payment(3)]
  expect(await read(writeBill(lines))).toMatchObject([{ totalFee: 2801 }, { totalFee: 2803 }])
})

test('a row that is neither payment nor refund is reported, not skipped', async () => {
  expect(await read(writeBill([{ ...payment(1), tradeState: 'REVOKED' }]))).toMatchObject([
    { kind: 'other', tradeState: 'REVOKED' },
  ])
})

test('an older bill with other names and fewer columns is read', async () => {
  const older = writeBill([payment(1)], {
    columns: ALL_COLUMNS.filter(
      (name) => !['应结订单金额', '申请退款金额', '费率备注', '特约商户号'].includes(name),
    ),
  })
  expect(
    await read(older.replace(',订单金额,', ',总金额,').replace(/,订单金额(?=\r)/, ',总金额')),
  ).toMatchObject([{ totalFee: 2801 }])
})

describe('any bill that WeChat may write', () => {
  const word = (min: number, max: number) =>
    fc.string({
      unit: fc.constantFrom(
        ...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-|*'.split(''),
      ),
      minLength: min,
      maxLength: max,
    })
  const fen = fc.integer({ min: 1, max: 2_147_483_647 })
  const line: fc.Arbitrary<BillLine> = fc.oneof(
    fc.record({
      outTradeNo: word(6, 32),
      transactionId: word(28, 32),
      totalFee: fen,
      body: fc.string({ unit: 'grapheme', maxLength: 20 }),
    }),
    fc.record({
      outTradeNo: word(6, 32),
      transactionId: word(28, 32),
      outRefundNo: word(1, 64),
      refundId: word(28, 32),
      refundFee: fen,
      refundStatus: fc.constantFrom('SUCCESS', 'PROCESSING', 'FAIL', 'CHANGE'),
    }),
  )
  const style: fc.Arbitrary<BillStyle> = fc.record({
    columns: fc.shuffledSubarray([...ALL_COLUMNS], { minLength: ALL_COLUMNS.length }),
    lineEnd: fc.constantFrom('\r\n', '\n'),
    mark: fc.constantFrom('', '\uFEFF'),
  })
  const toRow = (from: BillLine) => {
    if ('outRefundNo' in from) return { kind: 'refund', ...from }
    const { outTradeNo, transactionId, totalFee } = from
    return { kind: 'payment', outTradeNo, transactionId, totalFee, feeType: 'CNY' }
  }

  test('is read back unchanged from chunks of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        style,
        fc.boolean(),
        fc.array(fc.nat(3_000), { maxLength: 12 }),
        async (lines, how, isCompressed, cuts) => {
          const text = Buffer.from(writeBill(lines, how))
          const bytes = isCompressed ? gzipSync(text) : text
          const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted(
            (a, b) => a - b,
          )
          const parts = places.slice(1).map((place, index) => bytes.subarray(places[index], place))
          expect(await collect(readAnswer(ours, pieces(...parts)))).toEqual(lines.map(toRow))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('is read back unchanged byte by byte', async () => {
    const bytes = Buffer.from(
      writeBill([payment(1), { ...payment(2), body: '大杯，拿铁, 热\n😀' }]),
    )
    expect(
      await collect(readAnswer(ours, pieces(...[...bytes].map((byte) => Buffer.from([byte]))))),
    ).toHaveLength(2)
  })

  test('is returned in batches', async () => {
    const sizes: number[] = []
    const bill = gzipSync(writeBill(Array.from({ length: 9_999 }, (_, number) => payment(number))))
    for await (const batch of readAnswer(ours, pieces(bill)))
      sizes.push(batch.ok ? batch.value.length : -1)
    expect(sizes.reduce((sum, size) => sum + size)).toBe(9_999)
    expect(Math.max(...sizes)).toBeLessThan(1_000)
  })
})

describe('a bill over HTTP', () => {
  let server: BillHost
  beforeAll(async () => {
    server = await openBillHost()
  })
  afterAll(() => server.close())
  const requestBill = (withinMs = 5_000, hosts: PaySettings['hosts'] = [server.url]) =>
    readBill(
      { ...ours, hosts, newNonce: () => '21df7dc9cd8616b56919f20d9f679233' },
      '2026-11-20',
      withinMs,
    )

  test('our request has the fields of the recorded one, a valid signature, and asks for compression', async () => {
    const recorded = await readXml(sample('downloadbill-request.md5.xml'))
    expect(recorded.ok && verify(recorded.value, ours.key)).toBe('MD5')
    server.bills.set('20261120', [payment(1)])
    expect(await collect(requestBill())).toHaveLength(1)
    const sent = await readXml(Buffer.from(server.requests.at(-1) ?? ''))
    if (!sent.ok || !recorded.ok) throw new Error('unreadable')
    expect(verify(sent.value, ours.key)).toBe('HMAC-SHA256')
    expect([...sent.value.keys()].toSorted()).toEqual(
      [...recorded.value.keys(), 'sign_type', 'tar_type'].toSorted(),
    )
    expect(Object.fromEntries(sent.value)).toMatchObject({
      bill_date: '20261120',
      bill_type: 'ALL',
      tar_type: 'GZIP',
    })
  })

  test('a bill that the HTTP client has already decompressed is read', async () => {
    server.bills.set('20261120', (response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(writeBill([payment(1)])))
    })
    expect(await collect(requestBill())).toHaveLength(1)
  })

  test('a 502 is no answer, and the stand-by host is called', async () => {
    server.bills.set(
      '20261120',
      (response) => void response.writeHead(502).end(gzipSync(writeBill([payment(1)]))),
    )
    expect(await collect(requestBill())).toEqual({
      reason: 'wechat_unknown',
      silence: { why: 'server', code: '502' },
    })
    server.bills.set('20261120', [payment(1)])
    expect(await collect(requestBill(5_000, ['http://127.0.0.1:9', server.url]))).toHaveLength(1)
  })

  test('an answer that stalls or breaks off is an unknown outcome in time', async () => {
    const half = gzipSync(writeBill([payment(1)])).subarray(0, 100)
    server.bills.set('20261120', (response) => void response.write(half))
    expect(await collect(requestBill(500))).toEqual({
      reason: 'wechat_unknown',
      silence: { why: 'timeout' },
    })
    server.bills.set(
      '20261120',
      (response) => void response.write(half, () => setImmediate(() => response.destroy())),
    )
    expect(await collect(requestBill())).toEqual({
      reason: 'wechat_unknown',
      silence: { why: 'network', code: 'ECONNRESET' },
    })
  })

  test('a slow reader gets the whole bill from a server that closes after the last byte', async () => {
    const closed = Promise.withResolvers<void>()
    server.bills.set('20261120', (response) => {
      response.setHeader('connection', 'close')
      response.socket?.once('close', () => closed.resolve())
      response.end(writeBill(Array.from({ length: 3_000 }, (_, number) => payment(number))))
    })
    let rows = 0
    for await (const batch of requestBill()) {
      await closed.promise
      rows += batch.ok ? batch.value.length : Number.NaN
    }
    expect(rows).toBe(3_000)
  })

  test('a reader that stops closes the connection', async () => {
    const closed = Promise.withResolvers<void>()
    server.bills.set('20261120', (response) => {
      const bill = Buffer.from(
        writeBill(Array.from({ length: 2_000 }, (_, number) => payment(number))),
      )
      void once(response, 'close').then(() => closed.resolve())
      response.write(bill.subarray(0, -200))
    })
    for await (const batch of requestBill()) {
      expect(batch.ok).toBe(true)
      break
    }
    await closed.promise
  })
})
