import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Interrupted } from '../http-client.ts'

/** What came is not what gzip writes, or expands beyond all measure. */
export class Damaged extends Error {
  constructor() {
    super('a compressed stream cannot be read')
    this.name = 'Damaged'
  }
}

const PIECE_BYTES = 64 * 1024

/**
 * Expands a gzip stream piece by piece, and checks its length and checksum at the end: what is cut off is not whole.
 *
 * A few bytes may expand to any number of them, so there is a limit on what comes out too.
 *
 * @throws Damaged, and Interrupted when the stream itself is.
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
    throw cause instanceof Interrupted ? cause : new Damaged()
  }
  if (size > maxBytes) throw new Damaged()
}
