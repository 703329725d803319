/** The title of a message in words. The raw text is shown when the message is opened. */
import * as v from 'valibot'
import type { Exchange } from '../../../world/feed.ts'
import { useTexts, type Texts } from '../../base/language.tsx'
import { redisTexts, tableTexts, titleTexts } from './words-texts.ts'

const statement = v.object({ query: v.string() })
const sql = v.pipe(
  v.string(),
  v.parseJson(),
  v.union([
    v.pipe(
      v.object({ queries: v.array(statement) }),
      v.transform(({ queries }) => queries),
    ),
    v.pipe(
      statement,
      v.transform((one) => [one]),
    ),
  ]),
)

const WRITTEN = /\b(?:insert into|update|delete from)\s+([a-z_]+)/g
const READ = /\b(?:from|join)\s+([a-z_]+)/g

const has = <Key extends string>(texts: Texts<Key>, key: string): key is Key =>
  Object.hasOwn(texts, key)

/** The known tables that a pattern finds, each once. */
const tablesIn = (text: string, pattern: RegExp): readonly (keyof typeof tableTexts)[] => [
  ...new Set(
    [...text.matchAll(pattern)]
      .map(([, table = '']) => table)
      .filter((table) => has(tableTexts, table)),
  ),
]

/** Returns a function from a message to its title in the chosen language. */
export function useWords(): (exchange: Exchange) => string {
  const say = useTexts(titleTexts)
  const sayTable = useTexts(tableTexts)
  const sayRedis = useTexts(redisTexts)

  const describeSql = (body: string): string | null => {
    const read = v.safeParse(sql, body)
    if (!read.success) return null
    const text = read.output.map(({ query }) => query).join(';')
    const written = tablesIn(text, WRITTEN)
    const tables = written.length > 0 ? written : tablesIn(text, READ)
    if (tables.length === 0) return null
    const what = tables.map((table) => sayTable(table)).join(say('and'))
    return say(written.length > 0 ? 'writes' : 'reads', { what })
  }

  const describeRedis = (title: string): string | null => {
    const found = /^(\w+) wxpay:([\w-]+)(.*)$/.exec(title)
    if (found === null) return null
    const [, command = '', kind = '', rest = ''] = found
    if (!has(redisTexts, kind)) return null
    const what = rest.endsWith(':lock') ? say('lock', { what: sayRedis(kind) }) : sayRedis(kind)
    return say(command === 'GET' || command === 'MGET' ? 'reads' : 'writes', { what })
  }

  return ({ title, to, request }) => {
    if (to === 'database') return describeSql(request.body) ?? title
    if (to === 'redis') return describeRedis(title) ?? title
    return has(titleTexts, title) ? say(title) : title
  }
}
