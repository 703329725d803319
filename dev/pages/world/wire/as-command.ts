/** A message as a command or as code that sends it again. */
import type { Exchange } from '../../../world/feed.ts'

type Request = Exchange['request']

/** Headers that the client sets itself. */
const OWN_HEADERS = /^(?:host|connection|content-length|accept-encoding|transfer-encoding)$/i

const headersOf = ({ headers }: Request): readonly (readonly [string, string])[] =>
  Object.entries(headers).filter(([name]) => !OWN_HEADERS.test(name))

/** Every message goes through the port of the local world, which also served this page. */
const addressOf = ({ url }: Request): string => new URL(url, location.origin).href

/** In single quotes for sh, where only a single quote needs an escape. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

export function asCurl(request: Request): string {
  const parts = [
    ...(request.method === 'GET' ? [] : [`-X ${request.method}`]),
    ...headersOf(request).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...(request.body === '' ? [] : [`--data-binary ${quote(request.body)}`]),
    quote(addressOf(request)),
  ]
  return `curl ${parts.join(' \\\n  ')}`
}

export function asTypeScript(request: Request): string {
  const headers = headersOf(request)
  const lines = [
    ...(request.method === 'GET' ? [] : [`method: ${JSON.stringify(request.method)},`]),
    ...(headers.length === 0
      ? []
      : [
          `headers: ${JSON.stringify(Object.fromEntries(headers), null, 2).replaceAll('\n', '\n  ')},`,
        ]),
    ...(request.body === '' ? [] : [`body: ${JSON.stringify(request.body)},`]),
  ]
  const options = lines.length === 0 ? '' : `, {\n  ${lines.join('\n  ')}\n}`
  return `const response = await fetch(${JSON.stringify(addressOf(request))}${options})
console.log(response.status, await response.text())`
}
