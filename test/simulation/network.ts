/**
 * The network of the world: every request of every party, `fetch` itself, goes through here, takes a time that luck
 * decides, and may meet with a mishap on its way there, while it is done, or on its way back.
 */
import { actAsNobody, currentActor, die, never, type Actor } from './instance.ts'
import type { Luck } from './luck.ts'
import {
  lineMishapsOf,
  messageMishapsOf,
  type LineMishap,
  type MessageMishap,
  type Mishap,
  type Target,
} from './mishaps.ts'
import type { VirtualTime } from './virtual-time.ts'

/** Whoever answers. */
export interface Server {
  readonly target: Target
  /** What is in front of its own paths. */
  readonly prefix: string
  /** Longer than anybody waits for this one, in milliseconds. */
  readonly lateMs: number
  readonly answer: (request: Request, mishap: MessageMishap | null, luck: Luck) => Promise<Response>
  /** An answer that says no, and did nothing. */
  readonly refuse: (luck: Luck) => Response
  /** The answer to a request that would write, where this server can refuse writes alone; null for one that only reads. */
  readonly refuseWrite?: (request: Request, luck: Luck) => Promise<Response | null>
  /** Whether its answers are signed. */
  readonly isSigned: boolean
  /** Whether this mishap means anything for this request. */
  readonly canSpoil: (mishap: MessageMishap) => boolean
}

export interface Weather {
  readonly mishaps: readonly Mishap[]
  /** How likely each request is to meet with one. */
  readonly likelihood: number
}

export interface NetworkOptions {
  readonly time: VirtualTime
  readonly serverOf: (url: URL) => Server | null
  readonly met: (target: Target, mishap: Mishap) => void
  readonly trace: (line: () => string) => void
}

/** What fetch says when a connection breaks. */
const broken = () =>
  new TypeError('fetch failed', {
    cause: Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
  })

export class Network {
  weather: Weather = { mishaps: [], likelihood: 0 }
  readonly #options: NetworkOptions

  constructor(options: NetworkOptions) {
    this.#options = options
  }

  /** One of these, if luck will have it. */
  mishap<M extends Mishap>(possible: readonly M[], luck: Luck): M | null {
    return possible.length > 0 && luck.chance(this.weather.likelihood) ? luck.pick(possible) : null
  }

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const actor = currentActor()
    if (actor === undefined) throw new Error('nobody asks')
    if (actor.instance?.isDead === true) return never()
    const url = new URL(input instanceof Request ? input.url : input)
    const server = this.#options.serverOf(url)
    if (server === null) throw broken()
    const signal = init?.signal ?? null
    const sent = {
      url,
      method: init?.method ?? 'GET',
      headers: init?.headers ?? {},
      bytes: await bytesOf(init?.body ?? null),
    }
    const answered = this.#exchange(server, sent, actor, signal)
    answered.catch(() => undefined)
    try {
      const response = await untilAborted(answered, signal)
      await this.#thaw(actor)
      return response
    } catch (error) {
      await this.#thaw(actor)
      throw error
    }
  }

  async #exchange(
    server: Server,
    sent: Sent,
    actor: Actor,
    signal: AbortSignal | null,
  ): Promise<Response> {
    const { time, met, trace } = this.#options
    const luck = actor.luck.next()
    const { target } = server
    const onLine = lineMishapsOf(target, this.weather.mishaps).filter(
      (one) =>
        (actor.instance !== null || !one.startsWith('asker')) &&
        (one !== 'answer garbled' || server.isSigned),
    )
    // News of WeChat is spoilt where it is written, not on its way.
    const inMessage =
      target === 'notify'
        ? []
        : messageMishapsOf(target, this.weather.mishaps).filter((one) => server.canSpoil(one))
    const mishap = this.mishap<Mishap>([...onLine, ...inMessage], luck)
    const line = onLine.find((one) => one === mishap) ?? null
    const message = inMessage.find((one) => one === mishap) ?? null
    const label = () =>
      `${actor.instance?.name ?? 'outside'} -> ${target} ${sent.url.pathname.split('/').at(-1) ?? ''}`
    trace(() => `${label()}${mishap === null ? '' : ` (${mishap})`}`)
    if (mishap !== null) met(target, mishap)

    if (line === 'asker dies before') return endOf(actor)
    if (line === 'asker freezes' && actor.instance !== null)
      actor.instance.frozenUntil = time.now() + luck.between(2_000, 20_000)
    await time.sleep(line === 'request late' ? server.lateMs * luck.between(1, 3) : pace(luck))
    if (line === 'request lost') throw broken()
    if (line === 'refused') return server.refuse(luck)
    const refusal =
      line === 'write refused'
        ? await server.refuseWrite?.(arriving(server, sent, line, luck), luck)
        : null
    if (refusal !== null && refusal !== undefined) return refusal
    const done = () =>
      actAsNobody(() => server.answer(arriving(server, sent, line, luck), message, luck.next()))
    // What goes twice arrives twice, the second time while the first is being done or after it.
    if (line === 'sent twice') this.#again(done, pace(luck))
    const answer = await done()
    if (line === 'asker dies after') return endOf(actor)
    await time.sleep(line === 'answer late' ? server.lateMs * luck.between(1, 3) : pace(luck))
    trace(() => `${label()}: ${answer.status}`)
    if (line === 'answer lost') throw broken()
    return returning(answer, line, luck, signal)
  }

  #again(done: () => Promise<unknown>, afterMs: number): void {
    const second = async () => {
      await this.#options.time.sleep(afterMs)
      await done()
    }
    second().catch(() => undefined)
  }

  /** An answer, or its absence, reaches nobody who is dead, and whoever is frozen only when they thaw. */
  async #thaw({ instance }: Actor): Promise<void> {
    const { time } = this.#options
    if (instance === null) return
    for (;;) {
      const left = instance.frozenUntil - time.now()
      if (instance.isDead || left <= 0) break
      await time.sleep(left)
    }
    if (instance.isDead) await never()
  }
}

function endOf({ instance }: Actor): Promise<never> {
  if (instance !== null) die(instance)
  return never()
}

/** Mostly a few milliseconds, now and then the length of another step, so that any two may overtake each other. */
const pace = (luck: Luck): number => (luck.chance(0.8) ? luck.between(0, 8) : luck.between(8, 400))

interface Sent {
  readonly url: URL
  readonly method: string
  readonly headers: NonNullable<RequestInit['headers']>
  readonly bytes: Uint8Array<ArrayBuffer>
}

const bytesOf = async (
  body: NonNullable<RequestInit['body']> | null,
): Promise<Uint8Array<ArrayBuffer>> =>
  typeof body === 'string'
    ? new Uint8Array(Buffer.from(body))
    : new Uint8Array(await new Response(body).arrayBuffer())

/** The request as it arrives: a copy of its own for each time, spoilt where that is what happens to it. */
function arriving(
  { prefix }: Server,
  { url, method, headers, bytes }: Sent,
  mishap: LineMishap | null,
  luck: Luck,
): Request {
  const here = `${url.origin}${url.pathname.slice(prefix.length)}${url.search}`
  if (bytes.length === 0) return new Request(here, { method, headers })
  if (mishap === 'request garbled')
    return new Request(here, { method, headers, body: garbled(bytes, luck) })
  if (mishap === 'request stalled')
    return new Request(here, { method, headers, body: halfOf(bytes), duplex: 'half' })
  return new Request(here, { method, headers, body: bytes })
}

async function returning(
  answer: Response,
  mishap: LineMishap | null,
  luck: Luck,
  signal: AbortSignal | null,
): Promise<Response> {
  if (mishap !== 'answer garbled' && mishap !== 'answer cut off' && mishap !== 'answer stalled')
    return answer
  const bytes = new Uint8Array(await answer.arrayBuffer())
  if (mishap === 'answer garbled') return new Response(garbled(bytes, luck), answer)
  return new Response(
    mishap === 'answer cut off'
      ? bytes.slice(0, Math.floor(bytes.length / 2))
      : halfOf(bytes, signal),
    answer,
  )
}

function garbled(bytes: Uint8Array<ArrayBuffer>, luck: Luck): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice()
  const at = Math.floor(luck.draw() * copy.length)
  copy[at] = (copy[at] ?? 0) ^ (1 + Math.floor(luck.draw() * 255))
  return copy
}

/** Half, then silence, until its reader gives up. */
const halfOf = (bytes: Uint8Array, signal: AbortSignal | null = null): ReadableStream =>
  new ReadableStream({
    start(body) {
      body.enqueue(bytes.slice(0, Math.floor(bytes.length / 2)))
      signal?.addEventListener('abort', () => body.error(signal.reason), { once: true })
    },
  })

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | null): Promise<T> {
  if (signal === null) return work
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', abort))
}
