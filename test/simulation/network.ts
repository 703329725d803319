/**
 * The network of the world, and its `fetch`. Every request of every caller passes through it, takes
 * a random time, and may meet a fault on its way, on the server, or on the way back.
 */
import { runAsServer, currentCaller, die, never, type Caller } from './instance.ts'
import type { Random } from './random.ts'
import {
  networkFaultsOf,
  messageFaultsOf,
  type NetworkFault,
  type MessageFault,
  type Fault,
  type Target,
} from './faults.ts'
import type { VirtualTime } from './virtual-time.ts'

/** A service that answers requests. */
export interface Server {
  readonly target: Target
  /** The name of the request in a trace. */
  readonly name: string
  /** The prefix of its addresses, removed before it reads them. */
  readonly prefix: string
  /** Longer than any caller's deadline for this server, in milliseconds. */
  readonly lateMs: number
  readonly answer: (
    request: Request,
    fault: MessageFault | null,
    random: Random,
  ) => Promise<Response>
  /** An answer that refuses the request without handling it. */
  readonly refuse: (random: Random) => Response
  /**
   * A server that can refuse writes alone answers a write with this refusal, and a read with null.
   */
  readonly refuseWrite?: (request: Request, random: Random) => Promise<Response | null>
  /** Whether its answers are signed. */
  readonly isSigned: boolean
  /** Whether the network can deliver the request twice. */
  readonly isRepeatable: boolean
  /** Whether this fault has a meaning for this request. */
  readonly isAffectedBy: (fault: MessageFault) => boolean
}

export interface FaultSettings {
  readonly faults: readonly Fault[]
  /** The probability that a request meets one of the faults. */
  readonly probability: number
}

export interface NetworkOptions {
  readonly time: VirtualTime
  readonly serverOf: (url: URL) => Server | null
  readonly count: (target: Target, fault: Fault) => void
  readonly trace: (line: () => string) => void
}

/** The error of `fetch` when a connection breaks. */
const connectionError = () =>
  new TypeError('fetch failed', {
    cause: Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
  })

export class Network {
  faultSettings: FaultSettings = { faults: [], probability: 0 }
  readonly #options: NetworkOptions

  constructor(options: NetworkOptions) {
    this.#options = options
  }

  /** Returns one of the possible faults with the configured probability, else null. */
  drawFault<M extends Fault>(possible: readonly M[], random: Random): M | null {
    return possible.length > 0 && random.chance(this.faultSettings.probability)
      ? random.pick(possible)
      : null
  }

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const caller = currentCaller()
    if (caller === undefined) throw new Error('the request has no caller')
    if (caller.instance?.isDead === true) return never()
    const url = new URL(input instanceof Request ? input.url : input)
    const server = this.#options.serverOf(url)
    if (server === null) throw connectionError()
    const signal = init?.signal ?? null
    const sent = {
      url,
      method: init?.method ?? 'GET',
      headers: init?.headers ?? {},
      bytes: await bytesOf(init?.body ?? null),
    }
    const answered = this.#exchange(server, sent, caller, signal)
    answered.catch(() => undefined)
    try {
      const response = await untilAborted(answered, signal)
      await this.#thaw(caller)
      return response
    } catch (error) {
      await this.#thaw(caller)
      throw error
    }
  }

  async #exchange(
    server: Server,
    sent: Sent,
    caller: Caller,
    signal: AbortSignal | null,
  ): Promise<Response> {
    const { time, count, trace } = this.#options
    const random = caller.random.next()
    const { target } = server
    const possibleNetworkFaults = networkFaultsOf(target, this.faultSettings.faults).filter(
      (one) =>
        (caller.instance !== null || !one.startsWith('instance')) &&
        (one !== 'answer garbled' || server.isSigned) &&
        (one !== 'sent twice' || server.isRepeatable),
    )
    // The simulator applies the message faults of a notification when it writes the notification.
    const possibleMessageFaults =
      target === 'notify'
        ? []
        : messageFaultsOf(target, this.faultSettings.faults).filter((one) =>
            server.isAffectedBy(one),
          )
    const fault = this.drawFault<Fault>(
      [...possibleNetworkFaults, ...possibleMessageFaults],
      random,
    )
    const networkFault = possibleNetworkFaults.find((one) => one === fault) ?? null
    const messageFault = possibleMessageFaults.find((one) => one === fault) ?? null
    const label = () => `${caller.instance?.name ?? 'outside'} -> ${target} ${server.name}`
    trace(() => `${label()}${fault === null ? '' : ` (${fault})`}`)
    if (fault !== null) count(target, fault)

    if (networkFault === 'instance dies before') return endCaller(caller)
    if (networkFault === 'instance freezes' && caller.instance !== null)
      caller.instance.frozenUntil = time.now() + random.between(2_000, 20_000)
    await time.sleep(
      networkFault === 'request late' ? server.lateMs * random.between(1, 3) : pace(random),
    )
    if (networkFault === 'request lost') throw connectionError()
    if (networkFault === 'refused') return server.refuse(random)
    const refusal =
      networkFault === 'write refused'
        ? await server.refuseWrite?.(requestAtServer(server, sent, networkFault, random), random)
        : null
    if (refusal !== null && refusal !== undefined) return refusal
    const handle = () =>
      runAsServer(() =>
        server.answer(
          requestAtServer(server, sent, networkFault, random),
          messageFault,
          random.next(),
        ),
      )
    // The second copy arrives while the server handles the first one, or afterwards.
    if (networkFault === 'sent twice') this.#handleLater(handle, pace(random))
    const answer = await handle()
    if (networkFault === 'instance dies after') return endCaller(caller)
    await time.sleep(
      networkFault === 'answer late' ? server.lateMs * random.between(1, 3) : pace(random),
    )
    trace(() => `${label()}: ${answer.status}`)
    if (networkFault === 'answer lost') throw connectionError()
    return deliverAnswer(answer, networkFault, random, signal)
  }

  #handleLater(handle: () => Promise<unknown>, afterMs: number): void {
    const second = async () => {
      await this.#options.time.sleep(afterMs)
      await handle()
    }
    second().catch(() => undefined)
  }

  /** Waits until a frozen caller thaws. Never resolves for a caller on a dead instance. */
  async #thaw({ instance }: Caller): Promise<void> {
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

function endCaller({ instance }: Caller): Promise<never> {
  if (instance !== null) die(instance)
  return never()
}

/**
 * Mostly a few milliseconds, sometimes much longer, so that any two requests may overtake each
 * other.
 */
const pace = (random: Random): number =>
  random.chance(0.8) ? random.between(0, 8) : random.between(8, 400)

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

/**
 * The request as the server receives it: a new copy for each delivery, changed if the fault says
 * so.
 */
function requestAtServer(
  { prefix }: Server,
  { url, method, headers, bytes }: Sent,
  fault: NetworkFault | null,
  random: Random,
): Request {
  const here = `${url.origin}${url.pathname.slice(prefix.length)}${url.search}`
  if (bytes.length === 0) return new Request(here, { method, headers })
  if (fault === 'request garbled')
    return new Request(here, { method, headers, body: garbled(bytes, random) })
  if (fault === 'request in pieces')
    return new Request(here, { method, headers, body: inPieces(bytes, random), duplex: 'half' })
  if (fault === 'request stalled')
    return new Request(here, { method, headers, body: halfOf(bytes), duplex: 'half' })
  return new Request(here, { method, headers, body: bytes })
}

async function deliverAnswer(
  answer: Response,
  fault: NetworkFault | null,
  random: Random,
  signal: AbortSignal | null,
): Promise<Response> {
  const change = changeOf(fault, random, signal)
  if (change === null) return answer
  const bytes = new Uint8Array(await answer.arrayBuffer())
  return new Response(bytes.length === 0 ? null : change(bytes), answer)
}

/** The change that a fault makes to the bytes of an answer; null for a fault that changes none. */
function changeOf(
  fault: NetworkFault | null,
  random: Random,
  signal: AbortSignal | null,
): ((bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | ReadableStream) | null {
  switch (fault) {
    case 'answer garbled':
      return (bytes) => garbled(bytes, random)
    case 'answer cut off':
      return (bytes) => bytes.slice(0, Math.floor(bytes.length / 2))
    case 'answer stalled':
      return (bytes) => halfOf(bytes, signal)
    case 'answer in pieces':
      return (bytes) => inPieces(bytes, random)
    default:
      return null
  }
}

function garbled(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice()
  const at = Math.floor(random.draw() * copy.length)
  copy[at] = (copy[at] ?? 0) ^ (1 + Math.floor(random.draw() * 255))
  return copy
}

/** A stream of the bytes, cut at up to four places. */
function inPieces(bytes: Uint8Array, random: Random): ReadableStream {
  const cuts = Array.from({ length: 4 }, () => Math.floor(random.draw() * bytes.length))
  const ends = [...cuts.toSorted((a, b) => a - b), bytes.length]
  return new ReadableStream({
    start(body) {
      let start = 0
      for (const end of ends) {
        if (end > start) body.enqueue(bytes.slice(start, end))
        start = end
      }
      body.close()
    },
  })
}

/** A stream of half the bytes, which then stalls until its reader aborts. */
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
