import { readBytes } from '../lib/http/body.ts'
import { reply, serve, type Handler, type Render } from '../lib/http/serve.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { handleNotification } from '../lib/steps/handle-notification.ts'

/**
 * WeChat waits five seconds. The answer comes earlier, so that a slow request still leaves a line
 * in the log.
 */
const ANSWER_WITHIN_MS = 3_500

/** Receives a notification from WeChat. It is acknowledged only after its payment is stored. */
export const post: Handler = async (request, deps) => {
  const bytes = await readBytes(request)
  if (!bytes.ok) return bytes
  const taken = await handleNotification(deps, { ...headOf(request), bytes: bytes.value })
  return taken.ok ? reply(200, 'taken') : taken
}

const headOf = ({ url, headers }: Request) => ({ headers, query: new URL(url).searchParams })

const acknowledge: Render = async (handled, request, { notifications }) => {
  const { status, contentType, body } = await notifications.acknowledge(headOf(request), handled)
  return new Response(body, { status, headers: { 'content-type': contentType } })
}

export default serve(
  'notify',
  { POST: post },
  { render: acknowledge, withinMs: ANSWER_WITHIN_MS, afterwards: catchUp },
)
