import { EventEmitter } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { Socket } from 'node:net'
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

interface Client {
  request: unknown
  readonly Agent: { readonly prototype: { createConnection: unknown } }
}

/**
 * Replaces `request` of `node:http` or `node:https`, and opens no connection in advance. Returns a
 * function that restores both.
 */
export function replaceRequest(client: Client, send: typeof fetch): () => void {
  const { request } = client
  const agent = client.Agent.prototype
  const { createConnection } = agent
  agent.createConnection = () => new Socket()
  const replace = (by: unknown) => {
    client.request = by
    syncBuiltinESMExports()
  }
  replace(requestBy(send))
  return () => {
    agent.createConnection = createConnection
    replace(request)
  }
}
