import type { Outgoing } from './request.ts'

/**
 * Sends a call to WeChat with `ofetch`, which calls `send` in place of `fetch`. Any status is an
 * answer, and the body is left to the caller. Errors of `ofetch` contain the URL, which may contain
 * a secret: only their cause may be used.
 */
export async function callByOfetch(
  outgoing: Outgoing,
  send: (outgoing: Outgoing) => Promise<Response>,
): Promise<Response> {
  // A function that only answers WeChat does not load it.
  const { createFetch } = await import('ofetch')
  return createFetch({
    fetch: (_url, init) =>
      send({ ...outgoing, headers: Object.fromEntries(new Headers(init?.headers)) }),
  }).raw(outgoing.url, {
    method: outgoing.method,
    ...(outgoing.headers === undefined ? {} : { headers: outgoing.headers }),
    ...(outgoing.body === undefined ? {} : { body: outgoing.body }),
    responseType: 'stream',
    ignoreResponseError: true,
    retry: 0,
  })
}

/** `Response` throws if one of these statuses comes with a body. */
const WITHOUT_BODY: readonly number[] = [204, 205, 304]
export const mayHaveBody = (status: number): boolean => !WITHOUT_BODY.includes(status)
