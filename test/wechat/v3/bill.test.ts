/** The bill over APIv3: a signed answer names the file and its SHA-1. */
import { createHash, randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseDay } from '../../../lib/core/day.ts'
import type { Failure } from '../../../lib/core/failure.ts'
import type { BillRow } from '../../../lib/ports.ts'
import { readBill } from '../../../lib/wechat/v3/bill.ts'
import { configuredKeys } from '../../../lib/wechat/v3/platform-keys.ts'
import type { V3Settings } from '../../../lib/wechat/v3/settings.ts'
import { writeBill, type BillLine } from '../../support/bill.ts'
import { must } from '../../support/must.ts'
import {
  AT,
  isSigned,
  openHost,
  reply,
  unsigned,
  type Host,
  type Reply,
} from '../../support/v3-host.ts'
import { demoV3 } from '../../support/v3-keys.ts'

const DAY = must(parseDay('2025-01-01'))
const FILE = '/v3/billdownload/file?token=a%2Bb&tartype=gzip'

let host: Host
beforeAll(async () => {
  host = await openHost(() => 'reset')
})
beforeEach(() => {
  host.received.length = 0
})
afterAll(() => host.close())

/** The rows and the last failure. */
async function read(hosts: V3Settings['hosts'] = [host.url]) {
  const settings = {
    ...demoV3,
    hosts,
    newNonce: () => 'n'.repeat(32),
    now: () => AT,
    keys: configuredKeys(demoV3),
  }
  const rows: BillRow[] = []
  let failure: Failure | null = null
  for await (const batch of readBill(settings, DAY, 10_000)) {
    if (batch.ok) rows.push(...batch.value)
    else failure = batch.error
  }
  return { rows, failure }
}

const sha1 = (bytes: string | Buffer) => createHash('sha1').update(bytes).digest('hex')
function serve(text: string, file: Reply, named: object = {}) {
  host.behave = ({ target }) =>
    target === FILE
      ? file
      : reply(200, {
          hash_type: 'SHA1',
          hash_value: sha1(text),
          download_url: host.url + FILE,
          ...named,
        })
}
const plain = (text: string | Buffer): Reply => ({ status: 200, headers: {}, body: text })

const line = (number: number): BillLine => ({
  outTradeNo: `LATTE-${String(number).padStart(6, '0')}`,
  transactionId: `42000025002025010100000${String(number).padStart(5, '0')}`,
  totalFee: 2800 + number,
})
const bill = writeBill([line(1), line(2)])
const untrusted = (check: string) => ({ reason: 'wechat_untrusted', check })

test.each([
  ['as text', plain(bill)],
  ['compressed', plain(gzipSync(bill))],
])('a bill is read %s', async (_how, file) => {
  serve(bill, file)
  const { rows, failure } = await read()
  expect(failure).toBeNull()
  expect(rows).toMatchObject([{ outTradeNo: 'LATTE-000001' }, { outTradeNo: 'LATTE-000002' }])
})

test('both requests are signed over their targets, and the file is asked for as WeChat named it', async () => {
  serve(bill, plain(bill))
  await read()
  expect(host.received.map(({ method, target }) => [method, target])).toEqual([
    ['GET', '/v3/bill/tradebill?bill_date=2025-01-01&bill_type=ALL&tar_type=GZIP'],
    ['GET', FILE],
  ])
  expect(host.received.every(isSigned)).toBe(true)
})

test('the file may be on the stand-by host', async () => {
  serve(bill, plain(bill))
  expect(await read(['http://127.0.0.1:9', host.url])).toMatchObject({ failure: null })
})

test('the hash is compared without regard to letter case', async () => {
  serve(bill, plain(bill), { hash_value: sha1(bill).toUpperCase() })
  expect(await read()).toMatchObject({ failure: null })
})

test('a large bill arrives in batches', async () => {
  const large = writeBill(Array.from({ length: 1_234 }, (_, index) => line(index)))
  serve(large, plain(gzipSync(large)))
  const { rows, failure } = await read()
  expect([rows.length, failure]).toEqual([1_234, null])
})

describe('a bill is refused at its end', () => {
  test.each([
    ['if one amount was changed', plain(bill.replaceAll('28.01', '28.03'))],
    ['if one amount was changed, compressed', plain(gzipSync(bill.replaceAll('28.01', '28.03')))],
    ['if it is a whole bill of another day', plain(writeBill([line(3)]))],
    ['if the hash is of the compressed file', plain(gzipSync(bill))],
  ])('%s', async (how, file) => {
    serve(bill, file, how.includes('compressed file') ? { hash_value: sha1(gzipSync(bill)) } : {})
    expect(await read()).toMatchObject({ failure: untrusted('content') })
  })

  test('if it is truncated at any byte', async () => {
    const bytes = gzipSync(bill)
    for (let length = 0; length < bytes.length; length += 20) {
      serve(bill, plain(bytes.subarray(0, length)))
      expect((await read()).failure).toMatchObject({ reason: 'wechat_untrusted' })
    }
  })

  test('if it is noise', async () => {
    serve(bill, plain(randomBytes(5_000)))
    expect((await read()).failure).toMatchObject({ reason: 'wechat_untrusted' })
  })

  test('if its address has expired', async () => {
    serve(bill, unsigned(400, { code: 'INVALID_REQUEST', message: 'expired' }))
    expect((await read()).failure).toMatchObject({ reason: 'wechat_untrusted' })
  })
})

test.each([
  ['that is reset', (): 'reset' => 'reset', { why: 'network', code: 'ECONNRESET' }],
  ['that a gateway answers', () => unsigned(502, ''), { why: 'server', code: '502' }],
])('a download %s has an unknown outcome', async (_what, file, silence) => {
  const named = reply(200, {
    hash_type: 'SHA1',
    hash_value: sha1(bill),
    download_url: host.url + FILE,
  })
  host.behave = ({ target }) => (target === FILE ? file() : named)
  expect(await read()).toEqual({ rows: [], failure: { reason: 'wechat_unknown', silence } })
})

describe('nothing is downloaded', () => {
  test.each<readonly [string, Reply, Failure | null]>([
    ['for a day without trade', reply(400, { code: 'NO_STATEMENT_EXIST' }), null],
    ['for a day without trade, in an older form', reply(400, { code: 'NOSTATEMENTEXIST' }), null],
    [
      'while WeChat makes the bill',
      reply(400, { code: 'STATEMENT_CREATING' }),
      { reason: 'bill_not_ready' },
    ],
    [
      'if the day is refused',
      reply(400, { code: 'INVALID_REQUEST' }),
      { reason: 'wechat_refused', code: 'INVALID_REQUEST', text: '' },
    ],
    ['if WeChat is busy', reply(429, { code: 'FREQUENCY_LIMITED' }), { reason: 'wechat_busy' }],
    [
      'if the code is unknown',
      reply(400, { code: 'A_CODE_OF_TOMORROW' }),
      { reason: 'wechat_unknown', silence: { why: 'server', code: 'A_CODE_OF_TOMORROW' } },
    ],
    [
      'if an unsigned answer says that there was no trade',
      unsigned(400, { code: 'NO_STATEMENT_EXIST' }),
      { reason: 'wechat_untrusted', check: 'signature' },
    ],
    [
      'if the answer names no file',
      reply(200, {}),
      { reason: 'wechat_untrusted', check: 'content' },
    ],
  ])('%s', async (_what, answer, failure) => {
    host.behave = () => answer
    expect(await read()).toEqual({ rows: [], failure })
    expect(host.received).toHaveLength(1)
  })

  test('if the merchant may not have bills', async () => {
    host.behave = () => reply(403, { code: 'NO_AUTH' })
    expect((await read()).failure).toMatchObject({
      reason: 'wechat_misconfigured',
      code: 'NO_AUTH',
    })
  })

  test.each([
    { hash_type: 'MD5' },
    { hash_value: 'abc' },
    { hash_value: `${sha1(bill)}0` },
    { hash_value: `0${sha1(bill)}` },
    { download_url: 'not an address' },
    { download_url: 'file:///etc/passwd' },
    { download_url: 'http://169.254.169.254/latest' },
    { download_url: 'https://weixin.qq.com.example/v3/file' },
    { download_url: 'https://api.weixin.qq.com.example/v3/file' },
    { download_url: 'http://api.mch.weixin.qq.com/v3/file' },
    { download_url: 'http://api.wechatpay.cn/v3/file' },
  ])('if the answer has %j', async (named) => {
    serve(bill, plain(bill), named)
    expect((await read()).failure).toEqual(untrusted('content'))
    expect(host.received).toHaveLength(1)
  })
})
