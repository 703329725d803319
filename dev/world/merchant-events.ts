/** A simple system of the merchant: accepts every event and keeps it. */
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { createFault, type Fault } from './faults.ts'

type Env = { Bindings: HttpBindings }

export interface ReceivedEvent {
  readonly headers: Readonly<Record<string, string>>
  /** As received, because the signature covers exactly these characters. */
  readonly body: string
}

/** Older events are dropped, so that a world can run for days. */
const KEPT = 1_000

export function createMerchantEvents(): {
  readonly app: Hono<Env>
  readonly events: readonly ReceivedEvent[]
  readonly fault: Fault
} {
  const events: ReceivedEvent[] = []
  const app = new Hono<Env>()
  const { fault, middleware } = createFault()
  app.post('/events', middleware, async (context) => {
    events.push({ headers: context.req.header(), body: await context.req.text() })
    if (events.length > KEPT) events.shift()
    return context.body(null, 204)
  })
  app.get('/events', (context) => context.json({ events }))
  return { app, events, fault }
}
