/** Counts orders and refunds in progress by the API that they need, before a key is removed. */
import { configuredProtocols } from '../../lib/config/protocol.ts'
import { databaseSettings } from '../../lib/config/stores.ts'
import { ConfigError } from '../../lib/core/failure.ts'
import { connect } from '../../lib/stores/neon.ts'
import { countOpenWork, type OpenWork } from '../../lib/stores/open-work.ts'
import type { Patient } from './check.ts'
import { readRefusal } from './database-refusals.ts'
import { reporter, type Finding, type Verdicts } from './finding.ts'

export const openWorkVerdicts = {
  needed: {
    status: 'ok',
    what: 'API{protocol} is still needed: open orders {orders}, unfinished refunds {refunds}',
  },
  not_needed: {
    status: 'ok',
    what: 'no open order and no unfinished refund needs API{protocol}',
  },
  settings_gone: {
    status: 'wrong',
    what: 'API{protocol} is still needed and not configured: open orders {orders}, unfinished refunds {refunds}',
    why: 'these wait with not_configured: no payment is settled, and no refund is finished',
    where: 'set the variables again until they are finished: {names}',
  },
} as const satisfies Verdicts

const say = reporter('api', openWorkVerdicts)

/** The settings of each protocol. */
export const NEEDS = {
  v2: 'WECHAT_PAY_KEY',
  v3: 'WECHAT_PAY_V3_KEY, the merchant’s certificate, and for most merchants WECHAT_PAY_PUBLIC_KEY',
} as const

/** Returns nothing if the database does not answer, because its own check says why. */
export async function findOpenWork({ env }: Patient): Promise<readonly Finding[]> {
  const work = await readOpenWork(env)
  if (work === null) return []
  const configured: readonly string[] = configuredProtocols(env)
  return Object.entries(NEEDS).flatMap(([protocol, names]) => {
    const found = work.find((one) => one.protocol === protocol)
    if (found !== undefined) {
      const { orders, refunds } = found
      const counts = { protocol, orders: String(orders), refunds: String(refunds), names }
      return [say(configured.includes(protocol) ? 'needed' : 'settings_gone', counts)]
    }
    // With one protocol alone, no key is about to be removed.
    return configured.length > 1 ? [say('not_needed', { protocol })] : []
  })
}

async function readOpenWork(env: Patient['env']): Promise<readonly OpenWork[] | null> {
  try {
    const { url, endpoint } = databaseSettings(env)
    return await countOpenWork(connect(url, endpoint))
  } catch (error) {
    if (error instanceof ConfigError || readRefusal(error) !== null) return null
    throw error
  }
}
