/** Calls a route of the local world. */
import * as v from 'valibot'

export type WorldAnswer<T> =
  | { readonly ok: true; readonly value: T }
  /** `reason` is the world's own text, or null if it did not answer. */
  | { readonly ok: false; readonly reason: string | null }

const refusalSchema = v.object({ error: v.string() })
const TIMEOUT_MS = 60_000

export async function callWorld<const S extends v.GenericSchema>(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  schema: S,
  body?: object,
): Promise<WorldAnswer<v.InferOutput<S>>> {
  try {
    const response = await fetch(path, {
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const json: unknown = await response.json()
    const refusal = v.safeParse(refusalSchema, json)
    if (!response.ok) return { ok: false, reason: refusal.success ? refusal.output.error : null }
    return { ok: true, value: v.parse(schema, json) }
  } catch {
    return { ok: false, reason: null }
  }
}
