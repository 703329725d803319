const STRING = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?/g

/**
 * A key that one object of this well-formed JSON has twice, or null. `JSON.parse` keeps one of the
 * two, so the parsed value has fewer keys than the text.
 */
export function findRepeatedKey(json: string): string | null {
  const keys = [...json.matchAll(STRING)].flatMap(([, text = '', colon]) =>
    colon === undefined ? [] : [String(JSON.parse(text))],
  )
  if (keys.length === countKeys(JSON.parse(json))) return null
  return keys.find((key, index) => keys.indexOf(key) < index) ?? null
}

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  return Object.values(value).reduce((sum: number, inner) => sum + countKeys(inner), own)
}
