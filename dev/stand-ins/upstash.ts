/** Upstash's REST protocol on any Redis, so that Upstash's own client runs here unmodified. */
import { Hono } from 'hono'
import { ErrorReply } from 'redis'
import * as v from 'valibot'
import type { RedisServer } from './redis.ts'
import { encoderFor, toOutcome, type Encoder, type Outcome } from './upstash-reply.ts'

const word = v.pipe(v.union([v.string(), v.number(), v.boolean()]), v.transform(String))
const command = v.pipe(v.array(word), v.minLength(1))
const singleBody = v.pipe(v.string(), v.parseJson(), command)
const manyBody = v.pipe(v.string(), v.parseJson(), v.array(command))
type Command = v.InferOutput<typeof command>

/** All requests share one connection, so commands that block it or change its state are refused. */
const refused =
  /^(?:multi|exec|discard|watch|unwatch|select|auth|hello|quit|reset|monitor|wait|[ps]?subscribe|[ps]?unsubscribe|b[lrz].*(?:pop|push|move).*)$/i

export function createUpstash(
  redis: RedisServer,
  token: string,
): Hono<{ Variables: { encoder: Encoder } }> {
  const app = new Hono<{ Variables: { encoder: Encoder } }>()

  app.use(async (context, next) => {
    if (context.req.header('authorization') !== `Bearer ${token}`)
      return context.json({ error: 'WRONGPASS invalid or missing auth token' }, 401)
    if (context.req.method !== 'POST')
      return context.json({ error: 'ERR only POST is served here' }, 405)
    context.set('encoder', encoderFor(context.req.header('upstash-encoding')))
    context.header('upstash-sync-token', 'local')
    return next()
  })

  app.post('/', async (context) => {
    const body = v.safeParse(singleBody, await context.req.text())
    if (!body.success) return context.json(unreadable, 400)
    const outcome = await attempt(redis, body.output, context.var.encoder)
    return context.json(outcome, 'error' in outcome ? 400 : 200)
  })

  app.post('/pipeline', async (context) => {
    const body = v.safeParse(manyBody, await context.req.text())
    if (!body.success) return context.json(unreadable, 400)
    return context.json(
      await Promise.all(body.output.map((one) => attempt(redis, one, context.var.encoder))),
    )
  })

  app.post('/multi-exec', async (context) => {
    const body = v.safeParse(manyBody, await context.req.text())
    if (!body.success) return context.json(unreadable, 400)
    const refusal = body.output.map(refuse).find((reason) => reason !== null)
    if (refusal !== undefined) return context.json(refusal, 400)
    const replies = await execute(redis, body.output)
    if (replies instanceof ErrorReply) return context.json({ error: replies.message }, 400)
    return context.json(replies.map((reply) => toOutcome(reply, context.var.encoder)))
  })

  app.onError((_, context) => context.json({ error: 'ERR the database is not reachable' }, 503))
  return app
}

const unreadable: Outcome = { error: 'ERR failed to parse command' }

function refuse([name = '']: Command): Outcome | null {
  return refused.test(name) ? { error: `ERR ${name} is not served over REST` } : null
}

/** A refusal of Redis is a result. An unreachable Redis throws. */
async function attempt(redis: RedisServer, one: Command, encoder: Encoder): Promise<Outcome> {
  return refuse(one) ?? toOutcome(await redis.send(one).catch(asReply), encoder)
}

/**
 * One transaction. The commands are sent in one turn of the event loop, so no other request comes
 * between them.
 */
async function execute(
  redis: RedisServer,
  commands: readonly Command[],
): Promise<ErrorReply | unknown[]> {
  const sent = [['MULTI'], ...commands, ['EXEC']].map((one) => redis.send(one).catch(asReply))
  const replies = await Promise.all(sent)
  const last = replies.at(-1)
  return last instanceof ErrorReply ? last : v.parse(v.array(v.unknown()), last)
}

function asReply(error: unknown): ErrorReply {
  if (error instanceof ErrorReply) return error
  throw error
}
