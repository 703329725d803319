/**
 * Writes log lines of one JSON object each. Only the fields of `LogLine` can appear, and none may
 * hold a secret.
 */
import type { LogFields } from './core/log-fields.ts'
import { currentRequest } from './request-context.ts'

export interface LogLine extends LogFields {
  readonly level: 'info' | 'warn' | 'error'
  /** The outcome of a request: `ok`, or the stable code of its failure. */
  readonly outcome?: string
  readonly status?: number
  /** In milliseconds. */
  readonly duration?: number
}

/** Adds the time and the fields of the current request. */
export function writeLog({
  level,
  event,
  order,
  outcome,
  status,
  reason,
  code,
  detail,
  count,
  duration,
}: LogLine): void {
  const request = currentRequest()
  const text = JSON.stringify({
    time: new Date().toISOString(),
    level,
    event,
    requestId: request?.requestId,
    function: request?.function,
    order: order ?? request?.order,
    outcome,
    status,
    reason,
    code,
    detail,
    count,
    duration,
  })
  if (level === 'error') console.error(text)
  else console.log(text)
}
