/** Prints the steps of the demo: one line each, or with their messages. */
import { styleText } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type { LoggedMessage } from '../wechat/message-log.ts'

/** One call, or one action of WeChat or the client. */
export interface Call {
  readonly request: string
  readonly status: string
  readonly answer: Readonly<Record<string, unknown>>
  readonly ms: number
}

export interface Shown extends Call {
  readonly title: string
  /** The result of the check. */
  readonly verified: string
  /** The messages between the functions and WeChat. */
  readonly messages: readonly LoggedMessage[]
}

export interface Page {
  show(step: Shown): void
}

const print = (line: string) => process.stdout.write(`${line}\n`)
const indent = (text: string, by: number) => text.replaceAll(/^/gm, ' '.repeat(by))
const MS_COLUMNS = 5
const TITLE_COLUMNS = 36

/** @param wire prints the messages of each step, too */
export function openPage({ wire, ownUrl }: { wire: boolean; ownUrl: string }): Page {
  let number = 0
  return {
    show: ({ title, verified, request, status, answer, ms, messages }) => {
      number += 1
      const time = `${ms.toFixed(0).padStart(MS_COLUMNS)} ms`
      const line = [
        styleText('green', '✓'),
        String(number).padStart(2),
        styleText('dim', time),
        ` ${styleText('bold', title.padEnd(TITLE_COLUMNS))} ${verified}`,
      ]
      print(`${wire ? '\n' : ''}${line.join(' ')}`)
      if (!wire) return
      print(`   ${styleText('cyan', request)}`)
      print(indent(`${status === '' ? '' : `${status} `}${JSON.stringify(answer, null, 2)}`, 3))
      messages.forEach((message) => showMessage(message, ownUrl))
    },
  }
}

/**
 * Prints a message between the functions and WeChat as it was sent, without secrets. XML is split
 * into lines, and the bill is unpacked.
 */
function showMessage(
  { direction, method, url, request, response, status }: LoggedMessage,
  ownUrl: string,
): void {
  const [from, to] = direction === 'in' ? ['functions', 'WeChat'] : ['WeChat', 'functions']
  print(
    indent(styleText('yellow', `${from} → ${to}  ${method} ${mask(url.replace(ownUrl, ''))}`), 5),
  )
  if (request !== '') print(indent(styleText('dim', inLines(request)), 7))
  const isPacked = response?.startsWith(GZIP) ?? false
  print(
    indent(
      styleText('yellow', `${to} answers ${status ?? 'nothing'}${isPacked ? ', unpacked' : ''}`),
      5,
    ),
  )
  if (response !== null)
    print(indent(styleText('dim', isPacked ? unpack(response) : inLines(response)), 7))
}

/** The first bytes of gzip in Base64. */
const GZIP = 'H4sI'
const unpack = (base64: string): string =>
  gunzipSync(Buffer.from(base64, 'base64')).toString().trim().replaceAll('\r', '')

/** Even the demo does not show the session key and the access token. */
const mask = (message: string): string =>
  message
    .replaceAll(/"(session_key|access_token)":"[^"]*"/g, '"$1":"***"')
    .replaceAll(/(access_token=)[^& ]+/g, '$1***')
    // It is encrypted, and long.
    .replaceAll(/"(payer_phone)":"[^"]*"/g, '"$1":"…"')

/** One line for each element. */
const inLines = (message: string): string =>
  mask(message.replaceAll(/(<xml>|<\/\w+>)(?=<)/g, '$1\n').replaceAll(/^<(?!\/?xml>)/gm, '  <'))
