/** What the demo prints. */
import { styleText } from 'node:util'
import type { WireMessage } from './wechat/simulator.ts'

export interface Call {
  readonly request: string
  readonly status: string
  readonly answer: Record<string, unknown>
  /** Null where there is nothing to time. */
  readonly ms: number | null
}

const print = (line: string) => process.stdout.write(`${line}\n`)
const indent = (text: string, by: number) => text.replaceAll(/^/gm, ' '.repeat(by))

let number = 0

export function show(title: string, { request, status, answer, ms }: Call): void {
  number += 1
  print(`\n${styleText('bold', `${number}  ${title}`)}${ms === null ? '' : styleText('dim', `  ${ms.toFixed(0)} ms`)}`)
  print(`   ${styleText('cyan', request)}`)
  print(indent(`${status === '' ? '' : `${status} `}${JSON.stringify(answer, null, 2)}`, 3))
}

/** The messages between the functions and WeChat, as they were on the wire; XML is only broken into lines. */
export function showWire(messages: readonly WireMessage[], ownUrl: string): void {
  for (const { direction, method, url, request, response, status } of messages) {
    const [from, to] = direction === 'in' ? ['functions', 'WeChat'] : ['WeChat', 'functions']
    print(indent(styleText('yellow', `${from} → ${to}  ${method} ${url.replace(ownUrl, '')}`), 5))
    if (request !== '') print(indent(styleText('dim', inLines(request)), 7))
    print(indent(styleText('yellow', `${to} answers ${status ?? 'nothing'}`), 5))
    if (response !== null) print(indent(styleText('dim', inLines(response)), 7))
  }
}

/** A line per element; the session key is the one thing even a demo does not show. */
const inLines = (message: string): string =>
  message
    .replaceAll(/(<xml>|<\/\w+>)(?=<)/g, '$1\n')
    .replaceAll(/^<(?!\/?xml>)/gm, '  <')
    .replaceAll(/"(session_key|access_token)":"[^"]*"/g, '"$1":"***"')
    .replaceAll(/(access_token=)[^& ]+/g, '$1***')
