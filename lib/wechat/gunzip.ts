import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { NoAnswerError } from '../http-client/read-no-answer.ts'

/** The bytes are not valid gzip, or they expand beyond the limit. */
export class Damaged extends Error {
  constructor() {
    super('a compressed stream cannot be read')
    this.name = 'Damaged'
  }
}

const PIECE_BYTES = 64 * 1024

/**
 * Expands a gzip stream piece by piece, and checks its length and checksum at the end. A stream
 * that was cut off fails this check.
 *
 * A few bytes can expand to any number, so the output is limited, too.
 *
 * @throws Damaged, and NoAnswerError if the stream itself breaks off
 */
export async function* gunzip(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void> {
  const source = Readable.from(chunks, { objectMode: true, highWaterMark: 1 })
  const expanded: AsyncIterable<Uint8Array> = pipeline(
    source,
    createGunzip({ chunkSize: PIECE_BYTES }),
    () => undefined,
  )
  let size = 0
  try {
    for await (const piece of expanded) {
      size += piece.byteLength
      if (size > maxBytes) break
      yield piece
    }
  } catch (cause) {
    throw cause instanceof NoAnswerError ? cause : new Damaged()
  }
  if (size > maxBytes) throw new Damaged()
}
