/**
 * The stand-by host is called when the first host gives no answer, and never because of its answer.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterAll, expect, test } from 'vitest'
import { parseOutTradeNo } from '../../../lib/core/ids.ts'
import type { PaySettings } from '../../../lib/wechat/v2/keys.ts'
import { createOrderCalls } from '../../../lib/wechat/v2/pay.ts'
import { signed } from '../../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../../lib/wechat/xml.ts'
import { openOrder } from '../../support/latte.ts'
import { must } from '../../support/must.ts'

const KEY = 'DemoV2ApiKey00000000000000000001'
const ours = {
  return_code: 'SUCCESS',
  appid: 'wx00000000demo0001',
  mch_id: '1900000109',
  nonce_str: '5d2b6c2a8db53831f7eda20af46e531c',
}
const signedAnswer = (fields: Record<string, string>) =>
  writeXml(signed(new Map(Object.entries({ ...ours, ...fields })), KEY, 'HMAC-SHA256'))
const NOTPAY = signedAnswer({
  result_code: 'SUCCESS',
  out_trade_no: 'T20250102000001',
  trade_state: 'NOTPAY',
})
const OPEN = { ok: true, value: { state: 'open' } }
const unknown = (silence: object) => ({ ok: false, error: { reason: 'wechat_unknown', silence } })

interface Host {
  readonly url: string
  readonly requests: string[]
}
type Behaviour = (response: ServerResponse, request: IncomingMessage) => void
const servers: Server[] = []
afterAll(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

async function openHost(behave: Behaviour): Promise<Host> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (part: Buffer) => (text += part.toString('utf8')))
    request.on('end', () => {
      requests.push(text)
      behave(response, request)
    })
  })
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { url: `http://127.0.0.1:${address.port}`, requests }
}
const answers =
  (body: string, status = 200): Behaviour =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'text/xml' }).end(body)
const resets: Behaviour = (_response, request) => void request.socket.resetAndDestroy()
const stalls: Behaviour = () => undefined
const refused: Host = { url: 'http://127.0.0.1:1', requests: [] }

function payAt(...hosts: [Host, ...Host[]]) {
  const [first, ...others] = hosts.map(({ url }) => url)
  const settings: PaySettings = {
    appid: ours.appid,
    mchId: ours.mch_id,
    key: KEY,
    signType: 'HMAC-SHA256',
    hosts: [first ?? '', ...others],
  }
  return createOrderCalls({ ...settings, newNonce: () => 'ibuaiVcKdpRxkhJA' })
}
const askOrder = (...hosts: [Host, ...Host[]]) =>
  payAt(...hosts).queryOrder({
    ...openOrder,
    outTradeNo: must(parseOutTradeNo('T20250102000001')),
  })

test.concurrent('a first host that refuses connections: the stand-by is called', async () => {
  const standBy = await openHost(answers(NOTPAY))
  expect(await askOrder(refused, standBy)).toEqual(OPEN)
  expect(standBy.requests).toHaveLength(1)
})

const failures: Record<string, Behaviour> = {
  'resets connections': resets,
  'answers 503': answers('<html></html>', 503),
  'answers 500 with a validly signed message': answers(NOTPAY, 500),
  'hangs up in the middle of its answer': (response) => {
    response.writeHead(200, { 'content-length': '5000' })
    response.write(NOTPAY)
    setImmediate(() => response.socket?.destroy())
  },
  'never answers': stalls,
  'answers more than the size limit': answers('x'.repeat(70_000)),
}
test.concurrent.each(Object.entries(failures))(
  'a first host that %s: the stand-by gets the same request',
  async (_name, behave) => {
    const [first, standBy] = [await openHost(behave), await openHost(answers(NOTPAY))]
    expect(await askOrder(first, standBy)).toEqual(OPEN)
    expect(first.requests).toHaveLength(1)
    expect(standBy.requests).toEqual(first.requests)
  },
)

const usableAnswers: Record<string, readonly [Behaviour, unknown]> = {
  'answers with a valid message': [answers(NOTPAY), OPEN],
  'refuses with a valid signature': [
    answers(signedAnswer({ result_code: 'FAIL', err_code: 'ORDERNOTEXIST' })),
    { ok: true, value: { state: 'missing' } },
  ],
  'refuses without a signature': [
    answers('<xml><return_code>FAIL</return_code><return_msg>no</return_msg></xml>'),
    { ok: false, error: { reason: 'wechat_refused', code: 'FAIL', text: 'no' } },
  ],
  'answers HTML': [
    answers('<!DOCTYPE html>'),
    { ok: false, error: { reason: 'wechat_untrusted', check: 'doctype' } },
  ],
  'answers 404': [
    answers('not here', 404),
    { ok: false, error: { reason: 'wechat_untrusted', check: 'syntax' } },
  ],
  redirects: [
    answers('', 302),
    { ok: false, error: { reason: 'wechat_untrusted', check: 'syntax' } },
  ],
  'answers with an invalid signature': [
    answers(NOTPAY.replace('NOTPAY', 'SUCCESS')),
    { ok: false, error: { reason: 'wechat_untrusted', check: 'signature' } },
  ],
}
test.concurrent.each(Object.entries(usableAnswers))(
  'a first host that %s: the stand-by is not called',
  async (_name, [behave, expected]) => {
    const [first, standBy] = [await openHost(behave), await openHost(answers(NOTPAY))]
    expect(await askOrder(first, standBy)).toEqual(expected)
    expect(standBy.requests).toEqual([])
  },
)

test.concurrent('a first host that answered is called first again', async () => {
  const [first, standBy] = [await openHost(answers(NOTPAY)), await openHost(answers(NOTPAY))]
  await askOrder(first, standBy)
  await askOrder(first, standBy)
  expect([first.requests.length, standBy.requests.length]).toEqual([2, 0])
})

test.concurrent('both refuse connections: an unknown outcome, never a refusal', async () => {
  expect(await askOrder(await openHost(resets), refused)).toEqual(
    unknown({ why: 'network', code: 'ECONNREFUSED' }),
  )
})

test.concurrent('both stall: an unknown outcome after one request to each', async () => {
  const [first, standBy] = [await openHost(stalls), await openHost(stalls)]
  expect(await askOrder(first, standBy)).toEqual(unknown({ why: 'timeout' }))
  expect([first.requests.length, standBy.requests.length]).toEqual([1, 1])
})
