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
import { err } from '../../core/result.ts'
import { download, type Pieces } from '../../http-client/download.ts'
import { startBudget } from '../../http-client/time-budget.ts'
import { BILL_LIMITS, expand, readRows, whyUnreadable, type Batches } from '../bill-stream.ts'
import { isKeyRefused, swapKeys, type CallSettings, type PaySettings } from './keys.ts'
import { notAccepted } from './refusals.ts'
import { LEAST_MS, signedRequest } from './transport.ts'
import { MAX_XML_BYTES, readXml } from '../xml.ts'

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
    const pieces = await download({
      ...message,
      ...BILL_LIMITS,
      deadlineMs: left(),
      spanName: 'wechat /pay/downloadbill',
      isRepeatable: true,
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
    yield err(whyUnreadable(cause))
  }
}

/** Distinguishes a bill and a refusal in XML by their first bytes. */
async function* readByHead(ours: Pick<PaySettings, 'appid' | 'mchId'>, pieces: Pieces): Batches {
  const text = await expand(pieces)
  if (!isXml(text.head)) return yield* readRows(ours, text.whole)
  const refusal = await readRefusal(text.whole)
  if (refusal !== null) yield err(refusal)
}

const isXml = (head: Buffer): boolean => head.toString('utf8').trimStart().startsWith('<')

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
  const read = await readXml(Buffer.concat(parts))
  if (!read.ok) return { reason: 'wechat_untrusted', check: read.error }
  if (read.value.get('return_code') !== 'FAIL')
    return { reason: 'wechat_untrusted', check: 'content' }
  const text = read.value.get('return_msg') ?? ''
  if (/no bill exist/i.test(text)) return null
  if (/bill creating/i.test(text)) return { reason: 'bill_not_ready' }
  return /system ?error|compressgzip/i.test(text) ? { reason: 'wechat_unknown' } : notAccepted(text)
}
