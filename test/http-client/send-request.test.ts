/** The outcomes of calls to WeChat for answers that are rare or should never come. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sendRequest } from '../../lib/http-client/send-request.ts'

let reply: string
let received: IncomingHttpHeaders
const server = createServer((request) => {
  received = request.headers
  request.resume().on('end', () => request.socket.end(reply))
})
let url: string
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const send = (answer: string, deadlineMs = 5_000) => {
  reply = answer
  return sendRequest({
    spanName: 'wechat',
    method: 'POST',
    url,
    headers: { 'content-type': 'text/xml; charset=utf-8' },
    body: '<xml/>',
    deadlineMs,
    maxBytes: 100,
    isRepeatable: true,
  })
}
const withBody = (status: number, body: string) =>
  `HTTP/1.1 ${status} X\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`

test('an answer is its status, its headers and its bytes', async () => {
  expect(await send(withBody(200, 'ok'))).toEqual({
    status: 200,
    headers: new Headers({ connection: 'close', 'content-length': '2' }),
    bytes: new Uint8Array(Buffer.from('ok')),
  })
})

test('the headers of an answer without a body arrive, and repeated ones are joined', async () => {
  const head = ['HTTP/1.1 204 X', 'connection: close', 'X-One: a', 'x-one: b', 'set-cookie: c']
  const answer = await send([...head, '\r\n'].join('\r\n'))
  if ('why' in answer) throw new Error('no answer')
  expect([...answer.headers]).toEqual([
    ['connection', 'close'],
    ['set-cookie', 'c'],
    ['x-one', 'a, b'],
  ])
})

test('the request keeps the content type it was given, and asks for no compression', async () => {
  await send(withBody(200, 'ok'))
  expect(received).toMatchObject({
    'content-type': 'text/xml; charset=utf-8',
    'content-length': '6',
    'accept-encoding': 'identity',
    'user-agent': 'wechat-pay-functions',
  })
})

test.each([204, 205, 304])('status %i is an answer without a body', async (status) => {
  expect(await send(withBody(status, ''))).toMatchObject({ status, bytes: new Uint8Array() })
})

test.each([301, 404, 429])('status %i is an answer like any other', async (status) => {
  expect(await send(withBody(status, 'no'))).toMatchObject({ status })
})

test.each([500, 503, 599, 999])('status %i counts as no answer', async (status) => {
  const expected = { why: 'server', code: String(status) }
  expect(await send(withBody(status, 'no'))).toEqual(expected)
  expect(await send(withBody(status, 'x'.repeat(101)))).toEqual(expected)
})

test('an answer of more bytes than allowed is no answer', async () => {
  expect(await send(withBody(200, 'x'.repeat(100)))).toMatchObject({ status: 200 })
  expect(await send(withBody(200, 'x'.repeat(101)))).toEqual({ why: 'too_large' })
})

test('an answer that switches to another protocol is no answer', async () => {
  expect(
    await send(
      ['HTTP/1.1 101 X', 'connection: upgrade', 'upgrade: websocket', '\r\n'].join('\r\n'),
    ),
  ).toEqual({ why: 'network', code: 'ECONNRESET' })
})

test('half an answer is no answer', async () => {
  expect(
    await send('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 10\r\n\r\nhalf'),
  ).toEqual({
    why: 'network',
    code: 'ECONNRESET',
  })
})

test.each(['HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n', 'no HTTP', ''])(
  'what is not HTTP is no answer: %j',
  async (answer) => {
    expect(await send(answer)).toMatchObject({ why: 'network' })
  },
)
