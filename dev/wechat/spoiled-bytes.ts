import type { Fault } from './faults.ts'

/**
 * The bytes of a message as they are sent: all, half of them, or with one byte that is invalid
 * UTF-8.
 */
export function toBytes(
  message: string | Uint8Array<ArrayBuffer>,
  fault: Fault | null,
): Uint8Array<ArrayBuffer> {
  const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : message
  if (fault?.do === 'stall' || fault?.do === 'truncate') return bytes.subarray(0, bytes.length / 2)
  if (fault?.do === 'garble') bytes[Math.floor(bytes.length / 2)] = 0xff
  return bytes
}

/** A body that sends these bytes and then neither ends nor fails. */
export const withoutEnd = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  new ReadableStream({ start: (controller) => controller.enqueue(bytes) })
