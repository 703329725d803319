import type { Fault } from './faults.ts'

/** A message as it goes over the wire: whole, half of it, or with one byte that no UTF-8 text holds. */
export function toBytes(text: string, fault: Fault | null): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(text)
  if (fault?.do === 'stall') return bytes.subarray(0, bytes.length / 2)
  if (fault?.do === 'garble') bytes[Math.floor(bytes.length / 2)] = 0xff
  return bytes
}

/** A body that gives these bytes and then neither ends nor breaks. */
export const withoutEnd = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  new ReadableStream({ start: (controller) => controller.enqueue(bytes) })
