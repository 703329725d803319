import { createServer, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { post } from '../../lib/stores/post.ts'

let answer: (response: ServerResponse, body: string) => void
let connections: number
const server = createServer((request, response) => {
  const pieces: Buffer[] = []
  request
    .on('data', (piece: Buffer) => pieces.push(piece))
    .on('end', () => answer(response, Buffer.concat(pieces).toString()))
})
server.on('connection', () => (connections += 1))
let url: string

beforeEach(async () => {
  connections = 0
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const send = (body = '{}', deadlineMs = 1_000) =>
  post({ url, headers: {}, body, deadlineMs, isRepeatable: true })

test('the whole answer is returned, even if a character arrives in two parts', async () => {
  answer = (response, body) => {
    const [first, second] = [Buffer.from(body).subarray(0, 1), Buffer.from(body).subarray(1)]
    response.writeHead(201).write(first)
    setTimeout(() => response.end(second), 20)
  }
  expect(await send('拿铁')).toEqual({ status: 201, text: '拿铁' })
})

test('consecutive requests use one connection', async () => {
  answer = (response) => void response.end('1')
  for (let request = 0; request < 5; request += 1) await send()
  expect(connections).toBe(1)
})

test('half of an answer is a failure', async () => {
  answer = (response) => {
    response.writeHead(200, { 'content-length': 10 }).write('half')
    setTimeout(() => response.destroy(), 20)
  }
  await expect(send()).rejects.toThrow('aborted')
})

test.each([
  ['never begins', () => undefined],
  ['stops halfway', (response: ServerResponse) => void response.write('half')],
])('an answer that %s is a timeout', async (_, stall) => {
  answer = stall
  await expect(send('{}', 50)).rejects.toMatchObject({ name: 'TimeoutError' })
})

test('an endless answer is too large', async () => {
  answer = (response) => {
    const more = () => {
      while (response.write('x'.repeat(1_000_000)));
    }
    response.on('drain', more)
    more()
  }
  await expect(send('{}', 20_000)).rejects.toThrow('too large')
})

test('a failed request is not repeated, and its error has a code', async () => {
  let requests = 0
  answer = (response) => {
    requests += 1
    response.destroy()
  }
  await expect(send()).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(requests).toBe(1)
})
