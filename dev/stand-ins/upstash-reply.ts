/** Redis replies as Upstash puts them into JSON. */
import { ErrorReply } from 'redis'

export type Outcome = { readonly result: unknown } | { readonly error: string }

/** Bytes to the text the caller asked for. */
export type Encoder = (bytes: Buffer) => string

/** With `Upstash-Encoding: base64` every string is base64; without, UTF-8. */
export function encoderFor(header: string | undefined): Encoder {
  return (bytes) => bytes.toString(header === 'base64' ? 'base64' : 'utf8')
}

export function toOutcome(reply: unknown, encoder: Encoder): Outcome {
  return reply instanceof ErrorReply ? { error: reply.message } : { result: encode(reply, encoder) }
}

/** A status arrives as a string, a bulk string as bytes. `OK` is the one status that is never encoded. */
function encode(reply: unknown, encoder: Encoder): unknown {
  if (Buffer.isBuffer(reply)) return encoder(reply)
  if (typeof reply === 'string') return reply === 'OK' ? reply : encoder(Buffer.from(reply))
  if (reply instanceof ErrorReply) return reply.message
  return Array.isArray(reply) ? reply.map((item) => encode(item, encoder)) : reply
}
