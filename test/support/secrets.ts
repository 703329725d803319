/**
 * Remembers what was answered, logged and thrown, and knows what must be in none of it. Whatever is
 * found is told by its name, never by its value.
 */

/** The variables whose values nobody may read anywhere. */
export const SECRET_VARIABLES = [
  'WECHAT_APP_SECRET',
  'WECHAT_PAY_KEY',
  'WECHAT_PAY_KEY_OTHER',
  'WECHAT_PAY_CERT_KEY',
  'SESSION_SECRET',
  'MERCHANT_API_KEY',
  'CRON_SECRET',
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'KV_REST_API_TOKEN',
  'ORDER_WEBHOOK_SECRET',
  'QSTASH_TOKEN',
  'OTEL_EXPORTER_OTLP_HEADERS',
] as const

/** What is a secret whatever it is. */
const SHAPES: readonly (readonly [name: string, shape: RegExp])[] = [
  ['a token', /\beyJ[\w-]{8,}(?:\.[\w-]+)+/g],
  ['session_key', /session_key/gi],
  // As WeChat makes them, and as tests do.
  ['an openid', /(?<![\w-])o(?=[\w-]*[A-Z])[\w-]{24,40}(?![\w-])/g],
  ['a stack trace', /\bat (?:async )?(?:[\w.<>$ ]+ \()?(?:file:|node:|\/)[^\s"()]*:\d+:\d+/g],
]

/** Shorter ones would be found in any text; what is configured to take payments is longer. */
const SHORTEST = 8

/**
 * The parts of a value that alone would give it away: a key's lines, a URL's password, what follows
 * `whsec_`.
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
  return [...new Set(parts)].filter((part) => part.length >= SHORTEST)
}

const known = new Map<string, readonly string[]>()
function partsOf(name: string): readonly string[] {
  const value = process.env[name] ?? ''
  const parts = known.get(value) ?? toParts(value)
  known.set(value, parts)
  return parts
}

/** The names of the secrets in a text, as the environment is at this moment. */
export function secretsIn(text: string): readonly string[] {
  const configured = SECRET_VARIABLES.filter((name) =>
    partsOf(name).some((part) => text.includes(part)),
  )
  return [
    ...configured,
    ...SHAPES.filter(([, shape]) => text.search(shape) !== -1).map(([name]) => name),
  ]
}

/** The text without any secret of `secretsIn`, to be shown. */
function mask(text: string): string {
  const hide = (from: string, name: string, part: string | RegExp) =>
    from.replaceAll(part, `[${name}]`)
  const shown = SECRET_VARIABLES.reduce(
    (left, name) => partsOf(name).reduce((rest, part) => hide(rest, name, part), left),
    text,
  )
  return SHAPES.reduce((left, [name, shape]) => hide(left, name, shape), shown)
}

export type Seen = 'answer' | 'log line' | 'error'

const seen: { readonly what: Seen; readonly text: string }[] = []
const learned = new Map<string, string>()
let found: string[] = []

const tell = (what: Seen, names: readonly string[], text: string) =>
  `${names.join(', ')} in this ${what}: ${text.slice(0, 300)}`

/** Somebody outside may read this text. */
export function watch(what: Seen, text: string): void {
  seen.push({ what, text })
  const names = secretsIn(text).filter((name) => !(what === 'error' && name === 'a stack trace'))
  if (names.length > 0) found.push(tell(what, names, mask(text)))
}

/**
 * An answer of a function. The token that a login is answered with is the one secret that its
 * caller may have.
 */
export function watchAnswer(path: string, headers: Headers, text: string): void {
  if (!path.startsWith('/api/')) return
  const shown = path.startsWith('/api/login') ? text.replace(/"token":"[\w.-]+"/, '') : text
  watch('answer', JSON.stringify([...headers]) + shown)
}

/**
 * A secret that was made on the way, such as a session key: wherever it was seen before, or will
 * be, it is found.
 */
export function learnSecret(name: string, value: string): void {
  if (value.length >= SHORTEST) learned.set(value, name)
}

/** What came to light since the last time, in words. */
export function takeFindings(): readonly string[] {
  const taken = found
  found = []
  return taken
}

/** Where a learned secret was seen; everything seen is forgotten. */
export function takeLateFindings(): readonly string[] {
  const late = seen.splice(0).flatMap(({ what, text }) => {
    const names = [...learned].filter(([value]) => text.includes(value)).map(([, name]) => name)
    return names.length === 0 ? [] : [tell(what, names, '(learned since)')]
  })
  learned.clear()
  return late
}
