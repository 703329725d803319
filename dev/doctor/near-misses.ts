/** Finds variables that are not read, and whose name is close to one that is read and not set. */
import type { Environment } from '../../lib/config/environment.ts'
import type { Oddity } from './env-file.ts'
import { isSet } from './check.ts'
import { checks } from './checks.ts'

/** Names that other programs and services use for the same setting. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['DB_URL', 'DATABASE_URL'],
  ['NEON_DATABASE_URL', 'DATABASE_URL'],
  ['POSTGRES_URL', 'DATABASE_URL'],
  ['REDIS_URL', 'UPSTASH_REDIS_REST_URL'],
  ['UPSTASH_REDIS_URL', 'UPSTASH_REDIS_REST_URL'],
  ['REDIS_TOKEN', 'UPSTASH_REDIS_REST_TOKEN'],
  ['UPSTASH_REDIS_TOKEN', 'UPSTASH_REDIS_REST_TOKEN'],
  ['WECHAT_SECRET', 'WECHAT_APP_SECRET'],
  ['WECHAT_API_KEY', 'WECHAT_PAY_KEY'],
  ['WECHAT_MCH_KEY', 'WECHAT_PAY_KEY'],
  ['WECHAT_PAY_API_KEY', 'WECHAT_PAY_KEY'],
  ['JWT_SECRET', 'SESSION_SECRET'],
])

interface Known {
  readonly name: string
  /** A name, and the one that replaces it. */
  readonly either: readonly string[]
}

const known: readonly Known[] = checks.flatMap(({ settings }) =>
  settings.flatMap(({ names, instead = [] }) =>
    names.map((name, index) => ({ name, either: [name, instead[index] ?? name] })),
  ),
)
const read = new Set(known.flatMap(({ either }) => either))

export function findNearMisses(env: Environment): readonly Oddity[] {
  const missing = known
    .filter(({ either }) => !either.some((name) => isSet(env, name)))
    .map(({ name }) => name)
  return Object.keys(env).flatMap((name) => {
    if (read.has(name) || !isSet(env, name)) return []
    const meant = missing.find(
      (one) => one === ALIASES.get(plain(name)) || isNear(plain(name), one),
    )
    return meant === undefined
      ? []
      : [{ what: `${name} is not read`, where: `did you mean ${meant}?` }]
  })
}

const plain = (name: string): string =>
  name
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replace(/^(?:WX|WEIXIN)_/, 'WECHAT_')

/** Underscores are ignored. The names that are read differ by more than this. */
const isNear = (name: string, other: string): boolean =>
  distance(name.replaceAll('_', ''), other.replaceAll('_', '')) <= 1

/** The number of letters to add, remove, replace or swap with their neighbour. */
function distance(from: string, to: string): number {
  let [beforeLast, last] = [
    [] as number[],
    Array.from({ length: to.length + 1 }, (_, column) => column),
  ]
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= to.length; column += 1) {
      const cost = from[row - 1] === to[column - 1] ? 0 : 1
      const swapped =
        from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
          ? (beforeLast[column - 2] ?? Infinity) + 1
          : Infinity
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + cost,
          swapped,
        ),
      )
    }
    ;[beforeLast, last] = [last, current]
  }
  return last.at(-1) ?? 0
}
