/** One message and its answer, as they went over the wire. */
export interface LoggedMessage {
  /** Milliseconds by the simulator's clock, when the request began. */
  readonly at: number
  /** `in`: to this WeChat; `out`: a notification by it. */
  readonly direction: 'in' | 'out'
  readonly method: string
  /** Path and query of what came in, the whole address of what went out. */
  readonly url: string
  readonly request: string
  /** Base64 where it is not text; null where there was none. */
  readonly response: string | null
  readonly status: number | null
}

const KEPT = 500

/** The latest messages, newest last. */
export class MessageLog {
  readonly messages: LoggedMessage[] = []

  add(message: LoggedMessage): void {
    this.messages.push(message)
    if (this.messages.length > KEPT) this.messages.shift()
  }
}
