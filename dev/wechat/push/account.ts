/** The settings of message push in the Mini Program's console. */
export interface PushAccount {
  readonly url: string
  readonly token: string
  /** EncodingAESKey, 43 characters. Null: every message is plain. */
  readonly key: string | null
}
