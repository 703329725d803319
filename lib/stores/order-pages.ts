import type { OrderFilter } from '../ports.ts'
import { isWithin } from './period.ts'

interface Statement {
  readonly text: string
  readonly params: readonly unknown[]
}

/**
 * A page of orders. For one payer, who has few orders, it reads one page in all the states. For all
 * payers, it reads a page for each state and keeps the newest rows, because an index serves only
 * one state at a time. The statement has only the conditions that the filter names, so that the
 * planner sees which index fits.
 */
export function selectPage({ payer, tradeStates, placed, before, limit }: OrderFilter): Statement {
  const params: unknown[] = []
  const param = (value: unknown, type = 'text') => `$${String(params.push(value))}::${type}`

  const isOfPayer: string[] = []
  if (payer !== null) isOfPayer.push(`openid = ${param(payer.openid)}`)
  if (payer !== null && payer.appid !== null) isOfPayer.push(`appid = ${param(payer.appid)}`)

  const conditions = [...isOfPayer]
  if (placed !== null) conditions.push(...isWithin('created_at', placed, param))
  const [position, newestFirst] =
    placed === null ? ['id', 'id desc'] : ['created_at, id', 'created_at desc, id desc']
  if (before !== null) {
    const isLast = [`out_trade_no = ${param(before)}`, ...isOfPayer].join(' and ')
    conditions.push(`(${position}) < (select ${position} from orders where ${isLast})`)
  }

  const size = param(limit, 'bigint')
  const pageOf = (...all: readonly string[]) => `(
    select ${position}, to_jsonb(o) as "order" from orders o
    ${all.length === 0 ? '' : `where ${all.join(' and ')}`}
    order by ${newestFirst} limit ${size})`
  const pages = () => {
    if (tradeStates === null) return [pageOf(...conditions)]
    if (payer !== null)
      return [pageOf(...conditions, `trade_state = any(${param(tradeStates, 'text[]')})`)]
    return tradeStates.map((state) => pageOf(...conditions, `trade_state = ${param(state)}`))
  }
  const text = `select "order" from (${pages().join(' union all ')}) pages
    order by ${newestFirst} limit ${size}`
  return { text, params }
}
