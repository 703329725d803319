import { acknowledge } from '../lib/http/acknowledge.ts'
import { readBytes } from '../lib/http/body.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { catchUp } from '../lib/steps/catch-up.ts'
import { handleNotification } from '../lib/steps/handle-notification.ts'

/** WeChat waits five seconds; a function that is killed at them would leave no log. */
const ANSWER_WITHIN_MS = 3_500

/** A notification from WeChat in, its acknowledgement out: SUCCESS only once the payment is durable. */
export const post: Handler = async (request, deps) => {
  const bytes = await readBytes(request)
  if (!bytes.ok) return bytes
  const taken = await handleNotification(deps, bytes.value)
  return taken.ok ? reply(200, 'taken') : taken
}

export default serve(
  'notify',
  { POST: post },
  { render: acknowledge, withinMs: ANSWER_WITHIN_MS, afterwards: catchUp },
)
