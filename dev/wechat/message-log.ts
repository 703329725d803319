/** One request and its answer, as they were sent. */
export interface LoggedMessage {
  /** The start of the request, in milliseconds by the simulator's clock. */
  readonly at: number
  /** `in`: a request to WeChat. `out`: a notification from WeChat. */
  readonly direction: 'in' | 'out'
  readonly method: string
  /** The path and query of a request to WeChat, the whole URL of a notification. */
  readonly url: string
  readonly request: string
  /** The headers of a notification of APIv3. */
  readonly requestHeaders?: Readonly<Record<string, string>>
  /** Base64 if it is not text. Null without an answer. */
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
