import { EventEmitter } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { Readable } from 'node:stream'

interface Head {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
}
type Answered = (answer: Readable & Head) => void

/** Node's `request`, as far as the functions use it, over a fetch. */
const requestBy =
  (send: typeof fetch) =>
  (url: string, { method = 'GET', headers = {} }: RequestInit, answered: Answered) => {
    const destroyed = new AbortController()
    const sendRequest = async (body?: string) => {
      const init = { method, headers, signal: destroyed.signal }
      const response = await send(url, body === undefined ? init : { ...init, body })
      answered(
        Object.assign(Readable.from([Buffer.from(await response.arrayBuffer())]), {
          socket: {},
          statusCode: response.status,
          headers: Object.fromEntries(response.headers),
        }),
      )
    }
    const request = new EventEmitter()
    return Object.assign(request, {
      end: (body?: string) =>
        void sendRequest(body).catch((error: unknown) => request.emit('error', error)),
      destroy: () => destroyed.abort(),
    })
  }

/** Replaces `request` of `node:http` or `node:https`. Returns a function that restores it. */
export function replaceRequest(client: { request: unknown }, send: typeof fetch): () => void {
  const { request } = client
  const replace = (by: unknown) => {
    client.request = by
    syncBuiltinESMExports()
  }
  replace(requestBy(send))
  return () => replace(request)
}
