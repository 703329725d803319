/**
 * Replaces every service by one that fails and repeats its whole request in the error, with all
 * keys and tokens, as proxies and error pages do.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

export const FAILURE_MODES = [
  'refuses the request',
  'refuses our credentials',
  'answers with HTML',
  'cuts its answer short',
  'closes the connection',
] as const
export type FailureMode = (typeof FAILURE_MODES)[number]

/** Part of every leaked text. */
export const LEAKED_TEXT = 'leaked-by-the-service'

export interface LeakyServices {
  readonly url: string
  mode: FailureMode
  /** Every request, as text. */
  readonly requests: string[]
  close(): Promise<void>
}

/**
 * A refusal in the format of each service. The database refuses the statement, or our credentials.
 */
function refusal(
  path: string,
  body: string,
  leak: string,
  isOurStatement: boolean,
): readonly [status: number, body: string] {
  const code = isOurStatement ? '42601' : '42501'
  if (path.startsWith('/neon'))
    return [400, JSON.stringify({ message: leak, code, severity: 'ERROR', detail: leak })]
  if (!path.startsWith('/wechat')) return [401, JSON.stringify({ error: leak, message: leak })]
  if (!body.startsWith('<xml>')) return [200, JSON.stringify({ errcode: 40125, errmsg: leak })]
  // We log WeChat Pay's text of a refusal, and never send it a secret. So this text leaks nothing.
  return [
    200,
    '<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[invalid mch_id]]></return_msg></xml>',
  ]
}

export async function openLeakyServices(): Promise<LeakyServices> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const path = request.url ?? ''
    const leak = `${LEAKED_TEXT} ${path} ${JSON.stringify(request.headers)} ${body}`
    services.requests.push(leak)
    switch (services.mode) {
      case 'refuses the request':
      case 'refuses our credentials': {
        const [status, answerBody] = refusal(
          path,
          body,
          leak,
          services.mode === 'refuses the request',
        )
        response.writeHead(status, { 'content-type': 'application/json' }).end(answerBody)
        return
      }
      case 'answers with HTML':
        response.writeHead(200, { 'content-type': 'text/html' }).end(`<html>${leak}`)
        return
      case 'cuts its answer short':
        response
          .writeHead(200, { 'content-length': leak.length + 100 })
          .write(leak, () => response.destroy())
        return
      case 'closes the connection':
        response.destroy()
    }
  }

  const services: LeakyServices = {
    url: `http://127.0.0.1:${address.port}`,
    mode: 'refuses the request',
    requests: [],
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return services
}
