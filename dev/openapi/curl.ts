import type { Example } from './examples.ts'
import type { Method } from './operations.ts'
import { variableOf } from './callers.ts'

/** An example as a command for the shell, where `API_URL` and the tokens are variables. */
export function curl(path: string, method: Method, { name, as, query, headers, body }: Example) {
  const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`
  const type = typeof body === 'string' ? 'text/xml' : 'application/json'
  const parts = [
    ...(method === 'get' ? [] : [`-X ${method.toUpperCase()}`]),
    `"$API_URL${path}${search}"`,
    ...(as === undefined ? [] : [`-H "authorization: Bearer $${variableOf[as]}"`]),
    ...Object.entries({ ...headers, ...(body === undefined ? {} : { 'content-type': type }) }).map(
      (pair) => `-H '${pair.join(': ')}'`,
    ),
    ...(body === undefined
      ? []
      : [`-d '${typeof body === 'string' ? body : JSON.stringify(body)}'`]),
  ]
  return { lang: 'Shell', label: name, source: ['curl', ...parts].join(' ') }
}
