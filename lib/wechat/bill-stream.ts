/** Reads a bill as a stream, for every protocol: expands it, and reads its rows in batches. */
import type { Failure } from '../core/failure.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Pieces } from '../http-client/download.ts'
import { NoAnswerError } from '../http-client/read-no-answer.ts'
import type { BillRow } from '../ports.ts'
import { createBillReader } from './bill-text.ts'
import { Damaged, gunzip } from './gunzip.ts'

export const BILL_LIMITS = {
  /** WeChat prepares a large bill before it sends the first byte. */
  idleMs: 15_000,
  /** About ten million rows, more than the deadline allows. */
  maxBytes: 512 * 1024 * 1024,
}

/** With the limit above, this ends an endless answer. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024 * 1024

/**
 * Rows per batch: few enough for one statement, and enough to make the database's latency
 * unimportant.
 */
const BATCH = 500

/** Enough to distinguish gzip, XML and text. */
const HEAD_BYTES = 16

export type Batches = AsyncGenerator<Result<readonly BillRow[], Failure>, void, void>

interface Peeked {
  readonly head: Buffer
  readonly whole: Pieces
}

/** Expands gzip, which its first bytes show, because the HTTP headers do not tell. */
export async function expand(pieces: Pieces): Promise<Peeked> {
  const sent = await peek(pieces)
  return isGzip(sent.head) ? peek(gunzip(sent.whole, MAX_TEXT_BYTES)) : sent
}

const isGzip = (head: Buffer): boolean => head[0] === 0x1f && head[1] === 0x8b

async function peek(pieces: Pieces): Promise<Peeked> {
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

export async function* readRows(
  ours: { readonly appid: string; readonly mchId: string },
  pieces: Pieces,
): Batches {
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

/** The failure for an error that reading the pieces has thrown. */
export function whyUnreadable(cause: unknown): Failure {
  if (cause instanceof NoAnswerError) return { reason: 'wechat_unknown', silence: cause.noAnswer }
  if (cause instanceof Damaged) return { reason: 'wechat_untrusted', check: 'encoding' }
  throw cause
}
