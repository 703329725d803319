/** Replies of Redis in the JSON of Upstash. */
import { ErrorReply } from 'redis'

export type Outcome = { readonly result: unknown } | { readonly error: string }

/** Converts bytes to the text that the caller requested. */
export type Encoder = (bytes: Buffer) => string

/** With `Upstash-Encoding: base64` every string is Base64, otherwise UTF-8. */
export function encoderFor(header: string | undefined): Encoder {
  return (bytes) => bytes.toString(header === 'base64' ? 'base64' : 'utf8')
}

export function toOutcome(reply: unknown, encoder: Encoder): Outcome {
  return reply instanceof ErrorReply ? { error: reply.message } : { result: encode(reply, encoder) }
}

/** A status is a string, and a bulk string is bytes. The status `OK` is never encoded. */
function encode(reply: unknown, encoder: Encoder): unknown {
  if (Buffer.isBuffer(reply)) return encoder(reply)
  if (typeof reply === 'string') return reply === 'OK' ? reply : encoder(Buffer.from(reply))
  if (reply instanceof ErrorReply) return reply.message
  return Array.isArray(reply) ? reply.map((item) => encode(item, encoder)) : reply
}
