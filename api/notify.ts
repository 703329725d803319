import { readBytes } from '../lib/http/body.ts'
import { reply, serve, type Handler, type Render } from '../lib/http/serve.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { handleNotification } from '../lib/steps/handle-notification.ts'

/**
 * WeChat waits five seconds. The answer comes earlier, so that a slow request still leaves a line
 * in the log.
 */
const ANSWER_WITHIN_MS = 3_500

/** Receives a message from WeChat. It is acknowledged only after its payment is stored. */
export const post: Handler = async (request, deps) => {
  const bytes = await readBytes(request)
  if (!bytes.ok) return bytes
  const taken = await handleNotification(deps, { ...headOf(request), bytes: bytes.value })
  return taken.ok ? reply(200, 'taken') : taken
}

/**
 * Receives a message without a body. WeChat sends one to check the address that was entered for
 * message push.
 */
export const get: Handler = post

const headOf = ({ url, headers }: Request) => ({ headers, query: new URL(url).searchParams })

const acknowledge: Render = async (handled, request, { notifications }) => {
  const { status, contentType, body } = await notifications.acknowledge(headOf(request), handled)
  return new Response(body, { status, headers: { 'content-type': contentType } })
}

export default serve(
  'notify',
  { GET: get, POST: post },
  { render: acknowledge, withinMs: ANSWER_WITHIN_MS, afterwards: catchUp },
)
