/** Kept connections over real TLS, ended by the other side at every moment. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { clocks } from '../../lib/http-client/idle-sockets.ts'
import { exchange, type Outgoing } from '../../lib/http-client/request.ts'
import { openPeer, trustPeers, type Answer, type Peer } from '../support/tls-peer.ts'

let distrust: () => void
beforeAll(() => void (distrust = trustPeers()))
afterAll(() => distrust())

const ok: Answer = (request, response) => {
  request.resume().on('end', () => response.end('ok'))
}

const open: Peer[] = []
async function peerThat(answer: Answer): Promise<Peer> {
  const peer = await openPeer(answer)
  open.push(peer)
  return peer
}
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(open.splice(0).map((peer) => peer.stop()))
})

const send = async (peer: Peer, how: Partial<Outgoing> = {}) => {
  const outgoing = {
    method: 'POST',
    url: peer.url,
    body: '{}',
    isRepeatable: true,
    ...how,
  } as const
  const { bytes } = await exchange(outgoing, { maxBytes: 100, deadlineMs: 5_000 })
  return String(bytes)
}

/** Answers the first request, and hands all others to `next` with their number, from 2 on. */
const afterTheFirst = (
  next: (...[request, response, number]: [...Parameters<Answer>, number]) => void,
) => {
  let number = 0
  const answer: Answer = (request, response) => {
    number += 1
    if (number === 1) ok(request, response)
    else next(request, response, number)
  }
  return answer
}

test('requests use one connection', async () => {
  const peer = await peerThat(ok)
  for (let request = 0; request < 5; request += 1) expect(await send(peer)).toBe('ok')
  expect([peer.connections(), peer.requests()]).toEqual([1, 5])
})

test.each(['end', 'reset'] as const)(
  'an idle connection that was closed (%s) is replaced, even if the request comes first',
  async (how) => {
    const peer = await peerThat(ok)
    await send(peer)
    peer.endAll(how)
    expect(await send(peer)).toBe('ok')
    peer.endAll(how)
    await sleep(20)
    const before = peer.requests()
    expect(await send(peer)).toBe('ok')
    expect([peer.connections(), peer.requests() - before]).toEqual([3, 1])
  },
)

test.each(['end', 'reset'] as const)(
  'a request whose kept connection ends before the answer (%s) is sent once more',
  async (how) => {
    const peer = await peerThat(
      afterTheFirst((request, response, number) =>
        number === 2 ? peer.endOf(request, how) : ok(request, response),
      ),
    )
    await send(peer)
    const onRepeat = vi.fn<() => void>()
    expect(await send(peer, { onRepeat })).toBe('ok')
    expect([peer.connections(), peer.requests()]).toEqual([2, 3])
    expect(onRepeat).toHaveBeenCalledOnce()
  },
)

test('a request that is not repeatable is sent once', async () => {
  const peer = await peerThat(afterTheFirst((request) => peer.endOf(request, 'reset')))
  await send(peer, { isRepeatable: false })
  const onRepeat = vi.fn<() => void>()
  const sending = send(peer, { isRepeatable: false, onRepeat })
  await expect(sending).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect([peer.connections(), peer.requests()]).toEqual([1, 2])
  expect(onRepeat).not.toHaveBeenCalled()
})

test('a request is sent at most twice', async () => {
  const peer = await peerThat(afterTheFirst((request) => peer.endOf(request, 'reset')))
  await send(peer)
  await expect(send(peer)).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(peer.requests()).toBe(3)
})

test('a request on a new connection is sent once', async () => {
  const peer = await peerThat((request) => peer.endOf(request, 'reset'))
  await expect(send(peer)).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect([peer.connections(), peer.requests()]).toEqual([1, 1])
})

test('a connection that ends while a long request is written is replaced', async () => {
  const peer = await peerThat(
    afterTheFirst((request, response, number) => {
      if (number > 2) ok(request, response)
      else request.once('data', () => peer.endOf(request, 'reset'))
    }),
  )
  await send(peer)
  expect(await send(peer, { body: 'x'.repeat(2_000_000) })).toBe('ok')
  expect(peer.requests()).toBe(3)
})

test.each([
  ['after its first byte', (...[, response]: Parameters<Answer>) => response.socket?.write('H')],
  ['after its headers', (...[, response]: Parameters<Answer>) => response.flushHeaders()],
  ['in its body', (...[, response]: Parameters<Answer>) => response.write('half')],
])('an answer that ends %s is not asked for again', async (_, begin) => {
  const peer = await peerThat(
    afterTheFirst((request, response) => {
      response.setHeader('content-length', 10)
      begin(request, response)
      setTimeout(() => peer.endOf(request, 'reset'), 30)
    }),
  )
  await send(peer)
  await expect(send(peer)).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(peer.requests()).toBe(2)
})

test('a request that times out on a kept connection is not repeated', async () => {
  const peer = await peerThat(afterTheFirst(() => undefined))
  await send(peer)
  const outgoing = { method: 'GET', url: peer.url, isRepeatable: true } as const
  await expect(exchange(outgoing, { maxBytes: 100, deadlineMs: 50 })).rejects.toMatchObject({
    name: 'TimeoutError',
  })
  expect(peer.requests()).toBe(2)
})

test('after one stale connection the other idle ones are not used', async () => {
  const waiting: (() => void)[] = []
  const peer = await peerThat((request, response) => {
    request.resume()
    waiting.push(() => response.end('ok'))
    if (waiting.length !== 3) return
    for (const answer of waiting.splice(0)) answer()
  })
  await Promise.all([send(peer), send(peer), send(peer)])
  expect(peer.connections()).toBe(3)
  peer.endAll('reset')
  expect(await Promise.all([send(peer), send(peer), send(peer)])).toEqual(['ok', 'ok', 'ok'])
  expect(peer.requests()).toBe(6)
})

/** Moves one of the clocks, or both. */
function pass(ms: number, moved: readonly (keyof typeof clocks)[] = ['monotonic', 'wall']): void {
  for (const clock of moved) {
    const before = clocks[clock]()
    const startedAt = performance.now()
    vi.spyOn(clocks, clock).mockImplementation(() => before + ms + performance.now() - startedAt)
  }
}

const announcing =
  (keepAlive?: string): Answer =>
  (request, response) => {
    if (keepAlive !== undefined) response.setHeader('keep-alive', keepAlive)
    response.setHeader('connection', 'keep-alive')
    ok(request, response)
  }

test.each([
  [undefined, 69_000, 71_000],
  ['timeout=8', 6_900, 7_100],
  ['timeout=120, max=100', 118_000, 120_000],
  ['max=100, timeout=120', 118_000, 120_000],
  ['timeout=100000', 299_000, 301_000],
])('an idle connection is kept as long as the other side says: %s', async (header, kept, gone) => {
  const peer = await peerThat(announcing(header))
  await send(peer)
  for (const ms of [7_000, 60_000, kept].filter((one) => one <= kept)) {
    pass(ms)
    await send(peer)
  }
  expect(peer.connections()).toBe(1)
  pass(gone)
  await send(peer)
  expect(peer.connections()).toBe(2)
})

test('a connection that is not kept by the other side is not used again', async () => {
  const peer = await peerThat(announcing('timeout=1'))
  await send(peer)
  await send(peer)
  expect(peer.connections()).toBe(2)
})

test.each(['monotonic', 'wall'] as const)(
  'a thaw is noticed if only the %s clock has gone on',
  async (clock) => {
    const peer = await peerThat(ok)
    await Promise.all([send(peer), send(peer)])
    pass(120_000, [clock])
    await send(peer)
    expect(peer.connections()).toBe(3)
  },
)

test('a request that is not repeatable takes a connection that was used a moment ago', async () => {
  const peer = await peerThat(ok)
  const once = { isRepeatable: false }
  await send(peer, once)
  pass(3_000)
  await send(peer, once)
  expect(peer.connections()).toBe(1)
  pass(4_100)
  await send(peer, once)
  expect(peer.connections()).toBe(2)
})
