export type Environment = Readonly<Record<string, string | undefined>>

/** An empty variable counts as missing: `.env.example` lists every variable with an empty value. */
export function readVariable(environment: Environment, name: string): string | undefined {
  const value = environment[name]
  return value === '' ? undefined : value
}
