/** Prints the steps of the demo. */
import { styleText } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type { LoggedMessage } from '../wechat/message-log.ts'

export interface Call {
  readonly request: string
  readonly status: string
  readonly answer: Record<string, unknown>
  readonly ms: number
}

const print = (line: string) => process.stdout.write(`${line}\n`)
const indent = (text: string, by: number) => text.replaceAll(/^/gm, ' '.repeat(by))

let number = 0

export function show(title: string, { request, status, answer, ms }: Call): void {
  number += 1
  print(`\n${styleText('bold', `${number}  ${title}`)}${styleText('dim', `  ${ms.toFixed(0)} ms`)}`)
  print(`   ${styleText('cyan', request)}`)
  print(indent(`${status === '' ? '' : `${status} `}${JSON.stringify(answer, null, 2)}`, 3))
}

/**
 * Prints the messages between the functions and WeChat as they were sent, without secrets. XML is
 * split into lines, and the bill is unpacked.
 */
export function showMessages(messages: readonly LoggedMessage[], ownUrl: string): void {
  for (const { direction, method, url, request, response, status } of messages) {
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
