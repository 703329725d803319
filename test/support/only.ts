/**
 * A port that is good for what it is given and nothing else. A step that asks more of it fails the
 * test and says what it asked for, so a test that names three calls also promises that there is no
 * fourth.
 */
export function only<T extends object>(part: Partial<T>): T {
  const port: T = new Proxy(Object.create(null), {
    get(_, name) {
      if (!Reflect.has(part, name))
        throw new Error(`${String(name)} is nothing this step should need here`)
      return Reflect.get(part, name)
    },
  })
  return port
}
