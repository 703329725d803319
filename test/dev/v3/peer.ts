/** The simulator behind a port, and `wechatpay-axios-plugin` as an unmodified client. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import * as v from 'valibot'
import { Aes, Decorator, Formatter, Rsa } from 'wechatpay-axios-plugin'
import {
  demoCertificate,
  demoV3Values,
  demoValues,
  demoWechatPrivateKey,
} from '../../../dev/world/demo-values.ts'
import { createSimulator } from '../../../dev/wechat/create-simulator.ts'
import type { Simulator } from '../../../dev/wechat/simulator.ts'

export const APPID = demoValues.WECHAT_APPID
export const MCHID = demoValues.WECHAT_MCH_ID
export const SERIAL = '5F1A9C03D2E84B7766A1C0FFEE0123456789ABCD'
export const PUBLIC_KEY_ID = demoV3Values.WECHAT_PAY_PUBLIC_KEY_ID
export const PRIVATE_KEY = demoCertificate.WECHAT_PAY_CERT_KEY
const API_KEY = demoV3Values.WECHAT_PAY_V3_KEY

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Peer {
  readonly simulator: Simulator
  readonly url: string
  readonly notifyUrl: string
  readonly received: Received[]
  /** The status that the shop answers to notifications. */
  answer: number
  advance(ms: number): void
  client(keys?: Readonly<Record<string, string>>): ReturnType<typeof Decorator.jsonBased>
  stop(): Promise<void>
}

/** The client takes the time from `Date`, so the clock starts with the real one. */
export async function openPeer(mode: 'public-key' | 'certificates'): Promise<Peer> {
  let ahead = 0
  const simulator = createSimulator({
    appid: APPID,
    appSecret: 's',
    mchId: MCHID,
    payKey: demoValues.WECHAT_PAY_KEY,
    v3: {
      apiKey: API_KEY,
      merchantCertificate: demoCertificate.WECHAT_PAY_CERT,
      ...(mode === 'certificates'
        ? {}
        : { publicKey: { id: PUBLIC_KEY_ID, privateKey: demoWechatPrivateKey } }),
    },
    now: () => Date.now() + ahead,
    advance: (ms) => void (ahead += ms),
  })
  const received: Received[] = []
  const listener = getRequestListener(
    (request, bindings) => simulator.app.fetch(request, { ...bindings }),
    { overrideGlobalObjects: false },
  )
  const server = createServer((incoming, outgoing) => {
    if (incoming.url !== '/shop/notify') return void listener(incoming, outgoing)
    let body = ''
    incoming.on('data', (part: Buffer) => (body += part.toString('utf8')))
    incoming.on('end', () => {
      received.push({ headers: incoming.headers, body })
      outgoing.writeHead(peer.answer).end()
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const url = `http://127.0.0.1:${address.port}`
  const peer: Peer = {
    simulator,
    url,
    notifyUrl: `${url}/shop/notify`,
    received,
    answer: 204,
    advance: (ms) => simulator.advance(ms),
    client: (certs = { [PUBLIC_KEY_ID]: demoV3Values.WECHAT_PAY_PUBLIC_KEY }) => {
      const config = {
        baseURL: url,
        proxy: false,
        mchid: MCHID,
        serial: SERIAL,
        privateKey: PRIVATE_KEY,
        certs,
      }
      return Decorator.jsonBased(config)
    },
    stop: async () => {
      await simulator.stop()
      server.close()
      server.closeAllConnections()
    },
  }
  return peer
}

const notificationSchema = v.object({
  id: v.string(),
  event_type: v.string(),
  resource_type: v.literal('encrypt-resource'),
  resource: v.object({
    original_type: v.string(),
    algorithm: v.literal('AEAD_AES_256_GCM'),
    ciphertext: v.string(),
    associated_data: v.string(),
    nonce: v.string(),
  }),
})

/** Verifies and decrypts a notification as the client's own documentation does. */
export function openNotification(
  { headers, body }: Received,
  key: string = demoV3Values.WECHAT_PAY_PUBLIC_KEY,
) {
  const header = (name: string) => String(headers[`wechatpay-${name}`])
  const message = Formatter.response(header('timestamp'), header('nonce'), body)
  const envelope = v.parse(notificationSchema, JSON.parse(body))
  const { ciphertext, nonce, associated_data } = envelope.resource
  const plain: unknown = JSON.parse(Aes.AesGcm.decrypt(ciphertext, API_KEY, nonce, associated_data))
  return {
    ...envelope,
    serial: header('serial'),
    isGenuine: Rsa.verify(message, header('signature'), key),
    plain,
  }
}

/** The arguments of `wx.requestPayment`. */
export function paymentWith(prepayId: string, over: Record<string, string> = {}) {
  const timeStamp = String(Formatter.timestamp())
  const fields = { timeStamp, nonceStr: Formatter.nonce(), package: `prepay_id=${prepayId}` }
  const message = Formatter.joinedByLineFeed(
    APPID,
    fields.timeStamp,
    fields.nonceStr,
    fields.package,
  )
  return { ...fields, signType: 'RSA', paySign: Rsa.sign(message, PRIVATE_KEY), ...over }
}

export const order = (peer: Peer, over: object = {}) => ({
  appid: APPID,
  mchid: MCHID,
  description: '示例商城-咖啡',
  out_trade_no: 'T20250102000001',
  attach: 'store=1&src=mp',
  notify_url: peer.notifyUrl,
  amount: { total: 101, currency: 'CNY' },
  payer: { openid: 'oDemo000000000000000000User1' },
  ...over,
})
