/**
 * `GET /world/feed`: the feed as server-sent events. It begins with the stored exchanges, or with
 * those after `Last-Event-ID`, and continues with new ones.
 *
 * - `reset`: forget everything. It is the first event, unless the reader resumes.
 * - `exchange`: an exchange in JSON. It replaces the earlier version with the same `id`.
 * - `live`: the stored exchanges were sent, and the next ones are new.
 */
import { randomBytes } from 'node:crypto'
import { Hono } from 'hono'
import { stream } from 'hono/streaming'
import type { StreamingApi } from 'hono/utils/stream'
import type { Feed, FeedEntry } from './feed.ts'

/** A proxy or a browser may drop a connection that is silent for longer. */
const PING_MS = 15_000

export interface FeedStream {
  readonly app: Hono
  /** Ends every stream, because an open one would keep the port from closing. */
  readonly stop: () => void
}

export function createFeedStream(feed: Feed): FeedStream {
  // After a restart the same numbers name other exchanges.
  const run = randomBytes(4).toString('hex')
  const streams = new Set<StreamingApi>()
  const app = new Hono()
  app.get('/feed', (context) => {
    const version = readId(context.req.header('last-event-id'), run)
    context.header('content-type', 'text/event-stream')
    context.header('cache-control', 'no-store')
    return stream(context, async (opened) => {
      // One write after the other keeps the events in order.
      const write = (text: string) => void opened.write(text)
      const send = ({ version: at, exchange }: FeedEntry) =>
        write(`id: ${run}-${at}\nevent: exchange\ndata: ${JSON.stringify(exchange)}\n\n`)
      const ended = Promise.withResolvers<void>()
      opened.onAbort(ended.resolve)
      streams.add(opened)
      if (version === null) write('event: reset\ndata:\n\n')
      feed.since(version ?? 0).forEach(send)
      write('event: live\ndata:\n\n')
      const unsubscribe = feed.subscribe(send)
      const ping = setInterval(() => write(':\n\n'), PING_MS).unref()
      await ended.promise
      unsubscribe()
      clearInterval(ping)
      streams.delete(opened)
    })
  })
  return { app, stop: () => streams.forEach((opened) => opened.abort()) }
}

/** Null if the reader has no event of this run. */
function readId(id: string | undefined, run: string): number | null {
  const [, ofRun, version] = /^([0-9a-f]{8})-(\d{1,15})$/.exec(id ?? '') ?? []
  return ofRun === run ? Number(version) : null
}
