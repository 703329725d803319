type Factories<T> = { readonly [K in keyof T]: () => T[K] }

/**
 * Makes an object whose properties are computed when they are first read.
 *
 * @param parts computed once. A factory that throws is called again at the next read.
 * @param settings computed again at every read, so that they are never older than their source
 */
export function lazy<P extends object, S extends object = object>(
  parts: Factories<P>,
  settings?: Factories<S>,
): P & S
export function lazy(
  parts: Readonly<Record<string, () => unknown>>,
  settings: Readonly<Record<string, () => unknown>> = {},
): object {
  const made = {}
  const define = (name: string, get: () => unknown) =>
    Object.defineProperty(made, name, { configurable: true, enumerable: true, get })
  for (const [name, make] of Object.entries(parts))
    define(name, () => {
      const value = make()
      define(name, () => value)
      return value
    })
  for (const [name, read] of Object.entries(settings)) define(name, read)
  return made
}
