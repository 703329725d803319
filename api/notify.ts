import { readBytes } from '../lib/http/body.ts'
import { reply, serve, type Handled, type Handler, type Render } from '../lib/http/serve.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { handleNotification } from '../lib/steps/handle-notification.ts'

/**
 * WeChat waits five seconds. The answer comes earlier, so that a slow request still leaves a line
 * in the log.
 */
const ANSWER_WITHIN_MS = 3_500

/** Receives a message from WeChat. A payment is acknowledged only after it is stored. */
export const post: Handler = async (request, deps) => {
  const bytes = await readBytes(request)
  return bytes.ok ? receive(request, deps, bytes.value) : bytes
}

/** WeChat checks the address that was entered for message push. The message has no body. */
export const get: Handler = (request, deps) => receive(request, deps, new Uint8Array())

const receive = async (
  request: Request,
  deps: Parameters<Handler>[1],
  bytes: Uint8Array,
): Promise<Handled> => {
  const taken = await handleNotification(deps, { ...headOf(request), bytes })
  return taken.ok ? reply(200, 'taken') : taken
}

const headOf = ({ url, headers }: Request) => ({ headers, query: new URL(url).searchParams })

const acknowledge: Render = async (handled, request, { notifications }) => {
  const { status, contentType, body } = await notifications.acknowledge(headOf(request), handled)
  return new Response(body, { status, headers: { 'content-type': contentType } })
}

export default serve(
  'notify',
  { GET: get, POST: post },
  {
    render: acknowledge,
    withinMs: ANSWER_WITHIN_MS,
    afterwards: catchUp,
    waitsFor: { POST: ['database', 'redis'] },
  },
)
