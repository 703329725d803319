/** Connections over real TLS that are opened before their request. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { clocks } from '../../lib/http-client/idle-sockets.ts'
import { openConnection } from '../../lib/http-client/kept-connections.ts'
import { isReady } from '../../lib/http-client/ready-connections.ts'
import { exchange } from '../../lib/http-client/request.ts'
import { authority, openPeer, trustPeers, type Peer } from '../support/tls-peer.ts'

let distrust: () => void
beforeAll(() => void (distrust = trustPeers()))
afterAll(() => distrust())

let peer: Peer
const open = async () => {
  peer = await openPeer(
    (request, response) => void request.resume().on('end', () => response.end()),
  )
}
beforeAll(open)
afterEach(async () => {
  vi.restoreAllMocks()
  await peer.stop()
  await open()
})
afterAll(() => peer.stop())

const send = () =>
  exchange(
    { method: 'POST', url: peer.url, body: '{}', isRepeatable: true },
    { maxBytes: 100, deadlineMs: 5_000 },
  )
const connected = (count = 1) => vi.waitFor(() => expect(peer.secured()).toBe(count))

test('a request takes the connection that is ready', async () => {
  openConnection(peer.url)
  await connected()
  await send()
  expect([peer.connections(), peer.requests()]).toEqual([1, 1])
})

test('an answer that needs no other side does not wait for it', async () => {
  openConnection(peer.url)
  const isOpening = isReady(new URL(peer.url).host)
  await connected()
  expect([isOpening, isReady(new URL(peer.url).host)]).toEqual([false, true])
})

test('a request that is sent before the next turn opens the connection itself', async () => {
  openConnection(peer.url)
  await send()
  expect([peer.connections(), peer.requests()]).toEqual([1, 1])
})

test('a request takes the connection that is on its way', async () => {
  openConnection(peer.url)
  await setImmediate()
  await send()
  expect([peer.connections(), peer.requests()]).toEqual([1, 1])
})

test('at most one connection is opened in advance, and none beside a kept one', async () => {
  openConnection(peer.url)
  openConnection(peer.url)
  await Promise.all([send(), send()])
  expect(peer.connections()).toBe(2)
  openConnection(peer.url)
  await send()
  expect(peer.connections()).toBe(2)
})

test('its TLS session is resumed, and that of a request, too', async () => {
  await send()
  peer.endAll('end')
  await vi.waitFor(() => expect(peer.open()).toBe(0))
  openConnection(peer.url)
  await connected(2)
  await send()
  expect([peer.connections(), peer.resumed()]).toEqual([2, 1])
})

test.each(['end', 'reset'] as const)(
  'a request is not lost if the ready connection is closed (%s)',
  async (how) => {
    openConnection(peer.url)
    await connected()
    peer.endAll(how)
    await send()
    expect(peer.connections()).toBe(2)
  },
)

test('a connection that has been ready for too long is not used', async () => {
  openConnection(peer.url)
  await connected()
  const now = clocks.wall()
  vi.spyOn(clocks, 'wall').mockReturnValue(now + 120_000)
  await send()
  expect(peer.connections()).toBe(2)
})

test('a connection that cannot be opened fails nothing', async () => {
  const closed = createServer()
  await once(closed.listen(0, '127.0.0.1'), 'listening')
  const address = closed.address()
  const url = `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  await new Promise((resolve) => closed.close(resolve))
  const dying = vi.fn<() => void>()
  process.on('uncaughtException', dying)
  openConnection(url)
  openConnection('https://no-such-host.invalid')
  await new Promise((resolve) => setTimeout(resolve, 100))
  process.off('uncaughtException', dying)
  expect(dying).not.toHaveBeenCalled()
})

test('neither ready nor kept connections hold the process', async () => {
  const client = new URL('../../lib/http-client/', import.meta.url).href
  const program = `
    import { setDefaultCACertificates } from 'node:tls'
    import { openConnection } from '${client}kept-connections.ts'
    import { exchange } from '${client}request.ts'
    setDefaultCACertificates([process.env.CA])
    const url = process.env.URL
    const outgoing = { method: 'GET', url, isRepeatable: true }
    await exchange(outgoing, { maxBytes: 100, deadlineMs: 5000 })
    await exchange({ ...outgoing, isRepeatable: false }, { maxBytes: 100, deadlineMs: 5000 })
    openConnection(url.replace('127.0.0.1', 'localhost'))`
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, URL: peer.url, CA: authority },
    timeout: 30_000,
  })
  expect(peer.requests()).toBe(2)
})
