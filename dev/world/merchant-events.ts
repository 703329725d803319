/** The merchant's own system, as far as the local world needs one: it takes every event and keeps it to be looked at. */
import { Hono } from 'hono'

export interface ReceivedEvent {
  readonly headers: Readonly<Record<string, string>>
  /** As received: the signature is over these characters. */
  readonly body: string
}

/** A world that runs for days forgets the oldest. */
const KEPT = 1_000

export function createMerchantEvents(): {
  readonly app: Hono
  readonly events: readonly ReceivedEvent[]
} {
  const events: ReceivedEvent[] = []
  const app = new Hono()
  app.post('/events', async (context) => {
    events.push({ headers: context.req.header(), body: await context.req.text() })
    if (events.length > KEPT) events.shift()
    return context.body(null, 204)
  })
  app.get('/events', (context) => context.json({ events }))
  return { app, events }
}
