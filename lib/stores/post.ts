import { tooLarge } from '../http-client/read-no-answer.ts'
import { exchange, type Outgoing } from '../http-client/request.ts'

export interface PostAnswer {
  readonly status: number
  readonly text: string
}

/** Far more than a page of orders or of a bill: no answer of a store is larger. */
const MAX_BYTES = 32_000_000

interface Post extends Pick<Outgoing, 'url' | 'headers' | 'body' | 'isRepeatable'> {
  readonly deadlineMs: number
}

/**
 * One POST to a store, and its whole answer.
 *
 * @throws Error with Node's `code`, or `TimeoutError`
 */
export async function post({ deadlineMs, ...content }: Post): Promise<PostAnswer> {
  const limits = { maxBytes: MAX_BYTES, deadlineMs }
  const { status, bytes } = await exchange({ method: 'POST', ...content }, limits)
  if (bytes === null) throw tooLarge()
  return { status, text: bytes.toString('utf8') }
}
