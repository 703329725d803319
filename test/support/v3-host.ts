/** A made-up WeChat that speaks APIv3 over HTTP. It checks our signature and signs its answers. */
import { verify } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { text } from 'node:stream/consumers'
import { merchantPair, signedHeaders } from './v3-keys.ts'

/** The time of all tests. */
export const AT = new Date('2025-01-02T03:05:02+08:00')

export interface Received {
  readonly method: string
  readonly target: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

/** A reply that is signed over exactly these bytes. */
export function reply(
  status: number,
  json: object | string | null,
  signing: Parameters<typeof signedHeaders>[2] & { readonly at?: Date } = {},
): Reply {
  const body = json === null ? '' : typeof json === 'string' ? json : JSON.stringify(json)
  return { status, headers: signedHeaders(body, signing.at ?? AT, signing), body }
}

export const unsigned = (status: number, json: object | string): Reply => ({
  status,
  headers: {},
  body: typeof json === 'string' ? json : JSON.stringify(json),
})

type Behaviour = (received: Received) => Reply | 'reset' | 'stall' | Promise<Reply>

export interface Host {
  readonly url: string
  readonly received: Received[]
  behave: Behaviour
  close(): Promise<void>
}

export async function openHost(first: Behaviour): Promise<Host> {
  const received: Received[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url = '', headers } = request
    const one = { method, target: url, headers, body: await text(request) }
    received.push(one)
    const answer = await host.behave(one)
    if (answer === 'stall') return
    if (answer === 'reset') request.socket.resetAndDestroy()
    else response.writeHead(answer.status, answer.headers).end(answer.body)
  }
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const host: Host = {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    received,
    behave: first,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return host
}

/** Whether `Authorization` is a signature of the merchant over exactly what arrived. */
export function isSigned({ method, target, headers, body }: Received): boolean {
  const [scheme, list = ''] = (headers.authorization ?? '').split(/ (.*)/)
  const part = (name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(list)?.[1] ?? ''
  const lines = [method, target, part('timestamp'), part('nonce_str'), body, '']
  return (
    scheme === 'WECHATPAY2-SHA256-RSA2048' &&
    part('mchid') === '1900000109' &&
    part('serial_no') === '5157F09EFDC096DE15EBE81A47057A72DE000001' &&
    part('timestamp') === String(AT.getTime() / 1000) &&
    verify(
      'sha256',
      Buffer.from(lines.join('\n')),
      merchantPair.publicKey,
      Buffer.from(part('signature'), 'base64'),
    )
  )
}
