/** Calls the functions with the merchant key. Only this closure holds the key. */

/** Why a call did not succeed. */
export interface Problem {
  /** The functions' own code, or one of the three codes of this client. */
  readonly code: 'offline' | 'too_slow_here' | 'unreadable' | (string & {})
  /** 0 without an answer. */
  readonly status: number
  /** The functions' text, in English. */
  readonly detail: string
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem }

/** Reads the body of an answer. Throws if it does not have the expected form. */
export type Read<T> = (json: unknown) => T

type Query = Readonly<Record<string, string | number | null | undefined>>

export interface Client {
  readonly get: <T>(path: string, query: Query, read: Read<T>) => Promise<Answer<T>>
  readonly send: <T>(
    method: 'POST' | 'PUT',
    path: string,
    body: object,
    read: Read<T>,
  ) => Promise<Answer<T>>
  /** The time of the server in milliseconds. The clock of this computer may be wrong. */
  readonly now: () => number
}

/** The functions answer within 8 seconds. */
const TIMEOUT_MS = 15_000

const failed = (code: Problem['code'], status = 0, detail = ''): Answer<never> => ({
  ok: false,
  problem: { code, status, detail },
})

const textIn = (json: unknown, field: string): string => {
  const value: unknown =
    typeof json === 'object' && json !== null ? Reflect.get(json, field) : undefined
  return typeof value === 'string' ? value : ''
}

export function createClient(key: string): Client {
  let serverTime = Date.now()
  let readAt = performance.now()
  const readClock = (headers: Headers) => {
    const time = Date.parse(headers.get('date') ?? '')
    if (Number.isNaN(time)) return
    serverTime = time
    readAt = performance.now()
  }
  const call = async <T>(
    path: string,
    init: { readonly method: string; readonly body?: string },
    read: Read<T>,
  ): Promise<Answer<T>> => {
    let response: Response
    let json: unknown
    try {
      response = await fetch(path, {
        ...init,
        headers: {
          authorization: `Bearer ${key}`,
          ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        cache: 'no-store',
        credentials: 'omit',
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      readClock(response.headers)
      json = await response.json()
    } catch (error) {
      if (error instanceof SyntaxError) return failed('unreadable')
      const isSlow = error instanceof DOMException && error.name === 'TimeoutError'
      return failed(isSlow ? 'too_slow_here' : 'offline')
    }
    if (!response.ok)
      return failed(textIn(json, 'code') || 'unreadable', response.status, textIn(json, 'detail'))
    try {
      return { ok: true, value: read(json) }
    } catch {
      return failed('unreadable', response.status)
    }
  }
  return {
    get: (path, query, read) => {
      const search = new URLSearchParams()
      for (const [name, value] of Object.entries(query))
        if (value !== null && value !== undefined && value !== '') search.set(name, String(value))
      return call(search.size === 0 ? path : `${path}?${search}`, { method: 'GET' }, read)
    },
    now: () => serverTime + performance.now() - readAt,
    send: (method, path, body, read) => call(path, { method, body: JSON.stringify(body) }, read),
  }
}

/** Whether the call may have had an effect, although no answer says so. */
export const isUnknownOutcome = ({ status, code }: Problem): boolean =>
  status === 0 || status >= 500 || code === 'unreadable'
