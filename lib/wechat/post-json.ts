/** JSON calls to api.weixin.qq.com. The answer always has status 200, and failures an `errcode`. */
import * as v from 'valibot'
import type { Failure } from '../core/failure.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Outgoing } from '../http-client/request.ts'
import { sendRequest } from '../http-client/send-request.ts'
import { CALL_MS } from './deadlines.ts'

/** The fields of every answer. Only `errcode` decides; `errmsg` is for people. */
export const outcome = { errcode: v.optional(v.number(), 0), errmsg: v.fallback(v.string(), '') }

/**
 * Sends one call. Without an answer the outcome is unknown, because the request may have arrived.
 */
export async function postJson<S extends v.GenericSchema>(
  {
    host,
    path,
    query = '',
    isRepeatable,
  }: Pick<Outgoing, 'isRepeatable'> & {
    readonly host: string
    readonly path: string
    readonly query?: string
  },
  body: unknown,
  schema: S,
): Promise<Result<v.InferOutput<S>, Failure>> {
  const headers = { 'content-type': 'application/json' }
  const content = {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    deadlineMs: CALL_MS,
    maxBytes: 65_536,
    isRepeatable,
  } as const
  const url = host + path + query
  const answer = await sendRequest({ spanName: `wechat ${path}`, url, ...content })
  if ('why' in answer) return err({ reason: 'wechat_unknown', silence: answer })
  const text = Buffer.from(answer.bytes).toString('utf8')
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text)
  return read.success ? ok(read.output) : err({ reason: 'wechat_untrusted', check: 'syntax' })
}
