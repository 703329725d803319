/**
 * Looks for secrets in the answers and the log lines of the functions. It knows the keys of the
 * environment, and learns the session keys and access tokens from WeChat's answers.
 */
import { secretVariables } from './mask.ts'
import { readVariable, type Environment } from '../program/environment.ts'

export interface Leaks {
  /** Learns the secrets in an answer of WeChat. */
  learn(answer: string): void
  /** @param place a name for the answer or the log line, to show to a person */
  look(place: string, text: string): void
  /** The places where a secret was seen. */
  readonly found: readonly string[]
}

const GIVEN = /"(?:session_key|access_token)"\s*:\s*"([^"]{16,})"/g
const STACK = /(?:\n|\\n) {4}at .+:\d+:\d+/
const KEPT = 20
const LEARNED = 500

export function createLeaks(env: Environment): Leaks {
  const keys = secretVariables.flatMap((name) => {
    const value = readVariable(env, name)
    // A key in PEM has several lines, which JSON writes differently.
    return value === undefined ? [] : [longest(value.split('\n'))]
  })
  const given = new Set<string>()
  const found: string[] = []
  return {
    learn: (answer) => {
      for (const [, secret = ''] of answer.matchAll(GIVEN)) given.add(secret)
      for (const old of [...given].slice(0, -LEARNED)) given.delete(old)
    },
    look: (place, text) => {
      const isLeak =
        STACK.test(text) ||
        keys.some((key) => text.includes(key)) ||
        [...given].some((secret) => text.includes(secret))
      if (isLeak && found.length < KEPT && !found.includes(place)) found.push(place)
    },
    found,
  }
}

const longest = (texts: readonly string[]): string =>
  texts.reduce((best, text) => (text.length > best.length ? text : best), '')

/** Looks at the log lines of the functions. Returns a function that ends it. */
export function watchLog(leaks: Leaks): () => void {
  const { log, error } = console
  const watched =
    (write: typeof log) =>
    (...args: readonly unknown[]): void => {
      const [line] = args
      // The world's own text shows the demo keys.
      if (typeof line === 'string' && line.startsWith('{"time"')) leaks.look('a log line', line)
      write(...args)
    }
  const [watchedLog, watchedError] = [watched(log), watched(error)]
  console.log = watchedLog
  console.error = watchedError
  return () => {
    if (console.log === watchedLog) console.log = log
    if (console.error === watchedError) console.error = error
  }
}
