import type { Fault } from './faults.ts'

/** A message as it goes over the wire: whole, half of it, or with one byte that no UTF-8 text holds. */
export function toBytes(
  message: string | Uint8Array<ArrayBuffer>,
  fault: Fault | null,
): Uint8Array<ArrayBuffer> {
  const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : message
  if (fault?.do === 'stall' || fault?.do === 'truncate') return bytes.subarray(0, bytes.length / 2)
  if (fault?.do === 'garble') bytes[Math.floor(bytes.length / 2)] = 0xff
  return bytes
}

/** A body that gives these bytes and then neither ends nor breaks. */
export const withoutEnd = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  new ReadableStream({ start: (controller) => controller.enqueue(bytes) })
