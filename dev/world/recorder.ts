/** Records the messages on the port of the world into the feed. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gunzipSync } from 'node:zlib'
import type { Simulator } from '../wechat/simulator.ts'
import { capture, type CapturedAnswer, type CapturedRequest } from './capture.ts'
import { LONGEST_BODY, type Content, type Exchange, type Feed, type Signed } from './feed.ts'
import { createOrderFinder, findRoute, type Route } from './lanes.ts'
import type { Leaks } from './leaks.ts'
import type { Mask } from './mask.ts'
import { faultBetween, type SwitchedOn } from './switched-on.ts'
import { findWebhookSignature } from './webhook-signature.ts'

export interface RecorderOptions {
  readonly feed: Feed
  readonly mask: Mask
  readonly leaks: Leaks
  readonly simulator: Simulator | undefined
  readonly merchantKey: string
  /** Undefined if the environment names the receiver of events. */
  readonly webhookSecret: string | undefined
  readonly switchedOn: () => SwitchedOn
}

interface Message {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** @returns a function to call with each request of the port */
export function createRecorder(
  options: RecorderOptions,
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const { feed, mask, leaks, merchantKey } = options
  const findOrder = createOrderFinder()

  const toContent = (message: Message, signed: Signed | null): Content => {
    const { text, bodyIs } = toText(message.body)
    return {
      headers: mask.headers(message.headers),
      body: mask.text(text).slice(0, LONGEST_BODY),
      bodyIs,
      isCut: text.length > LONGEST_BODY,
      signed: signed === null ? null : { ...signed, text: mask.text(signed.text) },
    }
  }

  const begin = (request: CapturedRequest): ((answer: CapturedAnswer) => void) => {
    const route = findRoute(request, merchantKey)
    if (route === null) return () => undefined
    const startedAt = performance.now()
    const exchange: Exchange = {
      id: feed.nextId(),
      state: 'open',
      at: Date.now(),
      durationMs: null,
      ...route,
      title: mask.text(route.title),
      request: {
        method: request.method,
        url: mask.text(request.target),
        ...toContent(request, findSigned(options, route, request)),
      },
      response: null,
      fault: faultBetween(options.switchedOn(), route.from, route.to),
      outTradeNo: findOrder(request.target, request.body.toString()),
    }
    feed.put(exchange)
    return (answer) => {
      const { status } = answer
      if (route.to === 'wechat') leaks.learn(answer.body.toString())
      if (route.to === 'functions')
        leaks.look(`the answer of ${route.title}`, answer.body.toString())
      const signed =
        route.to === 'wechat' && route.from === 'functions'
          ? findAtWechat(options.simulator, { ...answer, method: '', target: '' })
          : null
      feed.put({
        ...exchange,
        state: answer.isComplete ? 'answered' : 'broken',
        durationMs: performance.now() - startedAt,
        response: status === null ? null : { status, ...toContent(answer, signed) },
        outTradeNo: exchange.outTradeNo ?? findOrder(answer.body.toString()),
      })
    }
  }
  return (incoming, outgoing) => capture(incoming, outgoing, begin)
}

function findSigned(
  { simulator, webhookSecret }: RecorderOptions,
  { from, to }: Route,
  request: CapturedRequest,
): Signed | null {
  if (to === 'wechat' || from === 'wechat') return findAtWechat(simulator, request)
  return to === 'merchant' && webhookSecret !== undefined
    ? findWebhookSignature(request.headers, request.body.toString(), webhookSecret)
    : null
}

const findAtWechat = (simulator: Simulator | undefined, message: CapturedRequest): Signed | null =>
  simulator?.findSignature(message) ?? null

function toText(bytes: Buffer): Pick<Content, 'bodyIs'> & { readonly text: string } {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    const unzipped = unzip(bytes)
    if (unzipped !== null) return { text: unzipped.toString(), bodyIs: 'unzipped' }
  }
  const text = bytes.toString()
  return Buffer.from(text).equals(bytes)
    ? { text, bodyIs: 'text' }
    : { text: bytes.toString('base64'), bodyIs: 'base64' }
}

/** Null if it is damaged. */
function unzip(bytes: Buffer): Buffer | null {
  try {
    return gunzipSync(bytes)
  } catch {
    return null
  }
}
