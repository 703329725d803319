/** Strings, keys with their colon, and the structural characters. */
const TOKEN = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[{}[\],]/g

/** An object or a list that is not closed yet, with the current position in it. */
interface Open {
  /** Null for a list. */
  readonly keys: Set<string> | null
  at: string | number
}

/**
 * Finds a key that occurs twice in one object. Returns its path, such as `items.0.sku`, or null.
 *
 * `JSON.parse` keeps the last of the two and other parsers keep the first, so two readers of one
 * message could understand different amounts. Keys are compared after their escapes are resolved.
 * The text must be well-formed JSON. There is no recursion, so deep nesting cannot exhaust the
 * stack.
 *
 * Only requests and decrypted user data are checked. Answers to our own calls come over TLS and are
 * read by one parser.
 */
export function findRepeatedKey(json: string): string | null {
  const open: Open[] = []
  for (const [token, text, colon] of json.matchAll(TOKEN)) {
    const inside = open.at(-1)
    if (token === '{') open.push({ keys: new Set(), at: '' })
    else if (token === '[') open.push({ keys: null, at: 0 })
    else if (token === '}' || token === ']') open.pop()
    else if (token === ',' && typeof inside?.at === 'number') inside.at += 1
    else if (text !== undefined && colon !== undefined && inside?.keys) {
      const key = String(JSON.parse(text))
      inside.at = key
      if (inside.keys.has(key)) return open.map(({ at }) => at).join('.')
      inside.keys.add(key)
    }
  }
  return null
}
