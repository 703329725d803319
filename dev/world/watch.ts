/** `/world/`: the feed of what happens in the world. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Hono } from 'hono'
import type { Environment } from '../program/environment.ts'
import type { Simulator } from '../wechat/simulator.ts'
import type { CompleteEnvironment, StandIns } from './environment.ts'
import { Feed } from './feed.ts'
import { createFeedStream } from './feed-stream.ts'
import { createMask } from './mask.ts'
import { createRecorder } from './recorder.ts'

export interface Watch {
  readonly app: Hono
  /** Sees each request of the port, and its answer. */
  readonly see: (incoming: IncomingMessage, outgoing: ServerResponse) => void
  readonly stop: () => void
}

interface Watched {
  /** The environment before the world completed it. */
  readonly given: Environment
  readonly env: CompleteEnvironment
  readonly standIns: StandIns
  readonly simulator: Simulator | undefined
}

export function watchWorld({ given, env, standIns, simulator }: Watched): Watch {
  const feed = new Feed()
  const stream = createFeedStream(feed)
  const see = createRecorder({
    feed,
    mask: createMask(given),
    simulator,
    merchantKey: env.MERCHANT_API_KEY,
    webhookSecret: standIns.webhook ? env['ORDER_WEBHOOK_SECRET'] : undefined,
  })
  return { app: stream.app, see, stop: stream.stop }
}
