/** The database, Redis and WeChat of a shop, each behind real TLS, as the functions call them. */
import { once } from 'node:events'
import { request as requestOverHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { Shop } from './shop.ts'
import { openPeer, trustPeers, type Peer } from './tls-peer.ts'

const VARIABLES = {
  database: ['NEON_HTTP_ENDPOINT'],
  redis: ['UPSTASH_REDIS_REST_URL'],
  wechat: ['WECHAT_API_URL', 'WECHAT_PAY_URL'],
} as const

export type Service = keyof typeof VARIABLES

export interface TlsServices {
  readonly peers: Readonly<Record<Service, Peer>>
  stop(): Promise<void>
}

/**
 * Must be called before the first request of the instance.
 *
 * @param handle answers a request by `pass`, which asks the service and returns a function that
 *   sends the answer
 */
export async function openTlsServices(
  shop: Shop,
  handle: (
    service: Service,
    request: IncomingMessage,
    pass: () => Promise<() => void>,
  ) => Promise<void> = async (_, __, pass) => (await pass())(),
): Promise<TlsServices> {
  const distrust = trustPeers()
  const open = async (service: Service) => {
    const peer = await openPeer(
      (request, response) =>
        void handle(service, request, () => ask(shop.world.url, request, response)),
    )
    for (const name of VARIABLES[service])
      process.env[name] = (shop.world.env[name] ?? '').replace(shop.world.url, peer.url)
    return peer
  }
  const [database, redis, wechat] = [
    await open('database'),
    await open('redis'),
    await open('wechat'),
  ]
  return {
    peers: { database, redis, wechat },
    stop: async () => {
      await Promise.all([database.stop(), redis.stop(), wechat.stop()])
      distrust()
    },
  }
}

async function ask(
  url: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<() => void> {
  const { method, headers } = request
  const sent = requestOverHttp(url + (request.url ?? ''), { method, headers })
  sent.end(await buffer(request))
  const answered: IncomingMessage = (await once(sent, 'response'))[0]
  const bytes = await buffer(answered)
  // The limit of the world is not that of the services.
  const { 'keep-alive': _, ...kept } = answered.headers
  return () => void response.writeHead(answered.statusCode ?? 500, kept).end(bytes)
}
