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

test('gives the whole answer, also one whose characters come in halves', async () => {
  answer = (response, body) => {
    const [first, second] = [Buffer.from(body).subarray(0, 1), Buffer.from(body).subarray(1)]
    response.writeHead(201).write(first)
    setTimeout(() => response.end(second), 20)
  }
  expect(await post(url, {}, '拿铁', 1_000)).toEqual({ status: 201, text: '拿铁' })
})

test('uses one connection for one request after another', async () => {
  answer = (response) => void response.end('1')
  for (let request = 0; request < 5; request += 1) await post(url, {}, '{}', 1_000)
  expect(connections).toBe(1)
})

test('gives no answer for half of one', async () => {
  answer = (response) => {
    response.writeHead(200, { 'content-length': 10 }).write('half')
    setTimeout(() => response.destroy(), 20)
  }
  await expect(post(url, {}, '{}', 1_000)).rejects.toThrow('aborted')
})

test.each([
  ['never begins', () => undefined],
  ['stops on its way', (response: ServerResponse) => void response.write('half')],
])('waits for an answer that %s no longer than it may', async (_, stall) => {
  answer = stall
  await expect(post(url, {}, '{}', 50)).rejects.toMatchObject({ name: 'TimeoutError' })
})

test('takes no answer without end', async () => {
  answer = (response) => {
    const more = () => {
      while (response.write('x'.repeat(1_000_000)));
    }
    response.on('drain', more)
    more()
  }
  await expect(post(url, {}, '{}', 20_000)).rejects.toThrow('too large')
})

test('asks once, and says in a word why nothing came', async () => {
  let asked = 0
  answer = (response) => {
    asked += 1
    response.destroy()
  }
  await expect(post(url, {}, '{}', 1_000)).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(asked).toBe(1)
})
