import * as v from 'valibot'
import { cleanRefusalText } from '../refusal-text.ts'
import type { ErrorBody } from './codes.ts'

const errorBody = v.object({
  code: v.pipe(v.string(), v.regex(/^\w{1,64}$/)),
  message: v.fallback(v.optional(v.string(), ''), ''),
  detail: v.fallback(v.object({ field: v.string() }), { field: '' }),
})

/**
 * Reads the body of an answer that refuses a call. Null if it has no error code.
 *
 * @param secrets values of the request that the text must not show
 */
export function readError(json: unknown, secrets: readonly string[] = []): ErrorBody | null {
  const read = v.safeParse(errorBody, json)
  if (!read.success) return null
  const { code, message, detail } = read.output
  return {
    code,
    text: cleanRefusalText(message, secrets),
    field: cleanRefusalText(detail.field, secrets),
  }
}
