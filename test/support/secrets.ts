/**
 * Records every answer, log line and error, and finds secrets in them. A finding names the secret,
 * and never shows its value.
 */
import { secretVariables } from '../../dev/world/mask.ts'

/** Secrets that are recognized by their form. */
const SHAPES: readonly (readonly [name: string, shape: RegExp])[] = [
  ['a token', /\beyJ[\w-]{8,}(?:\.[\w-]+)+/g],
  ['session_key', /session_key/gi],
  // In the form that WeChat and the tests use.
  ['an openid', /(?<![\w-])o(?=[\w-]*[A-Z])[\w-]{24,40}(?![\w-])/g],
  ['a stack trace', /\bat (?:async )?(?:[\w.<>$ ]+ \()?(?:file:|node:|\/)[^\s"()]*:\d+:\d+/g],
]

/** Shorter values would be found in any text. Real secrets are longer. */
const MIN_LENGTH = 8

/**
 * The parts of a value that are secret by themselves: the lines of a key, the password of a URL,
 * the part after `whsec_`.
 */
function toParts(value: string): readonly string[] {
  const password = /^\w+:\/\/([^/@]*:([^/@]*))@/.exec(value)
  const key = value.includes('-----')
    ? value.split(/\\n|\s+/).filter((line) => /^[\w+/=]{16,}$/.test(line))
    : []
  const parts = [
    value,
    encodeURIComponent(value),
    value.replace(/^whsec_/, ''),
    password?.[1] ?? '',
    password?.[2] ?? '',
    ...key,
  ]
  return [...new Set(parts)].filter((part) => part.length >= MIN_LENGTH)
}

const known = new Map<string, readonly string[]>()
function partsOf(name: string): readonly string[] {
  const value = process.env[name] ?? ''
  const parts = known.get(value) ?? toParts(value)
  known.set(value, parts)
  return parts
}

/** Returns the names of the secrets in a text, by the current environment. */
export function secretsIn(text: string): readonly string[] {
  const configured = secretVariables.filter((name) =>
    partsOf(name).some((part) => text.includes(part)),
  )
  return [
    ...configured,
    ...SHAPES.filter(([, shape]) => text.search(shape) !== -1).map(([name]) => name),
  ]
}

/** Replaces every secret in a text by its name. */
function mask(text: string): string {
  const hide = (from: string, name: string, part: string | RegExp) =>
    from.replaceAll(part, `[${name}]`)
  const shown = secretVariables.reduce(
    (left, name) => partsOf(name).reduce((rest, part) => hide(rest, name, part), left),
    text,
  )
  return SHAPES.reduce((left, [name, shape]) => hide(left, name, shape), shown)
}

export type Seen = 'answer' | 'log line' | 'error'

const seen: { readonly what: Seen; readonly text: string }[] = []
const learned = new Map<string, string>()
let found: string[] = []

const describeFinding = (what: Seen, names: readonly string[], text: string) =>
  `${names.join(', ')} in this ${what}: ${text.slice(0, 300)}`

/** Records a text that can be read from outside. */
export function watch(what: Seen, text: string): void {
  seen.push({ what, text })
  const names = secretsIn(text).filter((name) => !(what === 'error' && name === 'a stack trace'))
  if (names.length > 0) found.push(describeFinding(what, names, mask(text)))
}

/** Parts of answers that a caller may read. A random signature can look like an openid. */
const READABLE: Readonly<Record<string, RegExp>> = {
  '/api/login': /"(?:token|openid|phoneNumber)":"[\w.+-]+"/g,
  '/api/orders': /"paySign":"[\w+/=]+"/,
  '/api/prepay': /"paySign":"[\w+/=]+"/,
}

/** The merchant may read who pays. */
const PAYER = /"(?:openid|payerPhone)":"[\w+-]+"/g

/** Records an answer of a function. */
export function watchAnswer(
  path: string,
  headers: Headers,
  text: string,
  reader: 'payer' | 'merchant' = 'payer',
): void {
  if (!path.startsWith('/api/')) return
  const readable = Object.entries(READABLE).find(([name]) => path.startsWith(name))?.[1] ?? ''
  const shown = reader === 'merchant' ? text.replace(PAYER, '') : text
  watch('answer', JSON.stringify([...headers]) + shown.replace(readable, ''))
}

/**
 * Adds a secret that was created during a test, such as a session key. It is also found in texts
 * recorded earlier.
 */
export function learnSecret(name: string, value: string): void {
  if (value.length >= MIN_LENGTH) learned.set(value, name)
}

/** Returns and removes the findings since the last call. */
export function takeFindings(): readonly string[] {
  const taken = found
  found = []
  return taken
}

/** Returns the texts in which a learned secret appeared, and removes every record. */
export function takeLateFindings(): readonly string[] {
  const late = seen.splice(0).flatMap(({ what, text }) => {
    const names = [...learned].filter(([value]) => text.includes(value)).map(([, name]) => name)
    return names.length === 0 ? [] : [describeFinding(what, names, '(learned since)')]
  })
  learned.clear()
  return late
}
