import { createHash } from 'node:crypto'

/** Hex SHA-1 of the texts, in byte order and without a separator. */
export function signatureOf(...texts: readonly string[]): string {
  const inOrder = texts.map((text) => Buffer.from(text, 'utf8')).toSorted(Buffer.compare)
  return createHash('sha1').update(Buffer.concat(inOrder)).digest('hex')
}
