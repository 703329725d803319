/** One JSON line per thing worth knowing. Only the fields of `LogLine` can appear, and none of them can hold a secret. */
export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly event: string
  readonly requestId?: string
  readonly path?: string
  readonly status?: number
  readonly ms?: number
  readonly outTradeNo?: string
  readonly reason?: string
  readonly code?: string
  readonly detail?: string
  readonly count?: number
}

export function writeLog(line: LogLine): void {
  const { level, event, requestId, path, status, ms, outTradeNo, reason, code, detail, count } = line
  const text = JSON.stringify({ level, event, requestId, path, status, ms, outTradeNo, reason, code, detail, count })
  if (level === 'error') console.error(text)
  else console.log(text)
}
