/** The stand-by host: asked when the first host gives no answer, and never because of what it answers. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterAll, expect, test } from 'vitest'
import { parseOutTradeNo } from '../../../lib/core/ids.ts'
import type { PaySettings } from '../../../lib/wechat/v2/keys.ts'
import { createOrderCalls } from '../../../lib/wechat/v2/pay.ts'
import { signed } from '../../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../../lib/wechat/v2/xml.ts'
import { openOrder } from '../../support/latte.ts'
import { must } from '../../support/must.ts'

const KEY = 'DemoV2ApiKey00000000000000000001'
const ours = {
  return_code: 'SUCCESS',
  appid: 'wx00000000demo0001',
  mch_id: '1900000109',
  nonce_str: '5d2b6c2a8db53831f7eda20af46e531c',
}
const say = (fields: Record<string, string>) =>
  writeXml(signed(new Map(Object.entries({ ...ours, ...fields })), KEY, 'HMAC-SHA256'))
const NOTPAY = say({
  result_code: 'SUCCESS',
  out_trade_no: 'T20250102000001',
  trade_state: 'NOTPAY',
})
const OPEN = { ok: true, value: { state: 'open' } }
const unknown = (silence: object) => ({ ok: false, error: { reason: 'wechat_unknown', silence } })

interface Host {
  readonly url: string
  readonly asked: string[]
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
  const asked: string[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (part: Buffer) => (text += part.toString('utf8')))
    request.on('end', () => {
      asked.push(text)
      behave(response, request)
    })
  })
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { url: `http://127.0.0.1:${address.port}`, asked }
}
const answers =
  (body: string, status = 200): Behaviour =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'text/xml' }).end(body)
const resets: Behaviour = (_response, request) => void request.socket.resetAndDestroy()
const stays: Behaviour = () => undefined
const refused: Host = { url: 'http://127.0.0.1:1', asked: [] }

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

test.concurrent('a first host that refuses connections: the stand-by is asked', async () => {
  const standBy = await openHost(answers(NOTPAY))
  expect(await askOrder(refused, standBy)).toEqual(OPEN)
  expect(standBy.asked).toHaveLength(1)
})

const silences: Record<string, Behaviour> = {
  'resets connections': resets,
  'answers 503': answers('<html></html>', 503),
  'answers 500 with a rightly signed message': answers(NOTPAY, 500),
  'hangs up in the middle of its answer': (response) => {
    response.writeHead(200, { 'content-length': '5000' })
    response.write(NOTPAY)
    setImmediate(() => response.socket?.destroy())
  },
  'never answers': stays,
  'answers more than any message is long': answers('x'.repeat(70_000)),
}
test.concurrent.each(Object.entries(silences))(
  'a first host that %s: the stand-by is asked the very same',
  async (_name, behave) => {
    const [main, standBy] = [await openHost(behave), await openHost(answers(NOTPAY))]
    expect(await askOrder(main, standBy)).toEqual(OPEN)
    expect(main.asked).toHaveLength(1)
    expect(standBy.asked).toEqual(main.asked)
  },
)

const words: Record<string, readonly [Behaviour, unknown]> = {
  'answers rightly': [answers(NOTPAY), OPEN],
  'refuses, rightly signed': [
    answers(say({ result_code: 'FAIL', err_code: 'ORDERNOTEXIST' })),
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
  'is signed wrongly': [
    answers(NOTPAY.replace('NOTPAY', 'SUCCESS')),
    { ok: false, error: { reason: 'wechat_untrusted', check: 'signature' } },
  ],
}
test.concurrent.each(Object.entries(words))(
  'a first host that %s: the stand-by is left alone',
  async (_name, [behave, expected]) => {
    const [main, standBy] = [await openHost(behave), await openHost(answers(NOTPAY))]
    expect(await askOrder(main, standBy)).toEqual(expected)
    expect(standBy.asked).toEqual([])
  },
)

test.concurrent('a first host that answered once is asked first again', async () => {
  const [main, standBy] = [await openHost(answers(NOTPAY)), await openHost(answers(NOTPAY))]
  await askOrder(main, standBy)
  await askOrder(main, standBy)
  expect([main.asked.length, standBy.asked.length]).toEqual([2, 0])
})

test.concurrent('both dead: unknown at once, never a refusal', async () => {
  const startedAt = performance.now()
  expect(await askOrder(await openHost(resets), refused)).toEqual(unknown({ why: 'network' }))
  expect(performance.now() - startedAt).toBeLessThan(1_000)
})

test.concurrent('both silent: unknown within seven seconds and a half, and the stand-by had its chance', async () => {
  const [main, standBy] = [await openHost(stays), await openHost(stays)]
  const startedAt = performance.now()
  expect(await askOrder(main, standBy)).toEqual(unknown({ why: 'timeout' }))
  expect(performance.now() - startedAt).toBeLessThan(7_500)
  expect([main.asked.length, standBy.asked.length]).toEqual([1, 1])
})
