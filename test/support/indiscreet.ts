/**
 * Every service at once, and the most indiscreet there could be: whatever goes wrong, it repeats
 * all it was told, keys and tokens included, as proxies and error pages do.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

export const MANNERS = [
  'refuses',
  'refuses us',
  'talks nonsense',
  'breaks off',
  'hangs up',
] as const
export type ServeOptions = (typeof MANNERS)[number]

/** Stands in everything it says. */
export const GOSSIP = 'the-gossip-said'

export interface Indiscreet {
  readonly url: string
  manner: ServeOptions
  /** Everything it was told. */
  readonly heard: string[]
  close(): Promise<void>
}

/** A refusal as each service words it; of the database, for a statement or for what we are. */
function refusal(
  path: string,
  asked: string,
  gossip: string,
  isOurStatement: boolean,
): readonly [status: number, body: string] {
  const code = isOurStatement ? '42601' : '42501'
  if (path.startsWith('/neon'))
    return [400, JSON.stringify({ message: gossip, code, severity: 'ERROR', detail: gossip })]
  if (!path.startsWith('/wechat')) return [401, JSON.stringify({ error: gossip, message: gossip })]
  if (!asked.startsWith('<xml>')) return [200, JSON.stringify({ errcode: 40125, errmsg: gossip })]
  // What WeChat Pay says of a refusal is meant to be logged, and nothing secret is ever sent there.
  return [
    200,
    '<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[invalid mch_id]]></return_msg></xml>',
  ]
}

export async function openIndiscreet(): Promise<Indiscreet> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = await text(request)
    const path = request.url ?? ''
    const gossip = `${GOSSIP} ${path} ${JSON.stringify(request.headers)} ${asked}`
    indiscreet.heard.push(gossip)
    switch (indiscreet.manner) {
      case 'refuses':
      case 'refuses us': {
        const [status, body] = refusal(path, asked, gossip, indiscreet.manner === 'refuses')
        response.writeHead(status, { 'content-type': 'application/json' }).end(body)
        return
      }
      case 'talks nonsense':
        response.writeHead(200, { 'content-type': 'text/html' }).end(`<html>${gossip}`)
        return
      case 'breaks off':
        response
          .writeHead(200, { 'content-length': gossip.length + 100 })
          .write(gossip, () => response.destroy())
        return
      case 'hangs up':
        response.destroy()
    }
  }

  const indiscreet: Indiscreet = {
    url: `http://127.0.0.1:${address.port}`,
    manner: 'refuses',
    heard: [],
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return indiscreet
}
