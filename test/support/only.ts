/**
 * A port with only the given methods. A step that uses another one fails the test with the name of
 * the method, so a test that names three calls also proves that there is no fourth.
 */
export function only<T extends object>(part: Partial<T>): T {
  const port: T = new Proxy(Object.create(null), {
    get(_, name) {
      // `await` asks every value whether it is a promise.
      if (!Reflect.has(part, name) && name !== 'then')
        throw new Error(`${String(name)} is not expected to be used here`)
      return Reflect.get(part, name)
    },
  })
  return port
}
