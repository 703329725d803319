import type { Render } from './serve.ts'

const xml = (code: string, message: string): string =>
  `<xml><return_code><![CDATA[${code}]]></return_code><return_msg><![CDATA[${message}]]></return_msg></xml>`

/**
 * The answer to a notification, as v2 reads it: one line, no prologue. Anything but SUCCESS makes WeChat call again.
 *
 * The sender learns only that it was refused; the log says why.
 */
export const acknowledge: Render = (handled) => {
  const status = !handled.ok && handled.error.reason === 'body_too_large' ? 413 : 200
  return new Response(handled.ok ? xml('SUCCESS', 'OK') : xml('FAIL', 'NOT TAKEN'), {
    status,
    headers: { 'content-type': 'text/xml; charset=utf-8' },
  })
}
