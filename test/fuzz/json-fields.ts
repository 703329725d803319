/** The value at a path in parsed JSON; undefined if a field is absent. */
export const field = (value: unknown, ...[name = '', ...rest]: readonly string[]): unknown => {
  const inner: unknown =
    typeof value === 'object' && value !== null && Object.hasOwn(value, name)
      ? Reflect.get(value, name)
      : undefined
  return rest.length === 0 ? inner : field(inner, ...rest)
}

/** The text without a byte order mark. */
export const withoutMark = (bytes: Buffer): string => bytes.toString('utf8').replace(/^\ufeff/u, '')
