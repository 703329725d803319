/**
 * Reads the bill of a day over APIv2 as a stream. A day of a million rows needs no more memory than
 * a day of a thousand.
 *
 * A bill is not signed. Only TLS shows that it is WeChat's, so no row changes the ledger by itself:
 * see `BilledPayment`.
 */
import type { Day } from '../../core/day.ts'
import type { Failure } from '../../core/failure.ts'
import type { NoAnswer } from '../../core/no-answer.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { download, type Pieces } from '../../http-client/download.ts'
import { NoAnswerError } from '../../http-client/read-no-answer.ts'
import { startBudget } from '../../http-client/time-budget.ts'
import type { BillRow } from '../../ports.ts'
import { createBillReader } from '../bill-text.ts'
import { isKeyRefused, swapKeys, type CallSettings, type PaySettings } from './keys.ts'
import { notAccepted } from './refusals.ts'
import { LEAST_MS, signedRequest } from './transport.ts'
import { Damaged, gunzip } from '../gunzip.ts'
import { MAX_XML_BYTES, readXml } from './xml.ts'

/** WeChat prepares a large bill before it sends the first byte. */
const IDLE_MS = 15_000

/** About ten million rows, more than the deadline allows. The two limits end an endless answer. */
const MAX_COMPRESSED_BYTES = 512 * 1024 * 1024
const MAX_TEXT_BYTES = 4 * 1024 * 1024 * 1024

/**
 * Rows per batch: few enough for one statement, and enough to make the database's latency
 * unimportant.
 */
const BATCH = 500

/** Enough to distinguish gzip, XML and text. */
const HEAD_BYTES = 16

type Batches = AsyncGenerator<Result<readonly BillRow[], Failure>, void, void>

export async function* readBill(settings: CallSettings, day: Day, withinMs: number): Batches {
  const left = startBudget(withinMs)
  for await (const batch of readUnderKey(settings, day, left())) {
    if (settings.otherKey === undefined || !isKeyRefused(batch)) yield batch
    else yield* readUnderKey(swapKeys(settings), day, left())
  }
}

async function* readUnderKey(settings: CallSettings, day: Day, withinMs: number): Batches {
  const content = new Map([
    ['bill_date', day.replaceAll('-', '')],
    ['bill_type', 'ALL'],
    ['tar_type', 'GZIP'],
  ])
  const pieces = await request(settings, signedRequest(settings, content), withinMs)
  if ('why' in pieces) yield err({ reason: 'wechat_unknown', silence: pieces })
  else yield* readAnswer(settings, pieces)
}

/** Uses the first host that begins to answer. */
async function request(
  settings: CallSettings,
  message: ReturnType<typeof signedRequest>,
  withinMs: number,
): Promise<Pieces | NoAnswer> {
  const left = startBudget(withinMs)
  let silence: NoAnswer = { why: 'timeout' }
  for (const host of settings.hosts) {
    if (left() < LEAST_MS) break
    const limits = { deadlineMs: left(), idleMs: IDLE_MS, maxBytes: MAX_COMPRESSED_BYTES }
    const pieces = await download({
      ...message,
      ...limits,
      spanName: 'wechat /pay/downloadbill',
      url: `${host}/pay/downloadbill`,
    })
    if (!('why' in pieces)) return pieces
    silence = pieces
  }
  return silence
}

/** Exported for tests with recorded answers. */
export async function* readAnswer(
  ours: Pick<PaySettings, 'appid' | 'mchId'>,
  pieces: Pieces,
): Batches {
  try {
    yield* readByHead(ours, pieces)
  } catch (cause) {
    if (cause instanceof NoAnswerError)
      yield err({ reason: 'wechat_unknown', silence: cause.noAnswer })
    else if (cause instanceof Damaged) yield err({ reason: 'wechat_untrusted', check: 'encoding' })
    else throw cause
  }
}

/**
 * Distinguishes gzip, a bill and a refusal in XML by their first bytes, because the HTTP headers do
 * not tell.
 */
async function* readByHead(ours: Pick<PaySettings, 'appid' | 'mchId'>, pieces: Pieces): Batches {
  const sent = await peek(pieces)
  const text = isGzip(sent.head) ? await peek(gunzip(sent.whole, MAX_TEXT_BYTES)) : sent
  if (!isXml(text.head)) return yield* readRows(ours, text.whole)
  const refusal = await readRefusal(text.whole)
  if (refusal !== null) yield err(refusal)
}

async function peek(pieces: Pieces): Promise<{ readonly head: Buffer; readonly whole: Pieces }> {
  const iterator = pieces[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  let next = await iterator.next()
  while (next.done !== true) {
    head = Buffer.concat([head, next.value])
    if (head.byteLength >= HEAD_BYTES) break
    next = await iterator.next()
  }
  return {
    head,
    whole: (async function* () {
      try {
        yield head
        yield* { [Symbol.asyncIterator]: () => iterator }
      } finally {
        await iterator.return?.()
      }
    })(),
  }
}

const isGzip = (head: Buffer): boolean => head[0] === 0x1f && head[1] === 0x8b
const isXml = (head: Buffer): boolean => head.toString('utf8').trimStart().startsWith('<')

async function* readRows(ours: Pick<PaySettings, 'appid' | 'mchId'>, pieces: Pieces): Batches {
  const reader = createBillReader(ours)
  let batch: BillRow[] = []
  for await (const piece of pieces) {
    const rows = reader.take(piece)
    if (!rows.ok) return yield err({ reason: 'wechat_untrusted', check: rows.error })
    batch.push(...rows.value)
    if (batch.length < BATCH) continue
    yield ok(batch)
    batch = []
  }
  const whole = reader.end()
  if (!whole.ok) return yield err({ reason: 'wechat_untrusted', check: whole.error })
  if (batch.length > 0) yield ok(batch)
}

/**
 * Null means "no trade on that day". Refusals of this call are never signed, and they have texts
 * instead of codes. An unknown text is a failure: the day stays uncompared, and the next run of
 * cron asks again.
 */
async function readRefusal(pieces: Pieces): Promise<Failure | null> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const piece of pieces) {
    parts.push(piece)
    size += piece.byteLength
    if (size > MAX_XML_BYTES) break
  }
  const read = readXml(Buffer.concat(parts))
  if (!read.ok) return { reason: 'wechat_untrusted', check: read.error }
  if (read.value.get('return_code') !== 'FAIL')
    return { reason: 'wechat_untrusted', check: 'content' }
  const text = read.value.get('return_msg') ?? ''
  if (/no bill exist/i.test(text)) return null
  if (/bill creating/i.test(text)) return { reason: 'bill_not_ready' }
  return /system ?error|compressgzip/i.test(text) ? { reason: 'wechat_unknown' } : notAccepted(text)
}
