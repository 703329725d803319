import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'

type Answered = (answer: Readable & { readonly statusCode: number }) => void

/**
 * Node's `request`, as far as the functions use it, by a fetch: whoever watches the one way out, or
 * replaces it, has both.
 */
export const requestBy =
  (send: typeof fetch) =>
  (url: string, { method = 'GET', headers = {}, signal }: RequestInit, answered: Answered) => {
    const given = new AbortController()
    const ask = async (body: string) => {
      const until = AbortSignal.any([
        given.signal,
        ...(signal instanceof AbortSignal ? [signal] : []),
      ])
      const response = await send(url, { method, headers, body, signal: until })
      answered(
        Object.assign(Readable.from([Buffer.from(await response.arrayBuffer())]), {
          statusCode: response.status,
        }),
      )
    }
    const request = new EventEmitter()
    return Object.assign(request, {
      end: (body: string) => void ask(body).catch((error: unknown) => request.emit('error', error)),
      destroy: () => given.abort(),
    })
  }
