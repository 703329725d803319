/** A route of a control interface. It describes itself, reads JSON or a form, and answers JSON. */
import type { Hono, MiddlewareHandler } from 'hono'
import * as v from 'valibot'
import { readControlBody } from './control-body.ts'

type Method = 'GET' | 'POST' | 'DELETE'
type Answer = object | string

export interface Route {
  readonly method: Method
  readonly path: string
  readonly does: string
  /** An example body. Undefined if the route takes no body. */
  readonly example: object | undefined
  /** @returns the answer, or a text that names the mistake in the body */
  answer(body: string): Answer | Promise<Answer>
}

/** A route in a list, with its whole path. */
export type ListedRoute = Omit<Route, 'answer'>

/** The world cannot do this with any body. The route answers 409. */
export class Conflict extends Error {}

/** A route with a body. */
export function taking<const S extends v.GenericSchema>(
  method: Method,
  path: string,
  does: string,
  { schema, example }: { readonly schema: S; readonly example: v.InferInput<S> & object },
  answer: (body: v.InferOutput<S>) => object | Promise<object>,
): Route {
  return {
    method,
    path,
    does,
    example,
    answer(body) {
      const read = readControlBody(schema, body)
      return typeof read === 'string' ? read : answer(read.body)
    },
  }
}

/** A route without a body. */
export const plain = (
  method: Method,
  path: string,
  does: string,
  answer: () => object | Promise<object>,
): Route => ({ method, path, does, example: undefined, answer })

const LONGEST_NAME = 128

/** Refuses query parameters, which these routes do not take. */
export const withoutQuery: MiddlewareHandler = async (context, next) => {
  const [name] = Object.keys(context.req.query())
  if (name === undefined) return next()
  const what = name.slice(0, LONGEST_NAME)
  const error = `${what}: there are no query parameters here; a POST takes a body`
  return context.json({ error }, 400)
}

/**
 * Serves the routes. An invalid body is answered with 400 and the reason, and a `Conflict` with
 * 409.
 */
export function serveRoutes(app: Hono, routes: readonly Route[]): void {
  for (const route of routes)
    app.on(route.method, route.path, async (context) => {
      const [answer, status] = await answerOrRefuse(route, await context.req.text())
      return context.json(typeof answer === 'string' ? { error: answer } : answer, status)
    })
}

export const listRoutes = (base: string, routes: readonly Route[]): readonly ListedRoute[] =>
  routes.map(({ method, path, does, example }) => ({
    method,
    path: `${base}${path}`,
    does,
    example,
  }))

/** The simulator throws a TypeError with the reason when it refuses a request. */
async function answerOrRefuse(
  route: Route,
  body: string,
): Promise<readonly [answer: Answer, status: 200 | 400 | 409]> {
  try {
    const answer = await route.answer(body)
    return [answer, typeof answer === 'string' ? 400 : 200]
  } catch (error) {
    if (error instanceof Conflict) return [error.message, 409]
    if (error instanceof TypeError) return [error.message, 400]
    throw error
  }
}
