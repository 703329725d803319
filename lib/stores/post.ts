import { tooLarge } from '../http-client/read-no-answer.ts'
import { exchange } from '../http-client/request.ts'

export interface PostAnswer {
  readonly status: number
  readonly text: string
}

/** Far more than a page of orders or of a bill: no answer of a store is larger. */
const MAX_BYTES = 32_000_000

/**
 * One POST to a store, and its whole answer.
 *
 * @throws Error with Node's `code`, or `TimeoutError`
 */
export async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  deadlineMs: number,
): Promise<PostAnswer> {
  const outgoing = { method: 'POST', url, headers, body } as const
  const { status, bytes } = await exchange(outgoing, { maxBytes: MAX_BYTES, deadlineMs })
  if (bytes === null) throw tooLarge()
  return { status, text: bytes.toString('utf8') }
}
