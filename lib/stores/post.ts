/**
 * One POST to a store and its whole answer, by Node's own client over kept connections: fetch
 * computes twice as long for the same. One attempt, and the deadline covers the answer to its last
 * byte.
 */
import { request as requestInTheClear, type IncomingMessage } from 'node:http'
import { request as requestOverTls } from 'node:https'
import { TOO_LARGE } from '../core/no-answer.ts'

export interface PostAnswer {
  readonly status: number
  readonly text: string
}

/** Far more than a page of orders or of a bill: what is larger is no answer of a store's. */
const MOST_CHARACTERS = 32_000_000

/**
 * @throws Error with Node's `code` where nothing came, `TimeoutError` where it did not come in
 * time.
 */
export async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  deadlineMs: number,
): Promise<PostAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<PostAnswer>()
  const read = (answer: IncomingMessage) => {
    let text = ''
    answer
      .setEncoding('utf8')
      .on('data', (piece: string) => {
        text += piece
        if (text.length > MOST_CHARACTERS)
          giveUp(Object.assign(new Error('an answer too large'), { code: TOO_LARGE }))
      })
      .on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      .on('error', reject)
  }
  const options = {
    method: 'POST',
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
  }
  const request = url.startsWith('https:')
    ? requestOverTls(url, options, read)
    : requestInTheClear(url, options, read)
  const giveUp = (why: Error) => {
    reject(why)
    request.destroy()
  }
  const timer = setTimeout(
    () => giveUp(new DOMException('no answer in time', 'TimeoutError')),
    deadlineMs,
  )
  request.on('error', reject).end(body)
  return promise.finally(() => clearTimeout(timer))
}
