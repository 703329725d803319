import * as v from 'valibot'
import type { TradeManagement } from '../ports.ts'
import type { Sql } from './neon.ts'

const CLAIM = `
  insert into trade_management as t (appid, ask_at) values ($1, $2::timestamptz + interval '1 hour')
  on conflict (appid) do update set ask_at = excluded.ask_at where t.ask_at <= $2::timestamptz
  returning appid`

const STORE = `
  update trade_management set is_managed = $2::boolean, ask_at = $3::timestamptz + interval '1 day' where appid = $1
  returning (select exists (select from shipments)) as has_shipped`

const stored = v.object({ has_shipped: v.boolean() })

export const createTradeManagement = (sql: Sql): TradeManagement => ({
  claim: async (appid, at) => (await sql.query(CLAIM, [appid, at])).length > 0,
  async store(appid, isManaged, at) {
    const [row] = await sql.query(STORE, [appid, isManaged, at])
    return { hasShipped: v.parse(stored, row).has_shipped }
  },
})
